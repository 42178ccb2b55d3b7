package filter

import "slices"

// Nothing is the filter that matches no document: Or of no filters.
func Nothing() Filter { return Filter{Op: Or} }

func (f Filter) isNothing() bool { return f.Op == Or && len(f.Filters) == 0 }

// Simplify returns a filter that matches exactly what f matches and is never
// larger: constants are folded, nested combinations of one kind flattened,
// single ones unwrapped, repetitions dropped, negations pushed into tests, and
// several equalities on one key under Or become one In. A filter that can
// match nothing becomes Nothing(), one that matches everything the zero
// Filter. f must be valid.
func (f Filter) Simplify() Filter {
	switch f.Op {
	case And, Or:
		return simplifyGroup(f)
	case Not:
		return simplifyNot(f.Filters[0].Simplify())
	case In, Nin:
		return simplifyList(f)
	}
	return f
}

func simplifyList(f Filter) Filter {
	values := distinct(f.Values)
	switch {
	case len(values) > 1:
		return Test(f.Op, f.Key, values...)
	case f.Op == In && len(values) == 1:
		return Test(Eq, f.Key, values...)
	case f.Op == Nin && len(values) == 1:
		return Test(Ne, f.Key, values...)
	case f.Op == In:
		return Nothing()
	}
	return Filter{}
}

func distinct(values []Value) []Value {
	type identity struct {
		kind    Kind
		str     string
		num     float64
		seconds int64
		nanos   int
	}
	seen := make(map[identity]bool, len(values))
	var out []Value
	for _, v := range values {
		id := identity{v.kind, v.str, v.num, v.at.Unix(), v.at.Nanosecond()}
		if !seen[id] {
			seen[id] = true
			out = append(out, v)
		}
	}
	return out
}

// opposite names the test that holds exactly where op does not. Order tests
// have none: where the attribute is missing both they and their reverse fail.
var opposite = map[Op]Op{Eq: Ne, Ne: Eq, In: Nin, Nin: In}

func simplifyNot(f Filter) Filter {
	switch {
	case f.IsZero():
		return Nothing()
	case f.isNothing():
		return Filter{}
	case f.Op == Not:
		return f.Filters[0]
	case f.Op == Exists:
		return Test(Exists, f.Key, BoolOf(!f.Value().Bool()))
	case opposite[f.Op] != "":
		return Test(opposite[f.Op], f.Key, f.Values...)
	}
	return Negate(f)
}

func simplifyGroup(f Filter) Filter {
	var flat []Filter
	for _, g := range f.Filters {
		g = g.Simplify()
		switch {
		case f.Op == And && g.IsZero(), f.Op == Or && g.isNothing():
		case f.Op == And && g.isNothing(), f.Op == Or && g.IsZero():
			return g
		case g.Op == f.Op:
			flat = append(flat, g.Filters...)
		default:
			flat = append(flat, g)
		}
	}
	if f.Op == Or {
		flat = mergeEqualities(flat)
	}
	flat = dropRepeated(flat)
	switch {
	case len(flat) == 1:
		return flat[0]
	case len(flat) == 0 && f.Op == And:
		return Filter{}
	}
	return Filter{Op: f.Op, Filters: flat}
}

// mergeEqualities joins Eq and In on one key, at the place of the first.
func mergeEqualities(fs []Filter) []Filter {
	var out []Filter
	at := map[string]int{}
	for _, f := range fs {
		if f.Op != Eq && f.Op != In {
			out = append(out, f)
			continue
		}
		i, seen := at[f.Key]
		if !seen || len(out[i].Values)+len(f.Values) > MaxValues {
			at[f.Key] = len(out)
			out = append(out, Test(f.Op, f.Key, slices.Clone(f.Values)...))
			continue
		}
		out[i].Op = In
		out[i].Values = append(out[i].Values, f.Values...)
	}
	for i, f := range out {
		if f.Op == In {
			out[i] = simplifyList(f)
		}
	}
	return out
}

func dropRepeated(fs []Filter) []Filter {
	seen := map[string][]Filter{}
	return slices.DeleteFunc(fs, func(f Filter) bool {
		printed := f.String()
		if slices.ContainsFunc(seen[printed], f.Equal) {
			return true
		}
		seen[printed] = append(seen[printed], f)
		return false
	})
}

// Equal reports whether both trees are the same, node by node.
func (f Filter) Equal(g Filter) bool {
	return f.Op == g.Op && f.Key == g.Key &&
		slices.EqualFunc(f.Values, g.Values, Value.Equal) &&
		slices.EqualFunc(f.Filters, g.Filters, Filter.Equal)
}
