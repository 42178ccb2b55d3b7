package segment

import (
	"github.com/quarry-search/quarry/internal/filter"
)

// Field returns the column of an attribute key, nil when no document of the
// segment has it.
func (s *Segment) Field(key string) *Column { return s.fields[key] }

// Match returns the documents for which f holds, exactly as f.Match says of
// their fields. The filter is well formed: a Not has one child.
func (s *Segment) Match(f filter.Filter) Bits {
	switch f.Op {
	case "":
		return AllBits(s.Docs())
	case filter.And:
		set := AllBits(s.Docs())
		for _, g := range f.Filters {
			set.And(s.Match(g))
		}
		return set
	case filter.Or:
		set := NewBits(s.Docs())
		for _, g := range f.Filters {
			set.Or(s.Match(g))
		}
		return set
	case filter.Not:
		return s.except(s.Match(f.Filters[0]))
	case filter.Ne:
		return s.except(s.Match(filter.Test(filter.Eq, f.Key, f.Values...)))
	case filter.Nin:
		return s.except(s.Match(filter.Test(filter.In, f.Key, f.Values...)))
	}
	return s.test(f)
}

func (s *Segment) except(set Bits) Bits {
	all := AllBits(s.Docs())
	all.AndNot(set)
	return all
}

// test evaluates a leaf other than Ne and Nin.
func (s *Segment) test(f filter.Filter) Bits {
	set := NewBits(s.Docs())
	c := s.fields[f.Key]
	if c == nil {
		if f.Op == filter.Exists && !f.Value().Bool() {
			return AllBits(s.Docs())
		}
		return set
	}
	switch f.Op {
	case filter.Exists:
		c.Present(set)
		if !f.Value().Bool() {
			return s.except(set)
		}
	case filter.Eq:
		c.in(set, f.Value())
	case filter.In:
		for _, v := range f.Values {
			c.in(set, v)
		}
	case filter.Prefix:
		c.prefix(set, keyString+f.Value().Str())
	default:
		c.compare(set, f.Op, f.Value())
	}
	return set
}

func (c *Column) in(set Bits, v filter.Value) {
	if v.Kind() != filter.List {
		c.equal(set, valueKey(v))
	}
}

// Visible returns the documents whose access list shares an entry with labels.
func (s *Segment) Visible(labels []string) Bits {
	set := NewBits(s.Docs())
	for _, label := range labels {
		s.access.equal(set, label)
	}
	return set
}
