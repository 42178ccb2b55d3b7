package indextest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// hasField reports whether a document in scope has the field, or every one may.
func (h *held) hasField(s rag.Scope, key string) bool {
	if rag.ReservedKey(key) {
		return true
	}
	for _, d := range h.documents {
		if _, ok := d.Version.Attributes[key]; ok && s.Allows(d.Access) {
			return true
		}
	}
	return false
}

// compareAttributes asks for facets and an order beside scope and filter, and
// compares them with the oracle's.
func compareAttributes(r *rapid.T, f *feed, s rag.Scope, q rag.LegQuery) {
	field := rapid.SampledFrom(append([]string{"kind", "document_id"}, keys...))
	for range rapid.IntRange(0, 2).Draw(r, "facets") {
		q.Facets = append(q.Facets, rag.Facet{Field: field.Draw(r, "facet"), Limit: rapid.IntRange(0, 3).Draw(r, "values")})
	}
	for range rapid.IntRange(1, 2).Draw(r, "order") {
		q.Sort = append(q.Sort, rag.SortKey{Field: field.Draw(r, "by"), Descending: rapid.Bool().Draw(r, "descending")})
	}
	q.GroupSize = rapid.IntRange(0, 2).Draw(r, "group size")
	if rapid.Bool().Draw(r, "browse") {
		q.Text = ""
	}
	got := f.search(r, s, q)
	want := f.oracle.collections[q.Collection].browse(s, q)
	want.Seq = f.seq
	for i := range got.Candidates {
		got.Candidates[i].TextHash = rag.Hash{}
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		r.Fatalf("order %v, facets %v:\n%s", q.Sort, q.Facets, diff)
	}
}

// browse is the answer to a query with an order.
func (h *held) browse(s rag.Scope, q rag.LegQuery) (out rag.Candidates) {
	words := h.lexical(s, q.Filter, q.Text)
	var docs []*heldDocument
	passes := func(c rag.Chunk) bool { return q.Text == "" || words[c.Key] }
	h.visible(s, q.Filter, func(d *heldDocument) {
		if slices.ContainsFunc(d.chunks, passes) {
			docs = append(docs, d)
		}
	})
	out.Documents = len(docs)
	for _, f := range q.Facets {
		out.Facets = append(out.Facets, countFacet(f, docs))
		h.note(s, f.Field, &out)
	}
	slices.SortFunc(docs, func(a, b *heldDocument) int {
		for _, key := range q.Sort {
			if c := compareBy(a, b, key); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.ID, b.ID)
	})
	for _, key := range q.Sort {
		h.note(s, key.Field, &out)
	}
	for _, d := range docs {
		n := 0
		for _, c := range d.chunks {
			if !passes(c) {
				continue
			}
			out.Allowed++
			if n++; len(out.Candidates) == q.Limit || q.GroupSize > 0 && n > q.GroupSize {
				continue
			}
			candidate := rag.Candidate{Collection: q.Collection, Key: c.Key}
			for _, key := range q.Sort {
				candidate.SortValues = append(candidate.SortValues, d.first(key))
			}
			out.Candidates = append(out.Candidates, candidate)
		}
	}
	return out
}

func (h *held) note(s rag.Scope, field string, out *rag.Candidates) {
	if !h.hasField(s, field) && !slices.Contains(out.UnknownFields, field) {
		out.UnknownFields = append(out.UnknownFields, field)
	}
}

// values are what a document has under a key: of a list its elements, once.
func (d *heldDocument) values(key string) []filter.Value {
	v := d.Fields()[key]
	switch v.Kind() {
	case filter.None:
		return nil
	case filter.List:
		var list []filter.Value
		for _, e := range v.List() {
			list = append(list, filter.StringOf(e))
		}
		slices.SortFunc(list, filter.Order)
		return slices.CompactFunc(list, filter.Value.Equal)
	}
	return []filter.Value{v}
}

// first is the value by which a document is ordered.
func (d *heldDocument) first(key rag.SortKey) filter.Value {
	values := d.values(key.Field)
	switch {
	case len(values) == 0:
		return filter.Value{}
	case key.Descending:
		return values[len(values)-1]
	}
	return values[0]
}

