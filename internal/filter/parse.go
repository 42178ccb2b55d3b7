package filter

import "fmt"

// Error says what is wrong with a filter and where: Pointer is a JSON pointer
// (RFC 6901) into the filter as it was given, "" for the whole of it.
type Error struct {
	Pointer string
	Message string // safe to show
}

func (e *Error) Error() string {
	if e.Pointer == "" {
		return "filter: " + e.Message
	}
	return "filter" + e.Pointer + ": " + e.Message
}

// Parse reads a filter in any of three JSON spellings into the one tree:
//
//	native  {"type":"eq","key":"kind","value":"pdf"}, {"type":"and","filters":[…]}
//	Qdrant  {"must":[{"key":"kind","match":{"value":"pdf"}}],"should":[],"must_not":[]}
//	Mongo   {"kind":"pdf","year":{"$gte":2020},"$or":[…]}
//
// The outermost object decides the spelling of everything in it: an object
// with a string "type" is native; one with "must", "should" or "must_not"
// that is not a Mongo comparison, or with a string "key", is Qdrant's; any
// other is Mongo's. Nothing (no bytes, null, {}) is the zero Filter.
//
// SECURITY: what is not understood is refused, never ignored: unknown
// operators and members, duplicate members, null as a value, empty
// combinations. Errors are of type *Error. What Parse returns passes Validate.
func Parse(raw []byte) (Filter, error) {
	if len(raw) == 0 {
		return Filter{}, nil
	}
	root, err := decode(raw)
	if err != nil {
		return Filter{}, err
	}
	if root.kind == isScalar && root.scalar == nil {
		return Filter{}, nil
	}
	if root.kind != isObject {
		return Filter{}, &Error{Message: "a filter is a JSON object"}
	}
	if len(root.object) == 0 {
		return Filter{}, nil
	}
	f, err := spelling(root)(root)
	if err != nil {
		return Filter{}, err
	}
	return f, f.Validate()
}

func spelling(root node) func(node) (Filter, error) {
	if n, ok := root.get("type"); ok && isString(n) {
		return parseNative
	}
	for _, name := range []string{"must", "should", "must_not"} {
		if n, ok := root.get(name); ok && !isMongoTest(n) && n.kind != isScalar {
			return parseQdrant
		}
	}
	if n, ok := root.get("key"); ok && isString(n) {
		return parseQdrant
	}
	return parseMongo
}

func isString(n node) bool {
	_, ok := n.scalar.(string)
	return ok
}

// parseNative reads {"type", "key", "value"} and {"type", "filters"}.
func parseNative(n node) (Filter, error) {
	if n.kind != isObject {
		return Filter{}, &Error{n.pointer, "a filter is a JSON object"}
	}
	kind, ok := n.get("type")
	if !ok {
		return Filter{}, &Error{n.pointer, `"type" is missing`}
	}
	name, _ := kind.scalar.(string)
	op := Op(name)
	switch op {
	case And, Or, Not:
		if err := n.only("type", "filters"); err != nil {
			return Filter{}, err
		}
		list, ok := n.get("filters")
		if !ok {
			return Filter{}, &Error{n.pointer, `"filters" is missing`}
		}
		return combine(op, list, parseNative)
	case Eq, Ne, Gt, Gte, Lt, Lte, In, Nin, Exists, Prefix:
		return parseNativeTest(op, n)
	}
	return Filter{}, &Error{kind.pointer, "unknown type; known: " + knownOps +
		` (in Mongo's spelling an attribute called "type" is tested with {"type":{"$eq":…}})`}
}

func parseNativeTest(op Op, n node) (Filter, error) {
	if err := n.only("type", "key", "value"); err != nil {
		return Filter{}, err
	}
	key, ok := n.get("key")
	if !ok || !isString(key) {
		return Filter{}, &Error{n.pointer, `"key" is missing or not a string`}
	}
	value, ok := n.get("value")
	if !ok {
		if op != Exists {
			return Filter{}, &Error{n.pointer, `"value" is missing`}
		}
		value = node{kind: isScalar, scalar: true, pointer: n.pointer}
	}
	return test(op, key.scalar.(string), key.pointer, value)
}

// combine reads a non-empty list of filters under op.
func combine(op Op, list node, parse func(node) (Filter, error)) (Filter, error) {
	if list.kind != isArray || len(list.array) == 0 {
		return Filter{}, &Error{list.pointer, "must be a list of at least one filter"}
	}
	if op == Not && len(list.array) != 1 {
		return Filter{}, &Error{list.pointer, "not takes exactly one filter"}
	}
	f := Filter{Op: op}
	for _, n := range list.array {
		g, err := parse(n)
		if err != nil {
			return Filter{}, err
		}
		f.Filters = append(f.Filters, g)
	}
	return f, nil
}

// test makes a leaf and reports faults at the places they were given.
func test(op Op, key, keyPointer string, value node) (Filter, error) {
	if !ValidKey(key) {
		return Filter{}, &Error{keyPointer, badKey}
	}
	values, err := valuesOf(op, value)
	if err != nil {
		return Filter{}, err
	}
	f := Test(op, key, values...)
	if message := f.checkValues(); message != "" {
		return Filter{}, &Error{value.pointer, message}
	}
	return f, nil
}

func valuesOf(op Op, n node) ([]Value, error) {
	if op != In && op != Nin {
		v, err := valueOf(op, n)
		return []Value{v}, err
	}
	if n.kind != isArray {
		return nil, &Error{n.pointer, fmt.Sprintf("%s takes a list of values", op)}
	}
	values := make([]Value, len(n.array))
	for i, e := range n.array {
		v, err := valueOf(op, e)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

func valueOf(op Op, n node) (Value, error) {
	switch {
	case n.kind != isScalar:
		return Value{}, &Error{n.pointer, "must be a string, number, boolean or RFC 3339 time"}
	case n.scalar == nil:
		return Value{}, &Error{n.pointer, "null is not a value; test for absence with exists"}
	}
	if s, ok := n.scalar.(string); ok && op == Prefix {
		return StringOf(s), nil
	}
	v, err := ValueOf(n.scalar)
	if err != nil {
		return Value{}, &Error{n.pointer, err.Error()}
	}
	return v, nil
}
