package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

// apply opens the index of a stopped server and applies changes that its
// catalog knows nothing of, at the next seqs.
func apply(t *testing.T, data string, head uint64, changes ...rag.Change) {
	t.Helper()
	index, err := local.OpenDir(filepath.Join(data, "index"), local.Log{Head: head}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if index.Recovered() != nil {
		t.Fatal(index.Recovered())
	}
	list := make([]rag.IndexChange, len(changes))
	for i, c := range changes {
		c.Seq = index.Applied() + uint64(i) + 1
		if c.Seq > head {
			t.Fatalf("change %d is after the log's head %d", c.Seq, head)
		}
		list[i].Change = c
	}
	if err := index.Apply(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestIndexDiffers has an index hold other documents, access lists and values
// than the catalog, in files that are whole: fsck names each, and builds the
// index anew.
func TestIndexDiffers(t *testing.T) {
	data := kept(t, "anchor")
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(filepath.Join(data, "index"))); err != nil {
		t.Fatal(err)
	}
	s := start(t, data)
	var head uint64
	for i := range 5 {
		head = s.put(t, "more", fmt.Sprintf("late:%d", i), fmt.Sprintf("The log goes on with entry %d.\n", i)).Seq
	}
	s.stop()
	if err := os.RemoveAll(filepath.Join(data, "index")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(data, "index"), os.DirFS(old)); err != nil {
		t.Fatal(err)
	}

	id := func(i int) string { return rag.DocumentID("docs", fmt.Sprintf("anchor:%d", i)) }
	document := func(id string, version int) *rag.Document {
		return &rag.Document{ID: id, Collection: "docs", Access: []string{"*"}, Version: rag.Version{Number: version, Title: "Another"}}
	}
	apply(t, data, head,
		rag.Change{Kind: rag.ChangeAccess, Collection: "docs", Document: &rag.Document{ID: id(0), Collection: "docs", Access: []string{"user:eve"}}},
		rag.Change{Kind: rag.ChangeGone, Collection: "docs", Document: document(id(1), 1)},
		rag.Change{Kind: rag.ChangePublished, Collection: "docs", Document: document(id(2), 1)},
		rag.Change{Kind: rag.ChangePublished, Collection: "docs", Document: document(id(100), 1)},
		rag.Change{Kind: rag.ChangePublished, Collection: "docs", Document: document(id(3), 7)},
	)

	for _, repair := range []bool{false, true} {
		report := fsck(t, data, repair)
		for _, want := range []struct{ invariant, subject, detail string }{
			{"index_access", "docs/" + id(0), `the index lets in ["user:eve"], the catalog ["*"]`},
			{"index_document", "docs/" + id(1), "the index lacks it"},
			{"index_document", "docs/" + id(2), "holds 0 chunks that are not the 1"},
			{"index_field", "docs/" + id(2), ""},
			{"index_document", "docs/" + id(100), "once more than the catalog"},
			{"index_document", "docs/" + id(3), "the index holds version 7, the catalog 1"},
			{"index_document", "more/" + rag.DocumentID("more", "late:0"), "the index lacks it"},
			{"index_chunks", "docs", ""},
		} {
			if !slices.ContainsFunc(report.Problems, func(p rag.Problem) bool {
				return p.Invariant == want.invariant && p.Subject == want.subject && strings.Contains(p.Detail, want.detail) && p.Repaired == repair
			}) {
				t.Errorf("repair %v: no problem %+v", repair, want)
			}
		}
		if t.Failed() {
			t.Fatalf("problems %+v", report.Problems)
		}
	}
	if report := fsck(t, data, false); len(report.Problems) != 0 || report.Checked["index_documents"] != 16 {
		t.Errorf("after repair: %+v", report)
	}
	findsAll(t, start(t, data), "anchor")
}
