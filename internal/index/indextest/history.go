package indextest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// RunHistory runs the part of the suite that is for indexes which keep former
// versions. open returns a new, empty one.
func RunHistory(t *testing.T, open func(t *testing.T) rag.Index) {
	tests := []struct {
		name string
		run  func(t *testing.T, f *feed)
	}{
		{"documents are found as they stood", testAsOf},
		{"access is that of now", testAsOfAccess},
		{"a collection keeps its past or does not", testAsOfByCollection},
		{"a past with a gap cannot be read from before it", testAsOfGap},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, opened(t, open)) })
	}
}

func testAsOf(t *testing.T, f *feed) {
	f.create("c")
	year := func(n float64) map[string]filter.Value {
		return map[string]filter.Value{"year": filter.NumberOf(n)}
	}
	f.publish("c", doc{id: "a", texts: []string{"alpha", "alpha beta"}, fields: year(2020)})
	first := f.seq
	f.publish("c", doc{id: "b", texts: []string{"alpha"}, fields: year(2020)})
	f.publish("c", doc{id: "a", texts: []string{"gamma"}, fields: year(2024), embed: true})
	second := f.seq
	f.gone("c", "a")
	f.vectors(model, "alpha")
	f.flush(t)
	for _, test := range []struct {
		asOf uint64
		text string
		want []string
	}{
		{first, "alpha", []string{"a", "a"}}, {second - 1, "alpha", []string{"a", "a", "b"}}, {second, "alpha gamma", []string{"a", "b"}},
		{f.seq, "alpha gamma", []string{"b"}}, {0, "alpha gamma", []string{"b"}},
	} {
		got := f.search(t, everything, rag.LegQuery{Text: test.text, AsOf: test.asOf, Limit: 9, Facets: []rag.Facet{{Field: "year"}}})
		found := ids(got)
		if slices.Sort(found); !slices.Equal(found, test.want) || got.Allowed != len(test.want) {
			t.Errorf("as of %d: %v of %d, want %v", test.asOf, found, got.Allowed, test.want)
		}
	}
	old := f.search(t, everything, rag.LegQuery{Text: "beta", AsOf: first, Limit: 9, Filter: filter.Test(filter.Eq, "year", filter.NumberOf(2020))})
	if len(old.Candidates) != 1 || old.Candidates[0].Key != (rag.ChunkKey{DocumentID: "a", Version: 1, Ordinal: 1}) {
		t.Errorf("the first version: %+v", old.Candidates)
	}
	dense := f.search(t, everything, rag.LegQuery{Vector: vectorOf("gamma"), AsOf: second, Limit: 1})
	if len(dense.Candidates) != 1 || dense.Candidates[0].Key.DocumentID != "a" {
		t.Errorf("by meaning: %+v", dense.Candidates)
	}
	if before := f.search(t, everything, rag.LegQuery{Text: "alpha", AsOf: 0, Limit: 9}); len(before.Candidates) != 1 {
		t.Errorf("now: %+v", before.Candidates)
	}
}

// testAsOfAccess narrows, deletes and widens: what a caller may not see now, or
// could not see last, stays hidden at all times.
func testAsOfAccess(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha one"}, access: []string{"x", "y"}})
	f.publish("c", doc{id: "b", texts: []string{"alpha two"}, access: []string{"x"}})
	open := f.seq
	f.publish("c", doc{id: "a", texts: []string{"alpha three"}, access: []string{"y"}})
	f.access("c", "b", []string{"z"})
	f.gone("c", "b")
	f.flush(t)
	see := func(label string) []string {
		found := ids(f.search(t, rag.LabelScope([]string{label}), rag.LegQuery{Text: "alpha", AsOf: open, Limit: 9}))
		slices.Sort(found)
		return found
	}
	if got := see("x"); len(got) != 0 {
		t.Errorf("x sees %v, from which it was shut out since", got)
	}
	if y, z := see("y"), see("z"); !slices.Equal(y, []string{"a"}) || !slices.Equal(z, []string{"b"}) {
		t.Errorf("y sees %v, z %v", y, z)
	}
	f.access("c", "a", []string{"x"})
	f.flush(t)
	if x, y := see("x"), see("y"); !slices.Equal(x, []string{"a"}) || len(y) != 0 {
		t.Errorf("after another change x sees %v, y %v", x, y)
	}
}

// testAsOfByCollection has one collection that keeps no former versions, and
// does for a while.
func testAsOfByCollection(t *testing.T, f *feed) {
	set := func(kind rag.ChangeKind, retention rag.Retention) {
		f.add(rag.Change{Kind: kind, Collection: "c", Settings: &rag.Collection{Name: "c", Fingerprint: model, Settings: rag.Settings{Retention: &retention}}}, nil)
	}
	set(rag.ChangeCreated, 0)
	f.publish("c", doc{id: "a", texts: []string{"alpha"}})
	first := f.seq
	f.publish("c", doc{id: "a", texts: []string{"beta"}})
	f.flush(t)
	wantNoHistory(t, f, first)
	set(rag.ChangeAltered, rag.Retention(time.Hour))
	f.publish("c", doc{id: "a", texts: []string{"gamma"}})
	kept := f.seq
	f.publish("c", doc{id: "a", texts: []string{"delta"}})
	f.flush(t)
	wantNoHistory(t, f, first)
	for text, want := range map[string]int{"gamma": 1, "beta": 0, "delta": 0} {
		if got := f.search(t, everything, rag.LegQuery{Text: text, AsOf: kept, Limit: 9}); len(got.Candidates) != want {
			t.Errorf("%q is found %d times, want %d", text, len(got.Candidates), want)
		}
	}
	set(rag.ChangeAltered, 0)
	f.flush(t)
	wantNoHistory(t, f, kept)
}

func testAsOfGap(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}})
	known := f.seq
	f.add(rag.Change{Kind: rag.ChangePublished, Collection: "c", Superseded: true, Document: &rag.Document{ID: "a", Version: rag.Version{Number: 2}}}, nil)
	f.publish("c", doc{id: "a", texts: []string{"beta"}})
	again := f.seq
	f.publish("c", doc{id: "a", texts: []string{"gamma"}})
	f.flush(t)
	wantNoHistory(t, f, known)
	if got := f.search(t, everything, rag.LegQuery{Text: "beta", AsOf: again, Limit: 9}); len(got.Candidates) != 1 {
		t.Errorf("after the gap: %+v", got.Candidates)
	}
}

func wantNoHistory(t *testing.T, f *feed, asOf uint64) {
	t.Helper()
	_, err := f.index.Search(context.Background(), everything, rag.LegQuery{Collection: "c", Text: "alpha", AsOf: asOf, Limit: 9})
	var e *rag.Error
	if !errors.As(err, &e) || e.Code != rag.CodeInvalid || e.Field != "/as_of" {
		t.Errorf("as of %d: %v", asOf, err)
	}
}

// testNoHistory wants an index that keeps no former versions to say so.
func testNoHistory(t *testing.T, f *feed) {
	f.create("c")
	f.publish("c", doc{id: "a", texts: []string{"alpha"}})
	f.publish("c", doc{id: "a", texts: []string{"beta"}})
	f.flush(t)
	wantNoHistory(t, f, f.seq-1)
}
