package sqlite

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// micros stores a time as microseconds since 1970 in UTC, the zero time as
// NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time { return time.UnixMicro(us).UTC() }

// storedValue is an attribute with its kind, since JSON alone cannot tell a
// time from a string that looks like one. Exactly one field is set.
type storedValue struct {
	String *string    `json:"s,omitempty"`
	Number *float64   `json:"n,omitempty"`
	Bool   *bool      `json:"b,omitempty"`
	Time   *time.Time `json:"t,omitempty"`
	List   *[]string  `json:"l,omitempty"`
}

// encodeAttributes writes attributes in a canonical form: equal attributes
// give equal strings.
func encodeAttributes(m map[string]filter.Value) (string, error) {
	if len(m) == 0 {
		return "{}", nil
	}
	stored := make(map[string]storedValue, len(m))
	for k, v := range m {
		stored[k] = storeValue(v)
	}
	b, err := json.Marshal(stored) // sorts keys
	return string(b), err
}

func storeValue(v filter.Value) (s storedValue) {
	switch v.Kind() {
	case filter.String:
		x := v.Str()
		s.String = &x
	case filter.Number:
		x := v.Num()
		s.Number = &x
	case filter.Bool:
		x := v.Bool()
		s.Bool = &x
	case filter.Time:
		x := v.Time()
		s.Time = &x
	case filter.List:
		x := append([]string{}, v.List()...)
		s.List = &x
	}
	return s
}

func decodeAttributes(text string) (map[string]filter.Value, error) {
	if text == "{}" {
		return nil, nil
	}
	var stored map[string]storedValue
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, fmt.Errorf("decode attributes: %w", err)
	}
	m := make(map[string]filter.Value, len(stored))
	for k, s := range stored {
		switch {
		case s.String != nil:
			m[k] = filter.StringOf(*s.String)
		case s.Number != nil:
			m[k] = filter.NumberOf(*s.Number)
		case s.Bool != nil:
			m[k] = filter.BoolOf(*s.Bool)
		case s.Time != nil:
			m[k] = filter.TimeOf(*s.Time)
		case s.List != nil:
			m[k] = filter.ListOf(*s.List...)
		}
	}
	return m, nil
}

// encodeList and decodeList store sorted labels and heading paths as JSON.
func encodeList(list []string) string {
	b, err := json.Marshal(append([]string{}, list...))
	if err != nil {
		panic("sqlite: strings always encode: " + err.Error())
	}
	return string(b)
}

func decodeList(text string) ([]string, error) {
	switch text {
	case "[]":
		return []string{}, nil
	case `["*"]`:
		return []string{rag.Everyone}, nil
	}
	var list []string
	err := json.Unmarshal([]byte(text), &list)
	return list, err
}

func encodeLocator(l rag.Locator) (string, error) {
	if l.Page == 0 && l.PageEnd == 0 && l.LineStart == 0 && l.LineEnd == 0 && l.Symbol == "" && len(l.HeadingPath) == 0 {
		return "", nil
	}
	b, err := json.Marshal(l)
	return string(b), err
}

func decodeLocator(text string) (l rag.Locator, err error) {
	if text == "" {
		return l, nil
	}
	err = json.Unmarshal([]byte(text), &l)
	return l, err
}

// hexList writes hashes as a JSON list of hexadecimal strings, to be joined
// with json_each.
func hexList(hashes []rag.Hash) string {
	var b strings.Builder
	b.Grow(len(hashes)*67 + 2)
	b.WriteByte('[')
	for i, h := range hashes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(h.String())
		b.WriteByte('"')
	}
	b.WriteByte(']')
	return b.String()
}

func joinHashes(hashes []rag.Hash) []byte {
	b := make([]byte, 0, 32*len(hashes))
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

func splitHashes(b []byte) []rag.Hash {
	hashes := make([]rag.Hash, len(b)/32)
	for i := range hashes {
		copy(hashes[i][:], b[i*32:])
	}
	return hashes
}
