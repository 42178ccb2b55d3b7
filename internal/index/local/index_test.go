package local_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/index/indextest"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	indextest.Run(t, func(t *testing.T) rag.Index {
		index, err := local.Open()
		if err != nil {
			t.Fatal(err)
		}
		return index
	})
}
