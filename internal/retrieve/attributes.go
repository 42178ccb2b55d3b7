package retrieve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/fuse"
	"github.com/quarry-search/quarry/internal/rag"
)

// Limits of facets, orders and groups.
const (
	MaxFacets         = 16
	MaxFacetLimit     = 1000
	DefaultFacetLimit = 10
	MaxSortKeys       = 8
	MaxGroupSize      = 100
)

// validAttributes checks facets, order and group size of q and fills in their
// defaults.
func validAttributes(q rag.Query) (rag.Query, error) {
	if len(q.Facets) > MaxFacets {
		return q, rag.Invalid("/facets", fmt.Sprintf("at most %d facets can be counted", MaxFacets))
	}
	q.Facets = slices.Clone(q.Facets)
	for i := range q.Facets {
		f, at := &q.Facets[i], fmt.Sprintf("/facets/%d", i)
		setDefault(&f.Limit, DefaultFacetLimit)
		if f.Limit < 1 || f.Limit > MaxFacetLimit {
			return q, rag.Invalid(at+"/limit", fmt.Sprintf("the limit must be between 1 and %d, not %d", MaxFacetLimit, f.Limit))
		}
		if !filter.ValidKey(f.Field) {
			return q, rag.Invalid(at+"/field", badField)
		}
	}
	if len(q.Sort) > MaxSortKeys {
		return q, rag.Invalid("/sort", fmt.Sprintf("at most %d fields can order the result", MaxSortKeys))
	}
	for i, key := range q.Sort {
		if !filter.ValidKey(key.Field) {
			return q, rag.Invalid(fmt.Sprintf("/sort/%d/field", i), badField)
		}
	}
	if q.GroupSize < 0 || q.GroupSize > MaxGroupSize {
		return q, rag.Invalid("/group_size", fmt.Sprintf("the group size must be between 1 and %d", MaxGroupSize))
	}
	return validOrder(q)
}

const badField = "a field starts with a letter or _ and holds up to 128 letters, digits and _ . -"

// validOrder settles what runs when attributes order the result, or when there
// is no text: nothing that scores.
func validOrder(q rag.Query) (rag.Query, error) {
	if q.Vector != nil && len(q.Sort) > 0 {
		return q, rag.Invalid("/sort", "a vector ranks everything by meaning, which sort would undo; leave one of them out")
	}
	if q.Text == "" && q.Vector == nil && len(q.Sort) == 0 {
		q.Sort = []rag.SortKey{{Field: "document_id"}}
	}
	if len(q.Sort) == 0 {
		return q, nil
	}
	if q.Text != "" && (q.Mode == rag.Dense || q.Mode == rag.Exact) {
		return q, rag.Invalid("/sort", fmt.Sprintf("mode %s ranks everything by meaning, which sort would undo; use mode lexical, or no query", q.Mode))
	}
	if q.Rerank != "" && q.Rerank != rag.RerankNone {
		return q, rag.Invalid("/rerank", "a result is ordered by sort or by rerank, not by both")
	}
	q.Rerank = rag.RerankNone
	q.Mode = rag.Lexical
	if q.Text == "" {
		q.Mode = rag.Browse
	}
	return q, nil
}

// fields settles what facets count and what orders the result, of all
// collections that were searched. A field that no document in scope has, in any
// of them, is an error.
func (r *run) fields(found []rag.Candidates) error {
	searched := 0
	unknown := map[string]int{}
	for _, f := range found {
		if f.Seq == 0 {
			continue // not searched
		}
		searched++
		r.result.Total.Documents += f.Documents
		r.result.Total.Chunks += f.Allowed
		for _, field := range f.UnknownFields {
			unknown[field]++
		}
	}
	for i, f := range r.query.Facets {
		if searched > 0 && unknown[f.Field] == searched {
			return noField(fmt.Sprintf("/facets/%d/field", i), f.Field)
		}
		r.result.Facets = append(r.result.Facets, sumFacet(i, f, found))
	}
	for i, key := range r.query.Sort {
		if searched > 0 && unknown[key.Field] == searched {
			return noField(fmt.Sprintf("/sort/%d/field", i), key.Field)
		}
	}
	return nil
}

func noField(pointer, field string) error {
	return &rag.Error{Code: rag.CodeUnknownField, Field: pointer, Message: fmt.Sprintf("no document has the field %q", field)}
}

// sumFacet adds up what the collections counted.
func sumFacet(i int, f rag.Facet, found []rag.Candidates) rag.FacetCounts {
	out := rag.FacetCounts{Field: f.Field}
	for _, c := range found {
		if i >= len(c.Facets) {
			continue
		}
		out.Missing += c.Facets[i].Missing
		out.Distinct += c.Facets[i].Distinct
		out.Values = append(out.Values, c.Facets[i].Values...)
	}
	if len(found) > 1 {
		out.Values = addUp(out.Values)
		out.Distinct = len(out.Values)
		slices.SortFunc(out.Values, func(a, b rag.ValueCount) int {
			return cmp.Or(cmp.Compare(b.Documents, a.Documents), filter.Order(a.Value, b.Value))
		})
	}
	out.Values = out.Values[:min(f.Limit, len(out.Values))]
	return out
}

// addUp joins the counts of equal values.
func addUp(values []rag.ValueCount) []rag.ValueCount {
	slices.SortFunc(values, func(a, b rag.ValueCount) int { return filter.Order(a.Value, b.Value) })
	var out []rag.ValueCount
	for _, v := range values {
		if n := len(out); n > 0 && out[n-1].Value.Equal(v.Value) {
			out[n-1].Documents += v.Documents
			continue
		}
		out = append(out, v)
	}
	return out
}

// order joins what the collections found in the order of the query's Sort.
func (r *run) order(candidates []rag.Candidate) {
	slices.SortFunc(candidates, func(a, b rag.Candidate) int {
		for i, key := range r.query.Sort {
			if c := compareValues(a.SortValues[i], b.SortValues[i], key.Descending); c != 0 {
				return c
			}
		}
		return cmp.Or(strings.Compare(a.Key.DocumentID, b.Key.DocumentID), cmp.Compare(a.Key.Ordinal, b.Key.Ordinal))
	})
	candidates = candidates[:min(len(candidates), r.query.Candidates)]
	ordered := make([]fuse.Ranked, len(candidates))
	for i, c := range candidates {
		ordered[i] = fuse.Ranked{Candidate: c}
	}
	r.rank(ordered)
}

// compareValues puts a missing value behind all others in either order.
func compareValues(v, w filter.Value, descending bool) int {
	switch none := filter.None; {
	case v.Kind() == none && w.Kind() == none:
		return 0
	case v.Kind() == none:
		return 1
	case w.Kind() == none:
		return -1
	case descending:
		return -filter.Order(v, w)
	}
	return filter.Order(v, w)
}
