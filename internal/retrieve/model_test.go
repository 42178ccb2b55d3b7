package retrieve

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/provider/providertest"
	"github.com/quarry-search/quarry/internal/rag"
)

// judge scores passages by the place of a word that it looks for, earlier is
// better, and remembers what it was asked.
type judge struct {
	word   string
	asked  []string
	err    error
	cut    bool // answers for one passage too few
	hanged bool // until its context ends
}

func (j *judge) Name() string { return "judge" }

func (j *judge) Rerank(ctx context.Context, _ string, passages []string) ([]float32, error) {
	j.asked = passages
	if j.hanged {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	scores := make([]float32, len(passages))
	for i, p := range passages {
		at := strings.Index(p, j.word)
		if at < 0 {
			at = 1000
		}
		scores[i] = -float32(at)
	}
	if j.cut {
		scores = scores[1:]
	}
	return scores, j.err
}

func judged(w *world, j *judge, o Options) *Retriever {
	return New(Deps{Index: w, Catalog: w, Embedder: w, Freshness: w, Reranker: j}, o)
}

func slates() *world {
	w := &world{}
	w.add("docs", "one", "slate slate slate slate end zebra")
	w.add("docs", "two", "slate slate slate zebra end")
	w.add("docs", "three", "slate slate zebra end")
	w.add("docs", "four", "zebra slate end")
	return w
}

func TestRerankByModel(t *testing.T) {
	w, j := slates(), &judge{word: "zebra"}
	w.stored[2].Chunk.Context = "R"
	got, err := judged(w, j, Options{RerankDepth: 3}).Search(t.Context(), reader, rag.Query{Text: "slate", Rerank: rag.RerankModel, Mode: rag.Lexical, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"three", "two", "one", "four"}, uris(got)); diff != "" || got.Degraded != nil {
		t.Errorf("%s degraded %v", diff, got.Degraded)
	}
	if diff := cmp.Diff([]string{"slate slate slate slate end zebra", "slate slate slate zebra end", "R\nslate slate zebra end"}, j.asked); diff != "" {
		t.Error(diff)
	}
	first, last := got.Hits[0].Explain, got.Hits[3].Explain
	if first.RerankRank != 1 || first.FusedRank != 3 || *first.RerankScore != -float64(len("R\nslate slate ")) || last.RerankScore != nil {
		t.Errorf("%+v, %+v", first, last)
	}
	if w.embedded != nil {
		t.Errorf("a lexical search embedded %q", w.embedded)
	}
	for i := 1; i < len(got.Hits); i++ {
		if got.Hits[i].Score > got.Hits[i-1].Score {
			t.Errorf("score rises at %d", i)
		}
	}
}

func TestRerankerIsTheDefault(t *testing.T) {
	w, j := slates(), &judge{word: "zebra"}
	if got, err := judged(w, j, Options{}).Search(t.Context(), reader, rag.Query{Text: "slate"}); err != nil || uris(got)[0] != "four" {
		t.Errorf("%v, %v", uris(got), err)
	}
	j.asked = nil
	if got, err := judged(w, j, Options{}).Search(t.Context(), reader, rag.Query{Text: "slate", Rerank: rag.RerankNone}); err != nil || j.asked != nil {
		t.Errorf("%v, %v, asked %q", uris(got), err, j.asked)
	}
	if _, err := w.retriever(Options{}).Search(t.Context(), reader, rag.Query{Text: "slate", Rerank: rag.RerankModel}); rag.CodeOf(err) != rag.CodeInvalid {
		t.Errorf("without a reranker: %v", err)
	}
}

// TestRerankFailed: late, failed or nonsense: the fused order, and it is said.
func TestRerankFailed(t *testing.T) {
	fused := uris(search(t, slates(), rag.Query{Text: "slate"}))
	for name, j := range map[string]*judge{
		"late": {hanged: true}, "failed": {err: errors.New("down")}, "too few": {cut: true},
	} {
		got, err := judged(slates(), j, Options{RerankDeadline: 1}).Search(t.Context(), reader, rag.Query{Text: "slate"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(fused, uris(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff([]string{"rerank"}, got.Degraded); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := judged(slates(), &judge{hanged: true}, Options{}).Search(ctx, reader, rag.Query{Text: "slate"}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestBySentence(t *testing.T) {
	w := &world{}
	b := NewBySentence(w, NewSentenceVectors(w, 1<<20))
	scores, err := b.Rerank(t.Context(), "slate roofs weigh much", []string{
		"Ponds are deep. Slate roofs weigh much. Gardens are green.", "Slate is a stone.", "", "Ponds are deep."})
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(float64(scores[0])-1) > 1e-3 || !(scores[0] > scores[1] && scores[1] > 0) || scores[2] != 0 || scores[3] != 0 {
		t.Errorf("scores %v", scores)
	}
	w.embedErr = errModel
	if _, err := b.Rerank(t.Context(), "x", []string{"y"}); !errors.Is(err, errModel) {
		t.Errorf("error %v", err)
	}
	providertest.Reranker(t, func(*testing.T) rag.Reranker {
		w := &world{}
		return NewBySentence(w, NewSentenceVectors(w, 1<<20))
	})
}
