package local

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/quarry-search/quarry/internal/model"
	"github.com/quarry-search/quarry/internal/rag"
)

// TextTokens is how many tokens of a passage are read: MaxTokens without
// special tokens and prompt.
func (e *Embedder) TextTokens() int { return e.m.TextTokens(model.Passage) }

// Matryoshka reports whether vectors may be cut at all.
func (e *Embedder) Matryoshka() bool { return e.m.Info().Matryoshka != nil }

// Truncate returns the first dim elements of a vector, at unit length, as the
// model was trained for. Errors: CodeInvalid for a length that it was not
// trained for.
func (e *Embedder) Truncate(v []float32, dim int) ([]float32, error) {
	if err := e.m.CanTruncate(dim); err != nil {
		return nil, &rag.Error{Code: rag.CodeInvalid, Field: "/dimensions", Err: err, Message: err.Error()}
	}
	return e.m.Truncate(v, dim), nil
}

// EmbedTokens is Embed for texts that are token ids of the model's own
// tokenizer, without special tokens. Errors: CodeInvalid for an id outside of
// the vocabulary.
func (e *Embedder) EmbedTokens(ctx context.Context, role rag.EmbedRole, texts [][]int) ([][]float32, error) {
	r, err := roleOf(role)
	if err != nil {
		return nil, err
	}
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		ids[i] = make([]int32, len(text))
		for j, id := range text {
			ids[i][j] = int32(min(max(id, -1), math.MaxInt32)) // out of range stays out of range
		}
	}
	vectors, err := e.m.EmbedTokens(ctx, r, ids)
	if errors.Is(err, model.ErrToken) {
		return nil, &rag.Error{Code: rag.CodeInvalid, Field: "/input", Err: err,
			Message: fmt.Sprintf("a token id is outside of the vocabulary of %s", e.Name())}
	}
	return vectors, err
}
