package filter

// parseQdrant reads Qdrant's spelling: {"must", "should", "must_not"}, and the
// conditions {"key", "match"} and {"key", "range"} in them.
func parseQdrant(n node) (Filter, error) {
	if n.kind != isObject {
		return Filter{}, &Error{n.pointer, "a condition is a JSON object"}
	}
	if _, ok := n.get("key"); ok {
		return parseCondition(n)
	}
	if err := n.only("must", "should", "must_not"); err != nil {
		return Filter{}, err
	}
	if len(n.object) == 0 {
		return Filter{}, &Error{n.pointer, "an empty condition"}
	}
	var all []Filter
	for _, m := range n.object {
		conditions, err := parseConditions(m.value)
		if err != nil {
			return Filter{}, err
		}
		switch {
		case len(conditions) == 0: // as Qdrant has it: nothing asked
		case m.name == "must":
			all = append(all, conditions...)
		case m.name == "should":
			all = append(all, Any(conditions...))
		case m.name == "must_not":
			all = append(all, Negate(Any(conditions...)))
		}
	}
	if len(all) == 0 {
		return Filter{}, nil
	}
	return All(all...), nil
}

// parseConditions reads a list of conditions, or one alone.
func parseConditions(n node) ([]Filter, error) {
	list := n.array
	if n.kind == isObject {
		list = []node{n}
	} else if n.kind != isArray {
		return nil, &Error{n.pointer, "must be a list of conditions"}
	}
	conditions := make([]Filter, len(list))
	for i, c := range list {
		f, err := parseQdrant(c)
		if err != nil {
			return nil, err
		}
		conditions[i] = f
	}
	return conditions, nil
}

func parseCondition(n node) (Filter, error) {
	if err := n.only("key", "match", "range"); err != nil {
		return Filter{}, err
	}
	key, _ := n.get("key")
	match, hasMatch := n.get("match")
	bounds, hasRange := n.get("range")
	switch {
	case !isString(key):
		return Filter{}, &Error{key.pointer, "must be a string"}
	case hasMatch == hasRange:
		return Filter{}, &Error{n.pointer, `needs either "match" or "range"`}
	case hasMatch:
		return parseTests(key, match, map[string]Op{"value": Eq, "any": In, "except": Nin}, true)
	}
	return parseTests(key, bounds, map[string]Op{"gt": Gt, "gte": Gte, "lt": Lt, "lte": Lte}, false)
}

// parseTests reads the object of operators n against key, joined by and.
func parseTests(key, n node, ops map[string]Op, one bool) (Filter, error) {
	if n.kind != isObject || len(n.object) == 0 || one && len(n.object) > 1 {
		return Filter{}, &Error{n.pointer, "must be an object of " + names(ops)}
	}
	var tests []Filter
	for _, m := range n.object {
		op, ok := ops[m.name]
		if !ok {
			return Filter{}, &Error{m.value.pointer, "unknown operator; known here: " + names(ops)}
		}
		f, err := test(op, key.scalar.(string), key.pointer, m.value)
		if err != nil {
			return Filter{}, err
		}
		tests = append(tests, f)
	}
	if len(tests) == 1 {
		return tests[0], nil
	}
	return All(tests...), nil
}
