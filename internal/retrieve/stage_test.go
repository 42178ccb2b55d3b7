package retrieve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"

	"github.com/quarry-search/quarry/internal/rag"
)

func asError(err error, e **rag.Error) bool { return errors.As(err, e) }

// A passage whose one sentence answers overtakes one that is about the topic
// everywhere.
func TestRerankSentences(t *testing.T) {
	w := &world{}
	w.add("docs", "topic.md", "Slate roofs. Slate roofs weigh much. Slate roofs last long. Slate roofs cost money.")
	w.add("docs", "answer.md", "How much do slate roofs weigh. "+strings.Repeat("Other words follow here about gardens and ponds. ", 4))
	q := rag.Query{Text: "how much do slate roofs weigh", Explain: true, DenseWeight: new(float64)}
	if got := uris(search(t, w, q)); got[0] != "topic.md" {
		t.Fatalf("without rescoring %v", got)
	}
	q.Rerank = rag.RerankSentences
	got, err := w.retriever(Options{RerankWeight: 0.7}).Search(t.Context(), reader, q)
	if err != nil || uris(got)[0] != "answer.md" {
		t.Fatalf("rescored %v, %v", uris(got), err)
	}
	e := got.Hits[0].Explain
	if e.RerankRank != 1 || e.FusedRank != 2 || e.RerankScore == nil || *e.RerankScore < 0.99 {
		t.Errorf("explanation %+v", e)
	}
}

// Beyond the rescored window the fused order stands, and scores never rise.
func TestRerankLeavesTheTail(t *testing.T) {
	w := &world{}
	for i := range 12 {
		w.add("docs", fmt.Sprint(i), strings.Repeat("slate ", 12-i)+strings.Repeat("pond ", i)+fmt.Sprint(i))
	}
	got, err := w.retriever(Options{RerankDepth: 5}).Search(t.Context(), reader, rag.Query{Text: "slate", Rerank: rag.RerankSentences, Explain: true, TopK: 12})
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range got.Hits {
		if i > 0 && h.Score > got.Hits[i-1].Score {
			t.Errorf("score rises at %d", i)
		}
		if rescored := h.Explain.RerankScore != nil; rescored != (i < 5) {
			t.Errorf("hit %d rescored: %v", i, rescored)
		}
		if i >= 5 && h.Explain.FusedRank != i+1 {
			t.Errorf("tail hit %d had fused rank %d", i, h.Explain.FusedRank)
		}
	}
}

// A model that answers queries but not in time for sentences.
type slowSentences struct{ *world }

func (s slowSentences) Embed(ctx context.Context, role rag.EmbedRole, texts []string) ([][]float32, error) {
	if role == rag.EmbedPassage {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.world.Embed(ctx, role, texts)
}

func TestRerankLate(t *testing.T) {
	w := geology()
	r := New(Deps{Index: w, Catalog: w, Embedder: w, Freshness: w,
		Sentences: NewSentenceVectors(slowSentences{w}, 1<<20)}, Options{RerankDeadline: 1})
	late, err := r.Search(t.Context(), reader, rag.Query{Text: "granite rock", Rerank: rag.RerankSentences})
	if err != nil {
		t.Fatal(err)
	}
	fused := search(t, w, rag.Query{Text: "granite rock"})
	if d := cmp.Diff(uris(fused), uris(late)); d != "" {
		t.Errorf("order (-fused +late):\n%s", d)
	}
	if d := cmp.Diff([]string{"rerank"}, late.Degraded); d != "" {
		t.Error(d)
	}
}

func TestCollapse(t *testing.T) {
	long := strings.Repeat("the plates lie on sand and gravel over clay ", 4) + strings.Join(strings.Fields(alphabet), " ")
	for name, c := range map[string]struct {
		a, b string
		want bool
	}{
		"equal":               {"Slate splits.", "Slate splits.", true},
		"white space, case":   {"Slate  splits\neasily now.", "slate splits easily now.", true},
		"one word of many":    {long + " end of it", long + " end of this", true},
		"a number":            {long + " 2019", long + " 2020", false},
		"short, one word":     {"Slate splits easily.", "Slate breaks easily.", false},
		"an operator":         {"return a + b", "return a - b", false},
		"nothing in common":   {"Slate splits.", "Marble forms.", false},
		"one holds the other": {long, long + " " + long + " and ever so much more of it", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			w.add("docs", "a", c.a)
			second := w.add("docs", "b", c.b)
			got := search(t, w, rag.Query{Text: "slate marble plates return", Explain: true})
			if collapsed := len(got.Hits) == 1; collapsed != c.want {
				t.Fatalf("collapsed: %v", collapsed)
			}
			if c.want && len(got.Hits[0].Explain.Duplicates) != 1 {
				t.Errorf("duplicates %v do not name %v", got.Hits[0].Explain.Duplicates, second)
			}
		})
	}
}

