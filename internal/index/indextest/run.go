package indextest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// Run runs the suite. open returns a new, empty index.
func Run(t *testing.T, open func(t *testing.T) rag.Index) {
	tests := []struct {
		name string
		run  func(t *testing.T, f *feed)
	}{
		{"an empty index knows nothing", testEmpty},
		{"a batch is visible at once or not at all", testAtomic},
		{"entries at or before Applied are ignored", testIdempotent},
		{"a document is found by words first, by meaning when its vectors come", testVectorsLater},
		{"vectors of another model stay out", testOtherModel},
		{"a new version replaces the old one", testReplace},
		{"a superseded entry changes nothing", testSuperseded},
		{"a dropped collection is gone, and comes back empty", testDrop},
		{"the zero scope sees nothing", testZeroScope},
		{"a chunk out of scope never takes a place", testScopeInside},
		{"changed access takes effect", testAccess},
		{"a filter on a field that no document has is refused", testUnknownField},
		{"a bad filter and a bad vector are refused", testBadInput},
		{"a candidate of one leg has its true score in the other", testTrueScores},
		{"a limit of nothing finds nothing", testNoLimit},
		{"a collection may be scored exactly always", testExactPath},
		{"given vectors are checked against their collection's settings", testGivenBadInput},
		{"an index without history says so", testNoHistory},
		{"what is hidden is neither counted nor named", testHiddenFields},
		{"a group leaves room for other documents", testGroups},
		{"the default dense leg finds what the exact one does", testRecall},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, opened(t, open)) })
	}
	for _, metric := range []rag.Metric{rag.MetricCosine, rag.MetricDot, rag.MetricL2} {
		t.Run("vectors of odd dimensions are ranked by "+string(metric), func(t *testing.T) { testMetric(t, opened(t, open), metric) })
	}
	t.Run("statistics count only what the scope sees", func(t *testing.T) {
		testStatistics(t, opened(t, open), opened(t, open))
	})
	t.Run("random schedules agree with the oracle", func(t *testing.T) { testSchedules(t, open) })
}

func testEmpty(t *testing.T, f *feed) {
	if got := f.index.Applied(); got != 0 {
		t.Errorf("Applied is %d", got)
	}
	_, err := f.index.Search(context.Background(), everything, rag.LegQuery{Collection: "c", Text: "x", Limit: 1})
	wantCode(t, err, rag.CodeNotFound)
	_, err = f.index.Stats(context.Background(), "c")
	wantCode(t, err, rag.CodeNotFound)
}

func testAtomic(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}, embed: true})
	f.flush(t)
	was := f.seq
	f.publish("c", doc{id: "b", texts: []string{"alpha"}})
	f.gone("c", "a")
	bad := rag.TextHash("", "beta")
	f.publish("c", doc{id: "z", texts: []string{"beta"}})
	f.add(rag.Change{Kind: rag.ChangeVectors, Fingerprint: model}, map[rag.Hash][]float32{bad: make([]float32, dim)})
	if err := f.index.Apply(context.Background(), f.pending); err == nil {
		t.Fatal("a batch with a vector of no length was applied")
	}
	if got := f.index.Applied(); got != was {
		t.Errorf("Applied went from %d to %d though the batch failed", was, got)
	}
	if got := ids(f.search(t, everything, rag.LegQuery{Text: "alpha", Limit: 9})); !slices.Equal(got, []string{"a"}) {
		t.Errorf("after the failed batch: %v", got)
	}
}

func testIdempotent(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}})
	f.gone("c", "a")
	all := slices.Clone(f.pending)
	f.flush(t)
	if err := f.index.Apply(context.Background(), all[:2]); err != nil {
		t.Fatal(err)
	}
	if got := ids(f.search(t, everything, rag.LegQuery{Text: "alpha", Limit: 9})); len(got) != 0 {
		t.Errorf("a document came back from the dead: %v", got)
	}
}

