package model

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTokensEmbedAsTheirText(t *testing.T) {
	m, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	const text = "how do I restore a backup of the catalog"
	all := m.tok.Encode(text, 256)
	before, after := m.special()
	ids := all[len(before) : len(all)-len(after)]
	if len(ids) != m.CountTokens(text) {
		t.Fatalf("%d ids of %d tokens", len(ids), m.CountTokens(text))
	}
	want, err := m.Embed(t.Context(), Passage, []string{text})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.EmbedTokens(t.Context(), Passage, [][]int32{ids})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	long := make([]int32, 10*m.Info().MaxTokens)
	for i := range long {
		long[i] = ids[i%len(ids)]
	}
	if _, err := m.EmbedTokens(t.Context(), Passage, [][]int32{long}); err != nil {
		t.Errorf("a long text: %v", err)
	}
	for _, id := range []int32{-1, int32(m.spec.Vocabulary)} {
		if _, err := m.EmbedTokens(t.Context(), Passage, [][]int32{ids, {id}}); !errors.Is(err, ErrToken) {
			t.Errorf("id %d: error %v", id, err)
		}
	}
	if n := m.TextTokens(Passage); n != m.Info().MaxTokens-2 {
		t.Errorf("%d tokens of a text are read", n)
	}
}
