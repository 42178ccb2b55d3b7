package local

import (
	"context"
	"fmt"
	"math"

	"github.com/quarry-search/quarry/internal/model"
	"github.com/quarry-search/quarry/internal/rag"
)

// Reranker scores passages with one local cross-encoder.
type Reranker struct{ m *model.Model }

var _ rag.Reranker = (*Reranker)(nil)

// NewReranker returns a reranker over m, a cross-encoder with one label.
func NewReranker(m *model.Model) (*Reranker, error) {
	if n := m.Info().Labels; n != 1 {
		return nil, fmt.Errorf("rerank with %s: it has %d labels, a reranker has one", m.Info().Name, n)
	}
	return &Reranker{m: m}, nil
}

// Name implements rag.Reranker.
func (r *Reranker) Name() string { return r.m.Info().Name }

// Rerank implements rag.Reranker: scores lie between 0 and 1. Pairs longer
// than the model's limit are cut at the longer text.
func (r *Reranker) Rerank(ctx context.Context, query string, passages []string) ([]float32, error) {
	logits, err := r.m.Score(ctx, query, passages)
	if err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	scores := make([]float32, len(logits))
	for i, l := range logits {
		scores[i] = float32(1 / (1 + math.Exp(-float64(l[0]))))
	}
	return scores, nil
}
