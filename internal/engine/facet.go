package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/filter"
)

// Facet asks for the values of an attribute among the allowed documents.
type Facet struct {
	Field string
	Limit int // values wanted, the most frequent first; 0 for all
}

// FacetCounts answers a Facet. All counts are exact, and of documents: those
// of which at least one row is allowed.
type FacetCounts struct {
	Field    string
	Values   []ValueCount // by falling count, then by filter.Order
	Distinct int          // values that there are
	Missing  int          // documents without the attribute
}

// ValueCount is how many documents hold a value; a list counts once for each
// of its elements.
type ValueCount struct {
	Value filter.Value
	Docs  int
}

// facet counts the values of one attribute.
func (s *search) facet(f Facet) FacetCounts {
	out := FacetCounts{Field: f.Field}
	var counts []segment.Count
	for i, p := range s.view.parts {
		docs, n := s.sets[i].documents(p)
		if n == 0 {
			continue
		}
		column := p.seg.Field(f.Field)
		if column == nil {
			out.Missing += n
			continue
		}
		present := segment.NewBits(p.seg.Docs())
		column.Present(present)
		present.And(docs)
		out.Missing += n - present.Count()
		counts = mergeCounts(counts, column.Counts(docs))
	}
	out.Distinct = len(counts)
	for _, c := range mostFrequent(counts, f.Limit) {
		out.Values = append(out.Values, ValueCount{segment.KeyValue(strings.Clone(c.Key)), c.Docs})
	}
	return out
}

// mergeCounts adds up two lists that ascend by key.
func mergeCounts(a, b []segment.Count) []segment.Count {
	if len(a) == 0 {
		return b
	}
	out := make([]segment.Count, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0].Key, b[0].Key); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, segment.Count{Key: a[0].Key, Docs: a[0].Docs + b[0].Docs}), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// mostFrequent returns the limit most frequent of counts, which ascend by key;
// all of them for 0.
func mostFrequent(counts []segment.Count, limit int) []segment.Count {
	before := func(a, b segment.Count) int {
		return cmp.Or(cmp.Compare(b.Docs, a.Docs), strings.Compare(a.Key, b.Key))
	}
	if limit == 0 || limit > len(counts) {
		limit = len(counts)
	}
	best := bounded[segment.Count]{limit: limit, compare: before}
	for _, c := range counts {
		if last, full := best.full(); !full || c.Docs > last.Docs { // of equal counts the first stay
			best.push(c)
		}
	}
	slices.SortFunc(best.list, before)
	return best.list
}
