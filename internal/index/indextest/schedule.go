package indextest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// testRecall wants the default dense leg to find nine in ten of the exact
// leg's chunks, with the same scores, when there are too many to score all.
func testRecall(t *testing.T, f *feed) {
	f.create("c")
	for i := range 2600 {
		f.publish("c", doc{id: "d" + number(i), texts: []string{"text " + number(i)}, embed: true})
		if i%650 == 649 {
			f.flush(t)
		}
	}
	hits, wanted := 0, 0
	for i := range 20 {
		q := rag.LegQuery{Vector: vectorOf("question " + number(i)), Limit: 10}
		got := f.search(t, everything, q)
		q.Exact = true
		exact := map[rag.ChunkKey]float32{}
		for _, c := range f.search(t, everything, q).Candidates {
			exact[c.Key] = c.Dense.Score
		}
		wanted += len(exact)
		for _, c := range got.Candidates {
			if score, ok := exact[c.Key]; ok {
				hits++
				if score != c.Dense.Score {
					t.Errorf("%v: score %v, exact %v", c.Key, c.Dense.Score, score)
				}
			}
		}
	}
	if wanted != 200 || hits*10 < wanted*9 {
		t.Errorf("found %d of %d", hits, wanted)
	}
}

// testStatistics compares a restricted search with an unrestricted one on an
// index that holds only what the scope sees.
func testStatistics(t *testing.T, all, part *feed) {
	texts := []string{"alpha beta", "alpha alpha gamma", "beta beta delta gamma", "gamma", "delta alpha epsilon zeta eta"}
	for _, f := range []*feed{all, part} {
		f.create("c")
		for i := range 60 {
			d := doc{id: "d" + number(i), texts: []string{texts[i%len(texts)] + " n" + number(i)}, access: []string{"user:a"}}
			if i%3 == 0 {
				d.access = []string{"user:b"}
				if f == part {
					continue
				}
			}
			f.publish("c", d)
		}
		f.gone("c", "d1")
		f.flush(t)
	}
	q := rag.LegQuery{Text: "alpha delta gamma", Limit: 100}
	got := all.search(t, rag.LabelScope([]string{"user:a"}), q)
	want := part.search(t, everything, q)
	if len(got.Candidates) != len(want.Candidates) || len(got.Candidates) == 0 {
		t.Fatalf("%d candidates, want %d", len(got.Candidates), len(want.Candidates))
	}
	for i, c := range got.Candidates {
		if w := want.Candidates[i]; c.Key != w.Key || c.Lexical != w.Lexical {
			t.Errorf("candidate %d is %v %+v, want %v %+v", i+1, c.Key, c.Lexical, w.Key, w.Lexical)
		}
	}
}

var (
	words  = []string{"alpha", "beta", "gamma", "delta", "river", "stone"}
	labels = []string{"a", "b", "c"}
	colls  = []string{"c", "d"}
)

// testSchedules applies random changes and compares every answer.
func testSchedules(t *testing.T, open func(t *testing.T) rag.Index) {
	rapid.Check(t, func(r *rapid.T) {
		f := newFeed(open(t))
		defer f.index.Close()
		f.create("c")
		f.create("d")
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			step(r, f)
		}
		f.flush(r)
		compare(r, f)
	})
}

func step(r *rapid.T, f *feed) {
	coll := rapid.SampledFrom(colls).Draw(r, "collection")
	id := "doc" + number(rapid.IntRange(0, 7).Draw(r, "id"))
	switch rapid.SampledFrom([]string{"publish", "publish", "publish", "gone", "access", "vectors", "recreate", "flush", "search"}).Draw(r, "step") {
	case "publish":
		f.publish(coll, doc{id: id, texts: drawTexts(r), access: drawLabels(r), fields: drawFields(r), embed: rapid.Bool().Draw(r, "embed")})
	case "gone":
		f.gone(coll, id)
	case "access":
		f.access(coll, id, drawLabels(r))
	case "vectors":
		f.vectors(rapid.SampledFrom([]string{model, "model-2"}).Draw(r, "model"), drawTexts(r)...)
	case "recreate":
		if rapid.IntRange(0, 5).Draw(r, "really") == 0 {
			f.drop(coll)
			f.create(coll)
		}
	case "flush":
		f.flush(r)
	case "search":
		f.flush(r)
		compare(r, f)
	}
}

