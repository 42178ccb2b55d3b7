package local_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/index/indextest"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHistory(t *testing.T) {
	indextest.RunHistory(t, func(t *testing.T) rag.Index {
		index, err := local.OpenWithHistory()
		if err != nil {
			t.Fatal(err)
		}
		return index
	})
}

func TestConformance(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (*local.Index, error){
		"memory": func(*testing.T) (*local.Index, error) { return local.Open() },
		"folder": func(t *testing.T) (*local.Index, error) { return local.OpenDir(t.TempDir(), local.Log{}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			indextest.Run(t, func(t *testing.T) rag.Index {
				index, err := open(t)
				if err != nil {
					t.Fatal(err)
				}
				return index
			})
		})
	}
}