func testVectorsLater(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha one", "alpha two"}})
	f.flush(t)
	both := rag.LegQuery{Text: "alpha", Vector: vectorOf("alpha two"), Limit: 9}
	got := f.search(t, everything, both)
	if len(got.Candidates) != 2 || got.Candidates[0].Lexical.Rank != 1 || got.Candidates[0].Dense.Known {
		t.Fatalf("before the vectors: %+v", got.Candidates)
	}
	f.vectors(model, "alpha two")
	f.flush(t)
	got = f.search(t, everything, both)
	if len(got.Candidates) != 2 || got.Candidates[0].Key.Ordinal != 1 || got.Candidates[0].Dense.Rank != 1 {
		t.Fatalf("after one vector: %+v", got.Candidates)
	}
	if cosine := got.Candidates[0].Dense.Score; math.Abs(float64(cosine)-1) > 1e-3 {
		t.Errorf("cosine with itself is %v", cosine)
	}
	stats, err := f.index.Stats(context.Background(), "c")
	if err != nil || stats.Chunks != 2 || stats.Vectors != 1 {
		t.Errorf("stats %+v, %v", stats, err)
	}
}

func testOtherModel(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}})
	f.vectors("model-2", "alpha")
	f.flush(t)
	if got := f.search(t, everything, rag.LegQuery{Vector: vectorOf("alpha"), Limit: 9}); len(got.Candidates) != 0 {
		t.Errorf("found by another model's vector: %+v", got.Candidates)
	}
}

func testReplace(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha", "beta"}, embed: true})
	f.flush(t)
	f.publish("c", doc{id: "a", texts: []string{"gamma"}, embed: true})
	f.flush(t)
	if got := f.search(t, everything, rag.LegQuery{Text: "alpha beta", Limit: 9}); len(got.Candidates) != 0 {
		t.Errorf("the old version is found: %+v", got.Candidates)
	}
	got := f.search(t, everything, rag.LegQuery{Text: "gamma", Vector: vectorOf("alpha"), Limit: 9})
	if len(got.Candidates) != 1 || got.Candidates[0].Key != (rag.ChunkKey{DocumentID: "a", Version: 2, Ordinal: 0}) {
		t.Errorf("the new version: %+v", got.Candidates)
	}
}

func testSuperseded(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}})
	f.add(rag.Change{Kind: rag.ChangePublished, Collection: "c", Superseded: true, Document: &rag.Document{ID: "a", Version: rag.Version{Number: 2}}}, nil)
	f.flush(t)
	if got := ids(f.search(t, everything, rag.LegQuery{Text: "alpha", Limit: 9})); !slices.Equal(got, []string{"a"}) {
		t.Errorf("found %v", got)
	}
}

func testDrop(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}, embed: true})
	f.flush(t)
	f.drop("c")
	f.flush(t)
	_, err := f.index.Search(context.Background(), everything, rag.LegQuery{Collection: "c", Text: "alpha", Limit: 1})
	wantCode(t, err, rag.CodeNotFound)
	f.create("c")
	f.flush(t)
	if got := f.search(t, everything, rag.LegQuery{Text: "alpha", Limit: 9}); len(got.Candidates) != 0 {
		t.Errorf("the new collection holds %+v", got.Candidates)
	}
}

func testZeroScope(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}, access: []string{rag.Everyone, ""}, embed: true})
	f.flush(t)
	for name, s := range map[string]rag.Scope{"zero": {}, "no labels": rag.LabelScope(nil)} {
		got := f.search(t, s, rag.LegQuery{Text: "alpha", Vector: vectorOf("alpha"), Limit: 9})
		if len(got.Candidates) != 0 || got.Allowed != 0 {
			t.Errorf("%s scope: %+v", name, got)
		}
	}
}

func testScopeInside(t *testing.T, f *feed) {
	f.create("c")
	for i := range 50 {
		f.publish("c", doc{id: "hidden" + number(i), texts: []string{"alpha alpha alpha"}, access: []string{"group:a"}, embed: true})
	}
	f.publish("c", doc{id: "mine", texts: []string{"alpha and much else besides"}, access: []string{"group:b", "group:c"}, embed: true})
	f.publish("c", doc{id: "nobody", texts: []string{"alpha"}, access: []string{}, embed: true})
	f.flush(t)
	got := f.search(t, rag.LabelScope([]string{"group:b"}), rag.LegQuery{Text: "alpha", Vector: vectorOf("alpha alpha alpha"), Limit: 3})
	if diff := cmp.Diff([]string{"mine"}, ids(got)); diff != "" || got.Allowed != 1 {
		t.Errorf("allowed %d, candidates:\n%s", got.Allowed, diff)
	}
}

