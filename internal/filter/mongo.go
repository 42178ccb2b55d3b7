package filter

import (
	"maps"
	"slices"
	"strings"
)

var mongoOps = map[string]Op{
	"$eq": Eq, "$ne": Ne, "$gt": Gt, "$gte": Gte, "$lt": Lt, "$lte": Lte,
	"$in": In, "$nin": Nin, "$exists": Exists,
}

func names(ops map[string]Op) string {
	return strings.Join(slices.Sorted(maps.Keys(ops)), ", ")
}

// isMongoTest reports whether n is an object of $-operators.
func isMongoTest(n node) bool {
	return n.kind == isObject && len(n.object) > 0 && strings.HasPrefix(n.object[0].name, "$")
}

// parseMongo reads MongoDB's spelling: members are joined by and; a member is
// an attribute with a value or an object of $-operators, or $and, $or, $not.
func parseMongo(n node) (Filter, error) {
	if n.kind != isObject || len(n.object) == 0 {
		return Filter{}, &Error{n.pointer, "must be an object of at least one condition"}
	}
	var all []Filter
	for _, m := range n.object {
		f, err := parseMongoMember(m)
		if err != nil {
			return Filter{}, err
		}
		all = append(all, f)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return All(all...), nil
}

func parseMongoMember(m member) (Filter, error) {
	switch m.name {
	case "$and":
		return combine(And, m.value, parseMongo)
	case "$or":
		return combine(Or, m.value, parseMongo)
	case "$not":
		f, err := parseMongo(m.value)
		return Negate(f), err
	}
	if strings.HasPrefix(m.name, "$") {
		return Filter{}, &Error{m.value.pointer, "unknown operator; known here: $and, $or, $not"}
	}
	if m.value.kind != isObject {
		return test(Eq, m.name, m.value.pointer, m.value)
	}
	return parseMongoTests(m.name, m.value)
}

// parseMongoTests reads {"$gte": 1, "$lt": 5, "$not": {…}} against one key.
func parseMongoTests(key string, n node) (Filter, error) {
	if len(n.object) == 0 {
		return Filter{}, &Error{n.pointer, "must be a value or an object of " + names(mongoOps)}
	}
	var all []Filter
	for _, m := range n.object {
		if m.name == "$not" {
			if m.value.kind != isObject {
				return Filter{}, &Error{m.value.pointer, "must be an object of " + names(mongoOps)}
			}
			f, err := parseMongoTests(key, m.value)
			if err != nil {
				return Filter{}, err
			}
			all = append(all, Negate(f))
			continue
		}
		op, ok := mongoOps[m.name]
		if !ok {
			return Filter{}, &Error{m.value.pointer, "unknown operator; known here: " + names(mongoOps) + ", $not"}
		}
		f, err := test(op, key, n.pointer, m.value)
		if err != nil {
			return Filter{}, err
		}
		all = append(all, f)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return All(all...), nil
}
