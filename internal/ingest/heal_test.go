package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// wounded is an index that lost some documents.
type wounded struct {
	index
	lost     map[string]uint64
	has      map[string]bool
	restored []rag.IndexChange
	failures int // of Restore, before it works
}

func (x *wounded) Lost() map[string]uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := map[string]uint64{}
	for c, n := range x.lost {
		out[c] = n
	}
	return out
}

func (x *wounded) Missing(_ string, ids []string) ([]string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return x.has[id] }), nil
}

func (x *wounded) Restore(_ context.Context, documents []rag.IndexChange) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.failures > 0 {
		x.failures--
		return errors.New("no")
	}
	for _, c := range documents {
		x.has[c.Document.ID] = true
		x.restored = append(x.restored, c)
	}
	return nil
}

func (x *wounded) Healed(collection string, n uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lost[collection] == n {
		delete(x.lost, collection)
	}
}

// stored reads the documents of a catalog.
type stored struct{ rag.Catalog }

func (s stored) Page(ctx context.Context, collection, after string, limit int) ([]rag.Document, error) {
	return s.ListDocuments(ctx, all, rag.DocumentList{Collection: collection, After: after, Limit: min(limit, 7)})
}

func (s stored) Chunks(ctx context.Context, d rag.Document) ([]rag.Chunk, error) {
	return s.DocumentChunks(ctx, all, d.ID, d.Version.Number)
}

// TestHealing runs an indexer beside an index that lost every other document:
// these come back with their vectors, in spite of an error, and no others do.
func TestHealing(t *testing.T) {
	b := newBench(t)
	x := &wounded{lost: map[string]uint64{"docs": 3, "gone": 4}, has: map[string]bool{}, failures: 1}
	x.vectors = map[rag.Hash]int{}
	want := 0
	for i := range 40 {
		d := b.put(fmt.Sprintf("u:%d", i), fmt.Sprintf("Text number %d.", i)).Document.ID
		if i%2 == 0 {
			x.has[d] = true
		} else {
			want++
		}
	}
	fresh := Freshness{Log: b.catalog, Embedder: NewEmbedder(b.catalog, b.catalog, b.model, b.observe()),
		Indexer: NewIndexer(b.catalog, b.catalog, &x.index, "fake", b.observe())}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	embedding, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- fresh.Embedder.Run(embedding) }()
	head, err := b.catalog.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b.wait(fresh.Embedder.progress.wait, head)
	stop()
	<-done
	fresh.Indexer.Heal(x, stored{b.catalog})
	if err := fresh.Indexer.HealNow(ctx); err == nil {
		t.Error("the error of Restore is not told")
	}
	if err := fresh.Indexer.HealNow(ctx); err != nil {
		t.Fatal(err)
	}
	if len(x.restored) != want || len(x.Lost()) != 0 {
		t.Errorf("%d documents came back, want %d; lost %v", len(x.restored), want, x.Lost())
	}
	for _, c := range x.restored {
		if c.Kind != rag.ChangePublished || c.Collection != "docs" || len(c.Chunks) != 1 || len(c.Vectors) != 1 {
			t.Errorf("restored %+v", c)
		}
	}
}
