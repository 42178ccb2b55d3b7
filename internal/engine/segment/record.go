package segment

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/quarry-search/quarry/internal/filter"
)

// A record holds what a document says of itself: varint version; varint count
// and strings of the access list; varint count of fields, and for each its
// key, its kind (a byte), and its value: for a list the count and strings,
// else the key of value.go as a string. A string is a varint length and bytes.

func encodeRecord(d Document) string {
	b := binary.AppendUvarint(nil, uint64(d.Version))
	b = appendStrings(b, d.Access)
	b = binary.AppendUvarint(b, uint64(len(d.Fields)))
	for _, key := range slices.Sorted(maps.Keys(d.Fields)) {
		v := d.Fields[key]
		b = appendString(b, key)
		b = append(b, byte(v.Kind()))
		if v.Kind() == filter.List {
			b = appendStrings(b, v.List())
		} else {
			b = appendString(b, valueKey(v))
		}
	}
	return string(b)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

// decodeRecord reads a record, all but the id and the rows. Strings share
// memory with it.
func decodeRecord(record string) Document {
	r := reader{record}
	d := Document{Version: int(r.number()), Access: r.strings()}
	n := r.number()
	d.Fields = make(map[string]filter.Value, min(n, 1024))
	for i := uint64(0); i < n && r.rest != ""; i++ {
		key := r.string()
		if filter.Kind(r.byte()) == filter.List {
			d.Fields[key] = filter.ListOf(r.strings()...)
		} else {
			d.Fields[key] = keyValue(r.string())
		}
	}
	return d
}

func versionOf(record string) int {
	v, _ := uvarint(record)
	return int(v)
}

// reader takes a record apart. At its end it yields zeros.
type reader struct{ rest string }

func (r *reader) number() uint64 {
	v, n := uvarint(r.rest)
	r.rest = r.rest[n:]
	return v
}

func (r *reader) byte() byte {
	if r.rest == "" {
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) string() string {
	n := min(r.number(), uint64(len(r.rest)))
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) strings() []string {
	n := min(r.number(), uint64(len(r.rest)))
	list := make([]string, 0, n)
	for range n {
		list = append(list, r.string())
	}
	return list
}
