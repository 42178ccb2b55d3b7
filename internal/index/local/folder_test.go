package local_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

// document is the change that published document number seq, of one chunk.
func document(seq uint64) rag.IndexChange {
	id := rag.DocumentID("c", string(rune('a'+seq)))
	text := strings.Repeat("alpha ", int(seq))
	return rag.IndexChange{Change: rag.Change{
		Seq: seq, Kind: rag.ChangePublished, Collection: "c",
		Document: &rag.Document{ID: id, Collection: "c", Version: rag.Version{Number: 1}},
		Chunks:   []rag.Chunk{{Key: rag.ChunkKey{DocumentID: id, Version: 1}, TextHash: rag.TextHash("", text), Text: text}},
	}}
}

// publish applies n documents, with seqs after the index's.
func publish(t *testing.T, index *local.Index, n int) {
	t.Helper()
	for range n {
		if err := index.Apply(context.Background(), []rag.IndexChange{document(index.Applied() + 1)}); err != nil {
			t.Fatal(err)
		}
	}
}

// restore heals an index that should hold n documents.
func restore(t *testing.T, index *local.Index, n int) {
	t.Helper()
	changes, ids := []rag.IndexChange{}, []string{}
	for seq := range n {
		changes = append(changes, document(uint64(seq+1)))
		ids = append(ids, changes[seq].Document.ID)
	}
	missing, err := index.Missing("c", ids)
	if err != nil || len(missing) != n {
		t.Errorf("missing %d of %d: %v", len(missing), n, err)
	}
	if err := index.Restore(context.Background(), changes); err != nil {
		t.Fatal(err)
	}
	index.Healed("c", index.Lost()["c"])
}

func found(t *testing.T, index *local.Index) int {
	t.Helper()
	got, err := index.Search(context.Background(), rag.SystemScope("test"), rag.LegQuery{Collection: "c", Text: "alpha", Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(got.Candidates)
}

func openDir(t *testing.T, dir string, head uint64) *local.Index {
	t.Helper()
	index, err := local.OpenDir(dir, local.Log{ID: "test", Head: head}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// TestFolder walks an index on a real disk through its life: run, close, open,
// compact, check, and damage.
func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	index := openDir(t, dir, 0)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		index.Run(ctx, func(err error) { t.Error(err) })
	}()
	publish(t, index, 20)
	cancel()
	<-done
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}

	index = openDir(t, dir, 20)
	if index.Recovered() != nil || index.Applied() != 20 || found(t, index) != 20 {
		t.Fatalf("reopened at %d with %d documents: %v", index.Applied(), found(t, index), index.Recovered())
	}
	publish(t, index, 5)
	if err := index.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	report, err := index.Check(context.Background())
	if err != nil || len(report.Problems) > 0 || report.Checked["segments"] != 1 {
		t.Fatalf("check: %+v, %v", report, err)
	}
	if stats, err := index.Stats(context.Background(), "c"); err != nil || stats.Segments != 1 || stats.DiskBytes == 0 || stats.Chunks != 25 {
		t.Errorf("stats %+v, %v", stats, err)
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}

	damageOne(t, dir)
	index = openDir(t, dir, 25)
	if got := found(t, index); got != 0 || index.Applied() != 25 || index.Lost()["c"] == 0 {
		t.Errorf("after damage: %d documents at %d, lost %v", got, index.Applied(), index.Lost())
	}
	restore(t, index, 25)
	if got := found(t, index); got != 25 || len(index.Lost()) > 0 {
		t.Errorf("%d documents after healing, lost %v", got, index.Lost())
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = index.Search(context.Background(), rag.SystemScope("test"), rag.LegQuery{Collection: "c", Text: "alpha", Limit: 1})
	if rag.CodeOf(err) != rag.CodeUnavailable {
		t.Errorf("search after close: %v", err)
	}
}

// damageOne flips a bit in the middle of a segment.
func damageOne(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "seg-*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("segments %v, %v", names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 8
	if err := os.WriteFile(names[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
}
