package retrieve

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// geology is a small world with two collections.
func geology() *world {
	w := &world{applied: 9}
	w.add("docs", "granite.md", "Granite is an igneous rock. It cools slowly below the ground.")
	w.add("docs", "slate.md", "Slate splits into thin sheets. Roofs are covered with it.")
	w.add("docs", "marble.md", "Marble forms when limestone is pressed. Sculptors like it.")
	w.add("docs", "secret.md", "Granite reserves are worth nine million.", "group:board")
	w.add("news", "quarry.txt", "The granite quarry opened again on Monday.")
	return w
}

func uris(r rag.SearchResult) (out []string) {
	for _, h := range r.Hits {
		out = append(out, h.Document.URI)
	}
	return out
}

func search(t *testing.T, w *world, q rag.Query) rag.SearchResult {
	t.Helper()
	got, err := w.retriever(Options{}).Search(t.Context(), reader, q)
	if err != nil {
		t.Fatalf("search %+v: %v", q, err)
	}
	return got
}

func TestSearchFindsAndExplains(t *testing.T) {
	got := search(t, geology(), rag.Query{Text: "granite igneous rock", Explain: true, TopK: 2})
	if d := cmp.Diff([]string{"granite.md", "quarry.txt"}, uris(got)); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	e := got.Hits[0].Explain
	if e.Dense.Rank != 1 || e.Lexical.Rank != 1 || e.FusedRank != 1 || e.FusedScore != got.Hits[0].Score || e.DenseWeight != DefaultDenseWeight {
		t.Errorf("explanation %+v", e)
	}
	var stages []string
	for _, s := range got.Stages {
		stages = append(stages, s.Name)
	}
	want := []string{"scope", "embed_query", "dense", "lexical", "fuse", "diversify", "hydrate"}
	if d := cmp.Diff(want, stages); d != "" {
		t.Errorf("stages (-want +got):\n%s", d)
	}
	if got.Seq != 9 || got.Mode != rag.Hybrid || got.Degraded != nil || len(got.DensePaths) != 2 {
		t.Errorf("result %+v", got)
	}
}

func TestSearchModes(t *testing.T) {
	for mode, check := range map[rag.Mode]func(rag.LegQuery) bool{
		rag.Hybrid:  func(q rag.LegQuery) bool { return q.Text != "" && q.Vector != nil && !q.Exact },
		rag.Dense:   func(q rag.LegQuery) bool { return q.Text == "" && q.Vector != nil && !q.Exact },
		rag.Lexical: func(q rag.LegQuery) bool { return q.Text != "" && q.Vector == nil && !q.Exact },
		rag.Exact:   func(q rag.LegQuery) bool { return q.Text == "" && q.Vector != nil && q.Exact },
	} {
		w := geology()
		got := search(t, w, rag.Query{Text: "granite", Mode: mode, Collections: []string{"docs"}})
		if len(w.asked) != 1 || !check(w.asked[0]) {
			t.Errorf("mode %s asked %+v", mode, w.asked)
		}
		if got.Mode != mode || len(got.Hits) == 0 {
			t.Errorf("mode %s: ran %s with %d hits", mode, got.Mode, len(got.Hits))
		}
	}
}

func TestSearchScope(t *testing.T) {
	w := geology()
	all := rag.Query{Text: "granite reserves worth million", Collections: []string{"docs"}}
	if got := uris(search(t, w, all)); got[0] == "secret.md" {
		t.Errorf("a reader saw %v", got)
	}
	board := rag.Principal{Subject: "bo", Groups: []string{"board"}}
	got, err := w.retriever(Options{}).Search(t.Context(), board, all)
	if err != nil || uris(got)[0] != "secret.md" {
		t.Errorf("the board saw %v, %v", uris(got), err)
	}
	nobody, err := w.retriever(Options{}).Search(t.Context(), rag.Principal{}, rag.Query{Text: "granite"})
	if err != nil || len(nobody.Hits) != 0 || nobody.Candidates != 0 {
		t.Errorf("nobody saw %+v, %v", nobody, err)
	}
}

