package providertest

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/quarry-search/quarry/internal/rag"
)

// Reranker checks the contract of rag.Reranker, except for its judgement.
func Reranker(t *testing.T, open func(t *testing.T) rag.Reranker) {
	r := open(t)
	const query = "How do I reset my password?"
	score := func(t *testing.T, passages ...string) []float32 {
		t.Helper()
		s, err := r.Rerank(t.Context(), query, passages)
		if err != nil {
			t.Fatalf("rerank: %v", err)
		}
		if len(s) != len(passages) {
			t.Fatalf("%d scores for %d passages", len(s), len(passages))
		}
		return s
	}
	t.Run("identity", func(t *testing.T) {
		if r.Name() == "" {
			t.Error("no name")
		}
	})
	t.Run("empty list", func(t *testing.T) { score(t) })
	t.Run("batch", func(t *testing.T) {
		for i, s := range score(t, samples...) {
			if alone := score(t, samples[i])[0]; !(math.Abs(float64(alone-s)) <= 1e-4) {
				t.Errorf("passage %d scores %g in a batch, %g alone", i, s, alone)
			}
		}
	})
	t.Run("cancel", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err := r.Rerank(ctx, query, samples); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v after cancelling", err)
		}
	})
}
