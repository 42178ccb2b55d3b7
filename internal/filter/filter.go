package filter

import "strings"

// Op names what a node of the tree does.
type Op string

// The closed set of operators. And, Or and Not combine Filters; the others
// test the attribute named Key.
const (
	And    Op = "and"
	Or     Op = "or"
	Not    Op = "not" // of exactly one filter
	Eq     Op = "eq"
	Ne     Op = "ne"
	Gt     Op = "gt"
	Gte    Op = "gte"
	Lt     Op = "lt"
	Lte    Op = "lte"
	In     Op = "in"
	Nin    Op = "nin"
	Exists Op = "exists" // Values[0] is a Bool: true wants the attribute, false its absence
	Prefix Op = "prefix" // strings, and elements of lists
)

// Filter is one node. The zero Filter matches everything.
//
// Semantics, the same in every index:
//   - Eq on a List attribute holds when any element equals the value.
//   - Values of different kinds are never equal and never ordered: such a
//     comparison is false.
//   - Ne is not(Eq) and Nin is not(In), so both hold where the attribute is
//     missing. All other tests are false where it is missing.
//   - Gt, Gte, Lt, Lte order numbers, times and strings (by bytes); on a List
//     they hold when any element does.
type Filter struct {
	Op      Op
	Key     string
	Values  []Value // one for most tests, any number for In and Nin
	Filters []Filter
}

// IsZero reports whether the filter is the one that matches everything.
func (f Filter) IsZero() bool { return f.Op == "" }

// Value returns the single value of a test, or the zero Value.
func (f Filter) Value() Value {
	if len(f.Values) == 0 {
		return Value{}
	}
	return f.Values[0]
}

// Test makes a leaf.
func Test(op Op, key string, values ...Value) Filter {
	return Filter{Op: op, Key: key, Values: values}
}

// All and Any combine filters; zero filters among them are matched by
// everything, as alone.
func All(fs ...Filter) Filter { return Filter{Op: And, Filters: fs} }
func Any(fs ...Filter) Filter { return Filter{Op: Or, Filters: fs} }

// Negate makes not(f).
func Negate(f Filter) Filter { return Filter{Op: Not, Filters: []Filter{f}} }

// Match evaluates the filter against one document, whose attributes get
// returns; ok is false for a missing one. It is the reference that every
// index's own evaluation is tested against.
func (f Filter) Match(get func(key string) (v Value, ok bool)) bool {
	switch f.Op {
	case "":
		return true
	case And:
		for _, g := range f.Filters {
			if !g.Match(get) {
				return false
			}
		}
		return true
	case Or:
		for _, g := range f.Filters {
			if g.Match(get) {
				return true
			}
		}
		return false
	case Not:
		return !f.Filters[0].Match(get)
	case Ne:
		return !Test(Eq, f.Key, f.Values...).Match(get)
	case Nin:
		return !Test(In, f.Key, f.Values...).Match(get)
	}
	v, ok := get(f.Key)
	if f.Op == Exists {
		return ok == f.Value().Bool()
	}
	if !ok {
		return false
	}
	if v.Kind() == List {
		for _, e := range v.List() {
			if f.matchOne(StringOf(e)) {
				return true
			}
		}
		return false
	}
	return f.matchOne(v)
}

// matchOne tests one present, non-list value against a leaf other than
// Exists, Ne and Nin.
func (f Filter) matchOne(v Value) bool {
	switch f.Op {
	case Eq:
		return v.Equal(f.Value())
	case In:
		for _, w := range f.Values {
			if v.Equal(w) {
				return true
			}
		}
		return false
	case Prefix:
		return v.Kind() == String && strings.HasPrefix(v.Str(), f.Value().Str())
	}
	order, ok := v.Compare(f.Value())
	if !ok {
		return false
	}
	switch f.Op {
	case Gt:
		return order > 0
	case Gte:
		return order >= 0
	case Lt:
		return order < 0
	case Lte:
		return order <= 0
	}
	return false
}
