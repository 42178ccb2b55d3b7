package retrieve

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// canned is an index that answers with what it was given, by collection.
type canned struct {
	found map[string]rag.Candidates
	asked map[string]rag.LegQuery
}

func (c *canned) Search(_ context.Context, _ rag.Scope, q rag.LegQuery) (rag.Candidates, error) {
	c.asked[q.Collection] = q
	return c.found[q.Collection], nil
}

func (w *world) cannedRetriever(found map[string]rag.Candidates) (*Retriever, *canned) {
	index := &canned{found, map[string]rag.LegQuery{}}
	// one at a time: asked is not locked
	return New(Deps{Index: index, Catalog: w, Embedder: w, Freshness: w}, Options{Fanout: 1}), index
}

func str(s string) filter.Value { return filter.StringOf(s) }

func TestFacetsOfCollectionsAddUp(t *testing.T) {
	w := geology()
	count := func(v string, n int) rag.ValueCount { return rag.ValueCount{Value: str(v), Documents: n} }
	r, index := w.cannedRetriever(map[string]rag.Candidates{
		"docs": {Seq: 9, Allowed: 7, Documents: 3, Facets: []rag.FacetCounts{{Field: "kind", Distinct: 3, Missing: 1,
			Values: []rag.ValueCount{count("pdf", 4), count("html", 3), count("text", 1)}}}},
		"news": {Seq: 8, Allowed: 2, Documents: 2, Facets: []rag.FacetCounts{{Field: "kind", Distinct: 2, Missing: 2,
			Values: []rag.ValueCount{count("text", 5), count("html", 1)}}}, UnknownFields: []string{"kind"}},
	})
	got, err := r.Search(t.Context(), reader, rag.Query{Facets: []rag.Facet{{Field: "kind", Limit: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []rag.FacetCounts{{Field: "kind", Distinct: 3, Missing: 3, Values: []rag.ValueCount{count("text", 6), count("html", 4)}}}
	if d := cmp.Diff(want, got.Facets); d != "" {
		t.Error(d)
	}
	if got.Total != (rag.Total{Documents: 5, Chunks: 9}) || got.Mode != rag.Browse || got.Seq != 8 {
		t.Errorf("total %+v, mode %s, seq %d", got.Total, got.Mode, got.Seq)
	}
	if leg := index.asked["docs"]; leg.Facets[0].Limit != 0 || leg.Vector != nil || len(leg.Sort) != 1 {
		t.Errorf("asked %+v", leg)
	}
}

func TestSortJoinsCollections(t *testing.T) {
	w := geology()
	key := func(uri, collection string) rag.ChunkKey {
		return rag.ChunkKey{DocumentID: rag.DocumentID(collection, uri), Version: 1}
	}
	entry := func(uri, collection string, v filter.Value) rag.Candidate {
		return rag.Candidate{Key: key(uri, collection), SortValues: []filter.Value{v}}
	}
	r, index := w.cannedRetriever(map[string]rag.Candidates{
		"docs": {Seq: 9, Candidates: []rag.Candidate{entry("slate.md", "docs", filter.NumberOf(9)), entry("granite.md", "docs", filter.NumberOf(2)), entry("marble.md", "docs", filter.Value{})}},
		"news": {Seq: 9, Candidates: []rag.Candidate{entry("quarry.txt", "news", filter.NumberOf(5))}},
	})
	got, err := r.Search(t.Context(), reader, rag.Query{Text: "rock", Sort: []rag.SortKey{{Field: "size", Descending: true}}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"slate.md", "quarry.txt", "granite.md", "marble.md"}, uris(got)); d != "" {
		t.Error(d)
	}
	if leg := index.asked["docs"]; leg.Text != "rock" || leg.Vector != nil || got.Mode != rag.Lexical || got.Degraded != nil {
		t.Errorf("asked %+v, result %+v", leg, got)
	}
}

func TestUnknownFieldsOfAttributes(t *testing.T) {
	w := geology()
	nowhere := map[string]rag.Candidates{"docs": {Seq: 9, UnknownFields: []string{"size"}}, "news": {Seq: 9, UnknownFields: []string{"size"}}}
	for pointer, q := range map[string]rag.Query{
		"/facets/0/field": {Text: "x", Facets: []rag.Facet{{Field: "size"}}},
		"/sort/1/field":   {Sort: []rag.SortKey{{Field: "uri"}, {Field: "size"}}},
	} {
		r, _ := w.cannedRetriever(nowhere)
		_, err := r.Search(t.Context(), reader, q)
		var e *rag.Error
		if !errors.As(err, &e) || e.Code != rag.CodeUnknownField || e.Field != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
}

// TestGroupsHoldTheirHits has many good passages of one document and few of
// another: top_k counts documents.
func TestGroupsHoldTheirHits(t *testing.T) {
	w := &world{applied: 1}
	long := w.add("docs", "long.md", "granite granite granite granite one")
	for i, text := range []string{"granite granite granite two kinds", "granite granite three walls", "granite four"} {
		w.add("docs", "long.md", text)
		w.stored[len(w.stored)-1].Chunk.Key = rag.ChunkKey{DocumentID: long.DocumentID, Version: 1, Ordinal: i + 1}
	}
	w.add("docs", "short.md", "a wall of granite")
	w.add("docs", "other.md", "nothing of the sort")
	got := search(t, w, rag.Query{Text: "granite", TopK: 2, GroupSize: 2, Mode: rag.Lexical})
	if d := cmp.Diff([]string{"long.md", "long.md", "short.md"}, uris(got)); d != "" {
		t.Error(d)
	}
	for i, h := range got.Hits {
		if h.Rank != i+1 {
			t.Errorf("hit %d has rank %d", i+1, h.Rank)
		}
	}
}

// TestAsOf reads as of a change or of a time (of which the fake says that each
// second is a change), which the index must have applied.
func TestAsOf(t *testing.T) {
	for _, test := range []struct {
		at   rag.Moment
		want uint64
		bad  string
	}{
		{rag.Moment{Seq: 7}, 7, ""}, {rag.Moment{Time: time.Unix(5, 0)}, 5, ""},
		{rag.Moment{Seq: 10}, 0, "yet to come"}, {rag.Moment{Time: time.Unix(0, 0)}, 0, "nothing yet"},
	} {
		w := geology()
		_, err := w.retriever(Options{}).Search(t.Context(), reader, rag.Query{Text: "granite", AsOf: &test.at})
		if test.bad != "" {
			var e *rag.Error
			if !errors.As(err, &e) || e.Field != "/as_of" || !strings.Contains(e.Message, test.bad) {
				t.Errorf("%+v: %v", test.at, err)
			}
			continue
		}
		if err != nil || w.asked[0].AsOf != test.want {
			t.Errorf("%+v: asked as of %d, error %v", test.at, w.asked[0].AsOf, err)
		}
	}
}

func TestAttributeLimits(t *testing.T) {
	facets := func(n int) []rag.Facet {
		list := make([]rag.Facet, n)
		for i := range list {
			list[i].Field = "kind"
		}
		return list
	}
	by := []rag.SortKey{{Field: "kind"}}
	for pointer, q := range map[string]rag.Query{
		"/facets":         {Text: "x", Facets: facets(17)},
		"/facets/0/limit": {Text: "x", Facets: []rag.Facet{{Field: "kind", Limit: 1001}}},
		"/facets/1/field": {Text: "x", Facets: []rag.Facet{{Field: "kind"}, {Field: "a b"}}},
		"/sort":           {Text: "x", Sort: by, Mode: rag.Dense},
		"/sort/0/field":   {Text: "x", Sort: []rag.SortKey{{Field: strings.Repeat("k", 129)}}},
		"/rerank":         {Text: "x", Sort: by, Rerank: rag.RerankSentences},
		"/group_size":     {Text: "x", GroupSize: 101},
		"/query":          {Text: "  "},
	} {
		_, err := geology().retriever(Options{}).Search(t.Context(), reader, q)
		var e *rag.Error
		if !errors.As(err, &e) || e.Code != rag.CodeInvalid || e.Field != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
}
