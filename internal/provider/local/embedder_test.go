package local

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/provider/providertest"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEmbedder(t *testing.T) {
	providertest.Embedder(t, func(t *testing.T) rag.Embedder {
		e, err := Builtin()
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
