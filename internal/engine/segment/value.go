package segment

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
)

// A value's key is a byte string: a letter for its kind, then bytes that
// compare as the values of that kind do. Columns are sorted by it.
const (
	keyNone   = "_"
	keyBool   = "b"
	keyNumber = "n"
	keyString = "s"
	keyTime   = "t"
)

// valueKey returns the key of a value that is not a list.
func valueKey(v filter.Value) string {
	switch v.Kind() {
	case filter.String:
		return keyString + v.Str()
	case filter.Number:
		return keyNumber + string(binary.BigEndian.AppendUint64(nil, orderedFloat(v.Num())))
	case filter.Bool:
		if v.Bool() {
			return keyBool + "\x01"
		}
		return keyBool + "\x00"
	case filter.Time:
		b := binary.BigEndian.AppendUint64([]byte(keyTime), uint64(v.Time().Unix())^1<<63)
		return string(binary.BigEndian.AppendUint32(b, uint32(v.Time().Nanosecond())))
	}
	return keyNone
}

// keyValue is the inverse of valueKey.
func keyValue(key string) filter.Value {
	if key == "" {
		return filter.Value{}
	}
	b := []byte(key[1:])
	switch {
	case key[:1] == keyString:
		return filter.StringOf(key[1:])
	case key[:1] == keyNumber && len(b) == 8:
		return filter.NumberOf(floatOf(binary.BigEndian.Uint64(b)))
	case key[:1] == keyBool && len(b) == 1:
		return filter.BoolOf(b[0] != 0)
	case key[:1] == keyTime && len(b) == 12:
		return filter.TimeOf(time.Unix(int64(binary.BigEndian.Uint64(b)^1<<63), int64(binary.BigEndian.Uint32(b[8:]))))
	}
	return filter.Value{}
}

// orderedFloat maps floats to integers in the order of cmp.Compare: NaN below
// everything, the zeros equal.
func orderedFloat(f float64) uint64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f == 0:
		return 1 << 63
	}
	u := math.Float64bits(f)
	if u>>63 != 0 {
		return ^u
	}
	return u | 1<<63
}

func floatOf(u uint64) float64 {
	switch {
	case u == 0:
		return math.NaN()
	case u>>63 != 0:
		return math.Float64frombits(u &^ (1 << 63))
	}
	return math.Float64frombits(^u)
}