func drawTexts(r *rapid.T) []string {
	text := rapid.Custom(func(r *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 4).Draw(r, "words"), " ")
	})
	return rapid.SliceOfN(text, 1, 4).Draw(r, "texts")
}

func drawLabels(r *rapid.T) []string {
	return rapid.SliceOfN(rapid.SampledFrom(labels), 0, 2).Draw(r, "labels")
}

// compare searches with a random scope and filter, and compares both legs.
func compare(r *rapid.T, f *feed) {
	coll := rapid.SampledFrom(colls).Draw(r, "collection")
	held := f.oracle.collections[coll]
	scope := everything
	if rapid.Bool().Draw(r, "restricted") {
		scope = rag.LabelScope(drawLabels(r))
	}
	by := drawFilter(r, 2)
	q := rag.LegQuery{
		Collection: coll, Filter: by, Exact: true, Limit: rapid.IntRange(1, 12).Draw(r, "limit"),
		Text: strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 3).Draw(r, "query"), " "), Vector: vectorOf("query"),
	}
	if key, unknown := unknownField(held, scope, by); unknown {
		_, err := f.index.Search(r.Context(), scope, q)
		if rag.CodeOf(err) != rag.CodeUnknownField {
			r.Fatalf("no document in scope has %q, but the error is %v", key, err)
		}
		return
	}
	compareAttributes(r, f, scope, q)
	got := f.search(r, scope, q)
	if want := held.chunks(scope, by); got.Allowed != want || got.Seq != f.seq {
		r.Fatalf("allowed %d of seq %d, want %d of %d", got.Allowed, got.Seq, want, f.seq)
	}
	compareDense(r, got, held.dense(scope, by, q.Vector), q.Limit)
	compareLexical(r, got, held.lexical(scope, by, q.Text), q.Limit)
}

// compareDense wants the same ranking, but for ties in rounding.
func compareDense(r *rapid.T, got rag.Candidates, want []found, limit int) {
	want = want[:min(limit, len(want))]
	var ranked []rag.Candidate
	for _, c := range got.Candidates {
		if c.Dense.Rank > 0 {
			ranked = append(ranked, c)
		}
	}
	slices.SortFunc(ranked, func(a, b rag.Candidate) int { return a.Dense.Rank - b.Dense.Rank })
	if len(ranked) != len(want) {
		r.Fatalf("dense: %d candidates, want %d", len(ranked), len(want))
	}
	for i, c := range ranked {
		if math.Abs(float64(c.Dense.Score)-want[i].cosine) > 1e-5 {
			r.Fatalf("dense %d: %v %v, want %v %v", i+1, c.Key, c.Dense.Score, want[i].key, want[i].cosine)
		}
		tied := i > 0 && want[i-1].cosine-want[i].cosine < 1e-5 || i+1 < len(want) && want[i].cosine-want[i+1].cosine < 1e-5
		if c.Key != want[i].key && !tied && i+1 < len(want) {
			r.Fatalf("dense %d: %v, want %v", i+1, c.Key, want[i].key)
		}
	}
}

// compareLexical wants only chunks that match, and as many as there are.
func compareLexical(r *rapid.T, got rag.Candidates, want map[rag.ChunkKey]bool, limit int) {
	n, last := 0, float32(math.Inf(1))
	var ranked []rag.Candidate
	for _, c := range got.Candidates {
		if c.Lexical.Known && (c.Lexical.Score > 0) != want[c.Key] {
			r.Fatalf("lexical: %v has score %v, matches: %v", c.Key, c.Lexical.Score, want[c.Key])
		}
		if c.Lexical.Rank > 0 {
			n++
			ranked = append(ranked, c)
		}
	}
	if n != min(limit, len(want)) {
		r.Fatalf("lexical: %d candidates, want %d", n, min(limit, len(want)))
	}
	slices.SortFunc(ranked, func(a, b rag.Candidate) int { return a.Lexical.Rank - b.Lexical.Rank })
	for _, c := range ranked {
		if c.Lexical.Score > last {
			r.Fatalf("lexical: rank %d has more than the one before", c.Lexical.Rank)
		}
		last = c.Lexical.Score
	}
}

func unknownField(h *held, s rag.Scope, f filter.Filter) (string, bool) {
	for _, g := range f.Filters {
		if key, unknown := unknownField(h, s, g); unknown {
			return key, true
		}
	}
	return f.Key, f.Key != "" && !h.hasField(s, f.Key)
}