const alphabet = "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu one two three four five six seven eight nine ten north east south west spring summer autumn winter red green blue yellow black white grey brown violet orange"

// similar stops early, but never with another result than the plain Jaccard
// index.
func TestSimilarIsJaccard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 120).Draw(t, "n")
		var a, b []uint64
		common := 0
		for i := range uint64(n) {
			switch rapid.IntRange(0, 40).Draw(t, "where") {
			case 0:
				a = append(a, i)
			case 1:
				b = append(b, i)
			default:
				a, b = append(a, i), append(b, i)
				common++
			}
		}
		union := len(a) + len(b) - common
		want := float64(common) >= nearDuplicate*float64(union)-1e-9
		if got := similar(a, b); got != want {
			t.Fatalf("similar = %v with %d of %d", got, common, union)
		}
	})
}

func TestSentenceVectorsCache(t *testing.T) {
	w := &world{}
	v := NewSentenceVectors(w, 3*cost(make([]float32, fakeDim)))
	get := func(texts ...string) {
		t.Helper()
		got, err := v.Vectors(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			if d := cmp.Diff(embed(text), got[i]); d != "" {
				t.Fatalf("vector of %q: %s", text, d)
			}
		}
	}
	get("a", "b", "a")
	get("b", "a")
	if d := cmp.Diff([]string{"a", "b"}, w.embedded); d != "" {
		t.Fatalf("embedded (-want +got):\n%s", d)
	}
	get("c")
	get("d") // puts out b, the least recently used
	get("a", "b")
	if d := cmp.Diff([]string{"a", "b", "c", "d", "b"}, w.embedded); d != "" {
		t.Errorf("embedded (-want +got):\n%s", d)
	}
	if v.Bytes() > 3*cost(make([]float32, fakeDim)) {
		t.Errorf("holds %d bytes", v.Bytes())
	}
	w.embedErr = errModel
	if _, err := v.Vectors(t.Context(), []string{"e"}); err == nil {
		t.Error("a failing model went unnoticed")
	}
}

// Whatever the world, hits are unique, ranked from 1, in scope, and no more
// than asked for.
func TestSearchProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{noVector: map[string]bool{}}
		text := rapid.StringMatching(`([a-d]{1,2} ){1,6}[a-d]\.`)
		for i := range rapid.IntRange(0, 25).Draw(t, "chunks") {
			access := rapid.SampledFrom([]string{rag.Everyone, "user:ana", "user:bo", "group:x"}).Draw(t, "access")
			key := w.add(rapid.SampledFrom([]string{"one", "two"}).Draw(t, "collection"), fmt.Sprint(i), text.Draw(t, "text"), access)
			w.noVector[key.DocumentID] = rapid.Bool().Draw(t, "no vector")
		}
		q := rag.Query{
			Text: text.Draw(t, "query"), TopK: rapid.IntRange(1, 12).Draw(t, "top_k"),
			Mode:   rapid.SampledFrom([]rag.Mode{rag.Hybrid, rag.Dense, rag.Lexical, rag.Exact}).Draw(t, "mode"),
			Rerank: rapid.SampledFrom([]rag.Rerank{rag.RerankNone, rag.RerankSentences}).Draw(t, "rerank"),
		}
		got, err := w.retriever(Options{}).Search(context.Background(), reader, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Hits) > q.TopK {
			t.Fatalf("%d hits for top_k %d", len(got.Hits), q.TopK)
		}
		seen := map[rag.ChunkKey]bool{}
		for i, h := range got.Hits {
			if h.Rank != i+1 || seen[h.Chunk.Key] || (i > 0 && h.Score > got.Hits[i-1].Score+1e-12) {
				t.Fatalf("hit %d: %+v", i, h)
			}
			seen[h.Chunk.Key] = true
			if a := h.Document.Access[0]; a != rag.Everyone && a != "user:ana" {
				t.Fatalf("out of scope: %v", h.Document.Access)
			}
		}
	})
}
