package local

import (
	"testing"

	"github.com/quarry-search/quarry/internal/model"
	"github.com/quarry-search/quarry/internal/provider/providertest"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestReranker(t *testing.T) {
	m, err := model.Open("../../model/testdata/arch/bert-reranker")
	if err != nil {
		t.Fatal(err)
	}
	providertest.Reranker(t, func(t *testing.T) rag.Reranker {
		r, err := NewReranker(m)
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
	if _, err := New(m).Embed(t.Context(), rag.EmbedQuery, []string{"x"}); err == nil {
		t.Error("a reranker embeds")
	}
	builtin, err := model.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewReranker(builtin); err == nil {
		t.Error("an encoder reranks")
	}
	if _, err := builtin.Score(t.Context(), "q", []string{"p"}); err == nil {
		t.Error("an encoder scores pairs")
	}
}
