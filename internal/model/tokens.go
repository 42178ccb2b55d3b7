package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrToken says that a token id is not in the model's vocabulary.
var ErrToken = errors.New("a token id is outside of the vocabulary")

// EmbedTokens is Embed for texts that are token ids of this model already,
// without special tokens, which are put around them. No prompt goes before
// them. Error: ErrToken.
func (m *Model) EmbedTokens(ctx context.Context, role Role, texts [][]int32) ([][]float32, error) {
	if m.head != nil {
		return nil, fmt.Errorf("embed: %s is a reranker, not an encoder", m.spec.Name)
	}
	for i, ids := range texts {
		for _, id := range ids {
			if id < 0 || int(id) >= m.spec.Vocabulary {
				return nil, fmt.Errorf("embed text %d: %w of %d", i+1, ErrToken, m.spec.Vocabulary)
			}
		}
	}
	before, after := m.special()
	return m.run(ctx, role, len(texts), func(i int) sequence {
		room := max(0, m.spec.MaxTokens-len(before)-len(after))
		ids := texts[i][:min(len(texts[i]), room)]
		return sequence{ids: slices.Concat(before, ids, after)}
	})
}

// TextTokens is how many tokens of a text's own are read in a role: MaxTokens
// without special tokens and prompt.
func (m *Model) TextTokens(role Role) int {
	return m.spec.MaxTokens - len(m.encode(role, ""))
}

// special returns the ids that the tokenizer puts before and after a text: of
// the ids of the empty text, those with which another text begins too stand
// before.
func (m *Model) special() (before, after []int32) {
	none, some := m.tok.Encode("", m.spec.MaxTokens), m.tok.Encode("a", m.spec.MaxTokens)
	n := 0
	for n < len(none) && none[n] == some[n] {
		n++
	}
	return none[:n], none[n:]
}
