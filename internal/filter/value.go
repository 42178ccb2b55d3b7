package filter

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds of values that attributes hold and filters compare with.
const (
	None Kind = iota // no value: the zero Value
	String
	Number // float64; NaN and infinities are refused
	Bool
	Time // an instant, kept in UTC with nanoseconds
	List // of strings
)

func (k Kind) String() string {
	return [...]string{"none", "string", "number", "boolean", "time", "list"}[k]
}

// Value is one typed attribute value. The zero Value is None. Values are
// immutable: callers must not change the slice inside a List.
type Value struct {
	kind Kind
	str  string
	num  float64
	at   time.Time
	list []string
}

// StringOf, NumberOf, BoolOf, TimeOf and ListOf make values.
func StringOf(s string) Value   { return Value{kind: String, str: s} }
func NumberOf(f float64) Value  { return Value{kind: Number, num: f} }
func TimeOf(t time.Time) Value  { return Value{kind: Time, at: t.UTC().Round(0)} }
func ListOf(ss ...string) Value { return Value{kind: List, list: ss} }
func BoolOf(b bool) Value {
	if b {
		return Value{kind: Bool, num: 1}
	}
	return Value{kind: Bool}
}

// Kind tells the value's type.
func (v Value) Kind() Kind { return v.kind }

// Str, Num, Bool, Time and List return the content, or the zero of their type
// when the value is of another kind.
func (v Value) Str() string     { return v.str }
func (v Value) Num() float64    { return v.num }
func (v Value) Bool() bool      { return v.kind == Bool && v.num != 0 }
func (v Value) Time() time.Time { return v.at }
func (v Value) List() []string  { return v.list }

// String prints the value as its JSON form.
func (v Value) String() string {
	switch v.kind {
	case String:
		return strconv.Quote(v.str)
	case Number:
		return strconv.FormatFloat(v.num, 'g', -1, 64)
	case Bool:
		return strconv.FormatBool(v.Bool())
	case Time:
		return strconv.Quote(v.at.Format(time.RFC3339Nano))
	case List:
		quoted := make([]string, len(v.list))
		for i, s := range v.list {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ",") + "]"
	}
	return "null"
}

// Any returns the value as a plain Go value: string, float64, bool, time.Time,
// []string or nil.
func (v Value) Any() any {
	switch v.kind {
	case String:
		return v.str
	case Number:
		return v.num
	case Bool:
		return v.Bool()
	case Time:
		return v.at
	case List:
		return v.list
	}
	return nil
}

// MarshalJSON writes the value; times as RFC 3339 in UTC.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.kind == Time {
		return json.Marshal(v.at.Format(time.RFC3339Nano))
	}
	return json.Marshal(v.Any())
}

// UnmarshalJSON reads a string, number, boolean, RFC 3339 date-time (which
// becomes a Time) or list of strings. Anything else is an error.
func (v *Value) UnmarshalJSON(b []byte) error {
	var raw any
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	parsed, err := ValueOf(raw)
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// ValueOf converts what encoding/json (or a caller) decoded into a Value.
// A string that is a full RFC 3339 date-time becomes a Time.
func ValueOf(raw any) (Value, error) {
	switch x := raw.(type) {
	case string:
		if t, ok := parseTime(x); ok {
			return TimeOf(t), nil
		}
		return StringOf(x), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return Value{}, fmt.Errorf("a number must be finite")
		}
		return NumberOf(x), nil
	case int:
		return NumberOf(float64(x)), nil
	case int64:
		return NumberOf(float64(x)), nil
	case bool:
		return BoolOf(x), nil
	case time.Time:
		return TimeOf(x), nil
	case []string:
		return ListOf(x...), nil
	case []any:
		list := make([]string, len(x))
		for i, e := range x {
			s, ok := e.(string)
			if !ok {
				return Value{}, fmt.Errorf("element %d of a list must be a string", i)
			}
			list[i] = s
		}
		return ListOf(list...), nil
	}
	return Value{}, fmt.Errorf("a value must be a string, number, boolean, RFC 3339 time or list of strings")
}

func parseTime(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || (s[10] != 'T' && s[10] != 't') {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// Equal reports whether both values have the same kind and content.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	if v.kind == List {
		if len(v.list) != len(w.list) {
			return false
		}
		for i := range v.list {
			if v.list[i] != w.list[i] {
				return false
			}
		}
		return true
	}
	c, _ := v.Compare(w)
	return c == 0
}

// Compare orders two values of the same ordered kind (string, number, bool,
// time); ok is false for other pairs, which compare with nothing.
func (v Value) Compare(w Value) (order int, ok bool) {
	if v.kind != w.kind {
		return 0, false
	}
	switch v.kind {
	case String:
		return strings.Compare(v.str, w.str), true
	case Number, Bool:
		return cmp.Compare(v.num, w.num), true
	case Time:
		return v.at.Compare(w.at), true
	}
	return 0, false
}

// order is the place of each kind in Order.
var order = [...]int{Bool: 1, Number: 2, String: 3, Time: 4, List: 5}

// Order compares any two scalar values: booleans stand before numbers, these
// before strings, these before times; values of one kind stand as Compare says.
// Sorted results and the values of facets stand in this order.
func Order(v, w Value) int {
	if c, ok := v.Compare(w); ok {
		return c
	}
	return cmp.Compare(order[v.kind], order[w.kind])
}