func testAccess(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}, access: []string{"x"}, embed: true})
	f.flush(t)
	f.access("c", "a", []string{"y"})
	f.access("c", "absent", []string{"y"})
	f.flush(t)
	q := rag.LegQuery{Text: "alpha", Vector: vectorOf("alpha"), Limit: 9}
	if got := ids(f.search(t, rag.LabelScope([]string{"x"}), q)); len(got) != 0 {
		t.Errorf("still seen under the old list: %v", got)
	}
	got := f.search(t, rag.LabelScope([]string{"y"}), q)
	if len(got.Candidates) != 1 || !got.Candidates[0].Dense.Known {
		t.Errorf("under the new list: %+v", got.Candidates)
	}
}

func testUnknownField(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}, fields: map[string]filter.Value{"year": filter.NumberOf(2020)}})
	f.flush(t)
	q := rag.LegQuery{Collection: "c", Text: "alpha", Limit: 9, Filter: filter.All(filter.Test(filter.Exists, "year", filter.BoolOf(true)), filter.Negate(filter.Test(filter.Eq, "yaer", filter.NumberOf(2020))))}
	_, err := f.index.Search(context.Background(), everything, q)
	wantCode(t, err, rag.CodeUnknownField)
	var e *rag.Error
	if errors.As(err, &e) && e.Field != "yaer" {
		t.Errorf("the error names the field %q", e.Field)
	}
	q.Filter = filter.Test(filter.Eq, "language", filter.StringOf("en"))
	if got := f.search(t, everything, q); len(got.Candidates) != 0 {
		t.Errorf("a reserved field: %+v", got)
	}
	f.gone("c", "a")
	f.flush(t)
	q.Filter = filter.Test(filter.Eq, "year", filter.NumberOf(2020))
	_, err = f.index.Search(context.Background(), everything, q)
	wantCode(t, err, rag.CodeUnknownField)
}

func testBadInput(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}, embed: true})
	f.flush(t)
	search := func(q rag.LegQuery) error {
		q.Collection, q.Limit = "c", 5
		_, err := f.index.Search(context.Background(), everything, q)
		return err
	}
	wantCode(t, search(rag.LegQuery{Text: "a", Filter: filter.Filter{Op: filter.Not}}), rag.CodeFilter)
	wantCode(t, search(rag.LegQuery{Vector: vectorOf("a")[:dim-1]}), rag.CodeInvalid)
	nan := vectorOf("a")
	nan[3] = float32(math.NaN())
	wantCode(t, search(rag.LegQuery{Vector: nan}), rag.CodeInvalid)
}

func testTrueScores(t *testing.T, f *feed) {
	f.create("c")
	for i := range 40 {
		f.publish("c", doc{id: "d" + number(i), texts: []string{"alpha beta w" + number(i)}, embed: true})
	}
	f.publish("c", doc{id: "other", texts: []string{"gamma"}, embed: true})
	f.flush(t)
	q := rag.LegQuery{Text: "alpha w7", Vector: vectorOf("gamma"), Limit: 40}
	want := map[rag.ChunkKey]float32{}
	for _, c := range f.search(t, everything, rag.LegQuery{Text: q.Text, Limit: 50}).Candidates {
		want[c.Key] = c.Lexical.Score
	}
	q.Limit = 3
	got := f.search(t, everything, q)
	for _, c := range got.Candidates {
		if !c.Dense.Known || !c.Lexical.Known {
			t.Errorf("%v: a score is not known: %+v", c.Key, c)
		}
		if c.Lexical.Score != want[c.Key] {
			t.Errorf("%v: BM25 %v, alone %v", c.Key, c.Lexical.Score, want[c.Key])
		}
	}
	if len(got.Candidates) < 4 {
		t.Errorf("%d candidates of two legs", len(got.Candidates))
	}
}

func testNoLimit(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}, embed: true})
	f.flush(t)
	if got := f.search(t, everything, rag.LegQuery{Text: "alpha", Vector: vectorOf("alpha")}); len(got.Candidates) != 0 {
		t.Errorf("%+v", got.Candidates)
	}
}

func wantCode(t *testing.T, err error, code rag.Code) {
	t.Helper()
	if got := rag.CodeOf(err); got != code {
		t.Errorf("error %v has code %q, want %q", err, got, code)
	}
}