func compareBy(a, b *heldDocument, key rag.SortKey) int {
	x, y := a.first(key), b.first(key)
	switch {
	case x.Kind() == filter.None && y.Kind() == filter.None:
		return 0
	case x.Kind() == filter.None:
		return 1
	case y.Kind() == filter.None:
		return -1
	case key.Descending:
		return filter.Order(y, x)
	}
	return filter.Order(x, y)
}

func countFacet(f rag.Facet, docs []*heldDocument) rag.FacetCounts {
	out := rag.FacetCounts{Field: f.Field}
	for _, d := range docs {
		if _, ok := d.Fields()[f.Field]; !ok {
			out.Missing++
		}
		for _, v := range d.values(f.Field) {
			i := slices.IndexFunc(out.Values, func(c rag.ValueCount) bool { return c.Value.Equal(v) })
			if i < 0 {
				i = len(out.Values)
				out.Values = append(out.Values, rag.ValueCount{Value: v})
			}
			out.Values[i].Documents++
		}
	}
	out.Distinct = len(out.Values)
	slices.SortFunc(out.Values, func(a, b rag.ValueCount) int {
		return cmp.Or(cmp.Compare(b.Documents, a.Documents), filter.Order(a.Value, b.Value))
	})
	if f.Limit > 0 {
		out.Values = out.Values[:min(f.Limit, len(out.Values))]
	}
	return out
}

// testHiddenFields wants what a scope does not see to be counted nowhere, and
// its fields to be as unknown as those that do not exist.
func testHiddenFields(t *testing.T, f *feed) {
	f.create("c")
	team := func(name string) map[string]filter.Value {
		return map[string]filter.Value{"team": filter.StringOf(name)}
	}
	f.publish("c", doc{id: "a", texts: []string{"alpha"}, access: []string{"x"}, fields: team("red")})
	f.publish("c", doc{id: "b", texts: []string{"alpha", "beta"}, access: []string{"y"}, fields: map[string]filter.Value{"team": filter.StringOf("blue"), "secret": filter.NumberOf(1)}})
	f.flush(t)
	x := rag.LabelScope([]string{"x"})
	got := f.search(t, x, rag.LegQuery{Limit: 9, Facets: []rag.Facet{{Field: "team"}, {Field: "secret"}}, Sort: []rag.SortKey{{Field: "secret"}}})
	want := []rag.FacetCounts{
		{Field: "team", Values: []rag.ValueCount{{Value: filter.StringOf("red"), Documents: 1}}, Distinct: 1},
		{Field: "secret", Missing: 1},
	}
	if diff := gocmp.Diff(want, got.Facets); diff != "" {
		t.Error(diff)
	}
	if got.Documents != 1 || got.Allowed != 1 || !slices.Equal(got.UnknownFields, []string{"secret"}) || len(ids(got)) != 1 {
		t.Errorf("%d documents, %d chunks, unknown %v, candidates %v", got.Documents, got.Allowed, got.UnknownFields, ids(got))
	}
	_, err := f.index.Search(context.Background(), x, rag.LegQuery{Collection: "c", Text: "alpha", Limit: 1, Filter: filter.Test(filter.Eq, "secret", filter.NumberOf(1))})
	var e *rag.Error
	if !errors.As(err, &e) || e.Code != rag.CodeUnknownField {
		t.Errorf("a filter on a field that is hidden: %v", err)
	}
}

// testGroups wants one document with many chunks to leave room for others, in
// either leg.
func testGroups(t *testing.T, f *feed) {
	f.create("c")
	long := doc{id: "long", embed: true}
	for i := range 300 {
		long.texts = append(long.texts, "alpha alpha n"+number(i))
	}
	f.publish("c", long)
	f.publish("c", doc{id: "short", texts: []string{"alpha and some other words"}, embed: true})
	f.flush(t)
	for _, q := range []rag.LegQuery{{Text: "alpha"}, {Vector: vectorOf("alpha alpha n7"), Exact: true}, {Sort: []rag.SortKey{{Field: "document_id"}}}} {
		q.Limit, q.GroupSize = 4, 2
		if got := ids(f.search(t, everything, q)); !slices.Equal(got, []string{"long", "long", "short"}) && q.Vector == nil {
			t.Errorf("text %q: %v", q.Text, got)
		} else if slices.Sort(got); !slices.Equal(got, []string{"long", "long", "short"}) {
			t.Errorf("by meaning: %v", got)
		}
	}
}