// The next candidate takes the place of one that the catalog no longer shows.
func TestSearchDropsWhatIsGone(t *testing.T) {
	w := geology()
	w.unread = map[string]bool{rag.DocumentID("docs", "granite.md"): true}
	got := search(t, w, rag.Query{Text: "granite igneous rock", TopK: 1, Rerank: rag.RerankSentences})
	if d := cmp.Diff([]string{"quarry.txt"}, uris(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSearchErrors(t *testing.T) {
	half, two := 0.5, 2.0
	for name, c := range map[string]struct {
		q     rag.Query
		code  rag.Code
		field string
	}{
		"empty":              {rag.Query{Text: " \n"}, rag.CodeInvalid, "/query"},
		"long":               {rag.Query{Text: strings.Repeat("ü", MaxQueryChars+1)}, rag.CodeInvalid, "/query"},
		"bad utf-8":          {rag.Query{Text: "a\xff"}, rag.CodeInvalid, "/query"},
		"top_k negative":     {rag.Query{Text: "a", TopK: -1}, rag.CodeInvalid, "/top_k"},
		"top_k huge":         {rag.Query{Text: "a", TopK: 1_000_000}, rag.CodeInvalid, "/top_k"},
		"mode":               {rag.Query{Text: "a", Mode: "fuzzy"}, rag.CodeInvalid, "/mode"},
		"rerank":             {rag.Query{Text: "a", Rerank: "magic"}, rag.CodeInvalid, "/rerank"},
		"weight":             {rag.Query{Text: "a", DenseWeight: &two}, rag.CodeInvalid, "/dense_weight"},
		"candidates":         {rag.Query{Text: "a", Candidates: -5}, rag.CodeInvalid, "/candidates"},
		"wait":               {rag.Query{Text: "a", Wait: time.Hour}, rag.CodeInvalid, "/wait_ms"},
		"many collections":   {rag.Query{Text: "a", Collections: make([]string, MaxCollections+1)}, rag.CodeInvalid, "/collections"},
		"unknown collection": {rag.Query{Text: "a", DenseWeight: &half, Collections: []string{"docs", "nope"}}, rag.CodeNotFound, ""},
		"stale":              {rag.Query{Text: "a", MinSeq: 10, Wait: time.Millisecond}, rag.CodeStale, "/min_seq"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := geology().retriever(Options{}).Search(t.Context(), reader, c.q)
			if rag.CodeOf(err) != c.code {
				t.Fatalf("%v has code %q, want %q", err, rag.CodeOf(err), c.code)
			}
			var e *rag.Error
			if asError(err, &e); e.Field != c.field {
				t.Errorf("field %q, want %q", e.Field, c.field)
			}
		})
	}
}

func TestSearchWaits(t *testing.T) {
	w := geology()
	search(t, w, rag.Query{Text: "granite", MinSeq: 9, WaitVectors: true})
	w.noVector = map[string]bool{"x": true}
	search(t, w, rag.Query{Text: "granite", MinSeq: 9})
	_, err := w.retriever(Options{Wait: time.Millisecond}).Search(t.Context(), reader, rag.Query{Text: "granite", WaitVectors: true})
	if rag.CodeOf(err) != rag.CodeStale {
		t.Errorf("waiting for vectors that do not come: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.retriever(Options{}).Search(gone, reader, rag.Query{Text: "granite", MinSeq: 99})
	if rag.CodeOf(err) != rag.CodeCanceled {
		t.Errorf("a caller that left while waiting: %v", err)
	}
}

func TestSearchWithoutModel(t *testing.T) {
	w := geology()
	w.embedErr = errModel
	got := search(t, w, rag.Query{Text: "granite", Rerank: rag.RerankSentences})
	if d := cmp.Diff([]string{"dense", "rerank"}, got.Degraded); d != "" || got.Mode != rag.Lexical || len(got.Hits) != 2 {
		t.Errorf("hybrid: %s %s %v", d, got.Mode, uris(got))
	}
	for _, mode := range []rag.Mode{rag.Dense, rag.Exact} {
		_, err := w.retriever(Options{}).Search(t.Context(), reader, rag.Query{Text: "granite", Mode: mode})
		if rag.CodeOf(err) != rag.CodeUnavailable {
			t.Errorf("mode %s: %v", mode, err)
		}
	}
}

// Vectors of another model's collection are not compared with the query's.
func TestSearchKeepsFingerprintsApart(t *testing.T) {
	w := geology()
	w.collections[1].Fingerprint = "other-model"
	got := search(t, w, rag.Query{Text: "granite"})
	for _, q := range w.asked {
		if (q.Vector != nil) != (q.Collection == "docs") {
			t.Errorf("collection %s was asked with vector: %v", q.Collection, q.Vector != nil)
		}
	}
	if d := cmp.Diff([]string{"dense"}, got.Degraded); d != "" || got.Mode != rag.Hybrid {
		t.Errorf("degraded %s mode %s", d, got.Mode)
	}
}

func TestSearchCollectionNotIndexedYet(t *testing.T) {
	w := geology()
	w.unindexed = map[string]bool{"news": true}
	got := search(t, w, rag.Query{Text: "granite", Filter: filter.Filter{}})
	if len(got.Hits) == 0 || got.Seq != 9 {
		t.Errorf("%v at %d", uris(got), got.Seq)
	}
}

func TestSearchUnknownField(t *testing.T) {
	w := geology()
	w.fields = []string{"docs/uri"}
	text := func(op filter.Op, key string) rag.Query {
		return rag.Query{Text: "granite", Filter: filter.Test(op, key, filter.StringOf("granite.md"))}
	}
	if d := cmp.Diff([]string{"granite.md"}, uris(search(t, w, text(filter.Eq, "uri")))); d != "" {
		t.Errorf("known in one collection (-want +got):\n%s", d)
	}
	for name, q := range map[string]rag.Query{"unknown in all": text(filter.Eq, "colour"), "negative": text(filter.Ne, "uri")} {
		if _, err := w.retriever(Options{}).Search(t.Context(), reader, q); rag.CodeOf(err) != rag.CodeUnknownField {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDenseWeightComesFromQueryThenCollection(t *testing.T) {
	w := geology()
	set := 0.9
	w.collections[0].Settings.DenseWeight = &set
	own := 0.2
	for want, q := range map[float64]rag.Query{
		0.9: {Text: "granite", Collections: []string{"docs"}, Explain: true},
		0.2: {Text: "granite", Collections: []string{"docs"}, Explain: true, DenseWeight: &own},
		0.7: {Text: "granite", Collections: []string{"news"}, Explain: true},
	} {
		got, err := w.retriever(Options{DenseWeight: 0.7}).Search(t.Context(), reader, q)
		if err != nil || got.Hits[0].Explain.DenseWeight != want {
			t.Errorf("weight %v, want %v (%v)", got.Hits[0].Explain.DenseWeight, want, err)
		}
	}
}

// TestOperators wants the model to read words, and the index to get what the
// query requires and excludes, in every mode.
func TestOperators(t *testing.T) {
	for _, mode := range []rag.Mode{rag.Hybrid, rag.Dense, rag.Exact, rag.Lexical} {
		w := geology()
		text := `granite -basalt "hard rock" magm*`
		search(t, w, rag.Query{Text: text, Mode: mode, Collections: []string{"docs"}})
		if len(w.asked) != 1 || w.asked[0].Text != text || w.asked[0].SkipLexical != (mode == rag.Dense || mode == rag.Exact) {
			t.Errorf("mode %s asked %+v", mode, w.asked)
		}
		if mode != rag.Lexical && !slices.Equal(w.embedded, []string{"granite hard rock magm"}) {
			t.Errorf("mode %s embedded %q", mode, w.embedded)
		}
	}
	_, err := geology().retriever(Options{}).Search(context.Background(), rag.Principal{}, rag.Query{Text: "-granite"})
	var e *rag.Error
	if !errors.As(err, &e) || e.Code != rag.CodeInvalid || e.Field != "/query" {
		t.Errorf("a query that only excludes: %v", err)
	}
}
