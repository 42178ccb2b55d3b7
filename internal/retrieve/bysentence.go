package retrieve

import (
	"context"
	"fmt"

	"github.com/quarry-search/quarry/internal/chunk"
	"github.com/quarry-search/quarry/internal/rag"
)

// BySentence is a rag.Reranker without a cross-encoder: the relevance of a
// passage is the cosine between the query and its best sentence, of the first
// maxSentences. A passage without a sentence scores 0.
type BySentence struct {
	embedder Embedder
	vectors  *SentenceVectors
}

var _ rag.Reranker = (*BySentence)(nil)

// NewBySentence returns a reranker over a model and its cache of sentences.
func NewBySentence(e Embedder, v *SentenceVectors) *BySentence { return &BySentence{e, v} }

// Name implements rag.Reranker.
func (*BySentence) Name() string { return string(rag.RerankSentences) }

// Rerank implements rag.Reranker.
func (b *BySentence) Rerank(ctx context.Context, query string, passages []string) ([]float32, error) {
	scores := make([]float32, len(passages))
	if len(passages) == 0 {
		return scores, ctx.Err()
	}
	queries, err := b.embedder.Embed(ctx, rag.EmbedQuery, []string{query})
	if err != nil {
		return nil, fmt.Errorf("embed query: %w", err)
	}
	if len(queries) != 1 {
		return nil, fmt.Errorf("embed query: %d vectors for one text", len(queries))
	}
	sentences, owner := sentencesOf(passages)
	vectors, err := b.vectors.Vectors(ctx, sentences)
	if err != nil {
		return nil, err
	}
	seen := make([]bool, len(passages))
	for i, v := range vectors {
		at, c := owner[i], float32(dot(queries[0], v))
		if !seen[at] || c > scores[at] {
			seen[at], scores[at] = true, c
		}
	}
	return scores, nil
}

// sentencesOf cuts texts into their sentences, and says whose each is.
func sentencesOf(texts []string) (sentences []string, owner []int) {
	for i, text := range texts {
		spans := chunk.Sentences(text)
		for _, s := range spans[:min(len(spans), maxSentences)] {
			sentences = append(sentences, text[s[0]:s[1]])
			owner = append(owner, i)
		}
	}
	return sentences, owner
}
