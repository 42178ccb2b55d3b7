package filter

import (
	"fmt"
	"math"
	"strconv"
)

// The limits of a filter.
const (
	MaxClauses = 1000  // nodes of the tree
	MaxDepth   = 32    // levels of the tree
	MaxValues  = 10000 // of one In or Nin
	MaxKey     = 128   // bytes of a key
	MaxString  = 4096  // bytes of a string value
)

const (
	knownOps = "and, or, not, eq, ne, gt, gte, lt, lte, in, nin, exists, prefix"
	badKey   = "a key starts with a letter or _ and holds up to 128 letters, digits and _ . -"
)

// ValidKey reports whether key can name an attribute: an ASCII letter or _,
// then letters, digits, _, . and -, at most MaxKey bytes.
func ValidKey(key string) bool {
	if key == "" || len(key) > MaxKey {
		return false
	}
	for i := range len(key) {
		c := key[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		other := '0' <= c && c <= '9' || c == '.' || c == '-'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return true
}

// Validate checks shape and limits: known operators, one filter under not,
// valid keys, values of the number and kind that the operator takes, and the
// constants above. Errors are of type *Error, with a pointer into the native
// spelling.
func (f Filter) Validate() error {
	clauses := 0
	return f.validate("", 1, &clauses)
}

func (f Filter) validate(pointer string, depth int, clauses *int) error {
	*clauses++
	if *clauses > MaxClauses {
		return &Error{"", fmt.Sprintf("has more than %d clauses", MaxClauses)}
	}
	if depth > MaxDepth {
		return &Error{"", fmt.Sprintf("is nested deeper than %d levels", MaxDepth)}
	}
	switch f.Op {
	case "", And, Or, Not:
		return f.validateGroup(pointer, depth, clauses)
	case Eq, Ne, Gt, Gte, Lt, Lte, In, Nin, Exists, Prefix:
	default:
		return &Error{pointer + "/type", "unknown type; known: " + knownOps}
	}
	if len(f.Filters) > 0 {
		return &Error{pointer + "/filters", "a test has no filters"}
	}
	if !ValidKey(f.Key) {
		return &Error{pointer + "/key", badKey}
	}
	if message := f.checkValues(); message != "" {
		return &Error{pointer + "/value", message}
	}
	return nil
}

func (f Filter) validateGroup(pointer string, depth int, clauses *int) error {
	switch {
	case f.Key != "" || len(f.Values) > 0:
		return &Error{pointer, "only a test has a key and values"}
	case f.Op == "" && len(f.Filters) > 0:
		return &Error{pointer + "/type", "is missing"}
	case f.Op == Not && len(f.Filters) != 1:
		return &Error{pointer + "/filters", "not takes exactly one filter"}
	}
	for i, g := range f.Filters {
		if err := g.validate(pointer+"/filters/"+strconv.Itoa(i), depth+1, clauses); err != nil {
			return err
		}
	}
	return nil
}

// checkValues returns what is wrong with a test's values, "" if nothing is.
func (f Filter) checkValues() string {
	if f.Op == In || f.Op == Nin {
		if len(f.Values) > MaxValues {
			return fmt.Sprintf("has more than %d values", MaxValues)
		}
	} else if len(f.Values) != 1 {
		return fmt.Sprintf("%s takes exactly one value", f.Op)
	}
	for _, v := range f.Values {
		if message := f.checkValue(v); message != "" {
			return message
		}
	}
	return ""
}

func (f Filter) checkValue(v Value) string {
	k := v.Kind()
	switch {
	case k == None || k == List:
		return "must be a string, number, boolean or RFC 3339 time"
	case k == String && len(v.Str()) > MaxString:
		return fmt.Sprintf("is longer than %d bytes", MaxString)
	case k == Number && (math.IsNaN(v.Num()) || math.IsInf(v.Num(), 0)):
		return "a number must be finite"
	}
	switch f.Op {
	case Exists:
		if k != Bool {
			return "exists takes true or false"
		}
	case Prefix:
		if k != String {
			return "prefix takes a string"
		}
	case Gt, Gte, Lt, Lte:
		if k == Bool {
			return string(f.Op) + " takes a number, string or time"
		}
	}
	return ""
}
