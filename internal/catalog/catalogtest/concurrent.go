package catalogtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/quarry-search/quarry/internal/rag"
)

// testConcurrentWriters lets writers, some of which must fail, share whatever
// transactions the adapter makes: each stands or falls alone.
func testConcurrentWriters(t *testing.T, f *fixture) {
	f.collection("notes")
	j, err := f.CreateJob(f.ctx, rag.Job{Collection: "notes"})
	f.must(err)
	const writers, each = 8, 30
	var mu sync.Mutex
	seqs := map[uint64]bool{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				p := Doc("notes", fmt.Sprintf("%d/%d", w, i), fmt.Sprintf("Text %d.\n\nShared.", i))
				p.Job, p.Item = j.ID, p.Document.URI
				var want rag.Code
				switch i % 5 {
				case 0: // fails before it wrote anything
					p.IfSeq, want = 1<<40, rag.CodePrecondition
				case 1: // fails after
					p.Job, want = "none", rag.CodeNotFound
				}
				out, err := f.Publish(f.ctx, p)
				if rag.CodeOf(err) != want {
					t.Errorf("publish %d: %v, want code %q", i, err, want)
				}
				if err != nil {
					continue
				}
				if _, err := f.Document(f.ctx, all, out.Document.ID, 0); err != nil {
					t.Errorf("an acknowledged document: %v", err)
				}
				mu.Lock()
				if seqs[out.Seq] {
					t.Errorf("seq %d was given twice", out.Seq)
				}
				seqs[out.Seq] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	n := 0
	for _, ch := range f.changes(0) {
		if ch.Kind == rag.ChangePublished {
			n++
			if !seqs[ch.Seq] || len(ch.Chunks) != 2 {
				t.Errorf("entry %d with %d chunks was not acknowledged so", ch.Seq, len(ch.Chunks))
			}
		}
	}
	want := int64(writers * each * 3 / 5)
	got, err := f.Job(f.ctx, j.ID)
	f.must(err)
	if int64(n) != want || got.Counts.Indexed != want || got.Counts.Accepted != want {
		t.Errorf("%d entries and counts %+v, want %d", n, got.Counts, want)
	}
}

func testCanceled(t *testing.T, f *fixture) {
	f.collection("notes")
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := f.Publish(ctx, Doc("notes", "a", "One."))
	f.code(err, rag.CodeCanceled)
	_, err = f.ListDocuments(ctx, all, rag.DocumentList{Collection: "notes"})
	f.code(err, rag.CodeCanceled)
	_, err = f.WaitHead(ctx, 1<<40)
	f.code(err, rag.CodeCanceled)
	_, err = f.Document(f.ctx, all, rag.DocumentID("notes", "a"), 0)
	f.code(err, rag.CodeNotFound)
	f.put(Doc("notes", "a", "One.")) // the catalog goes on
}

func testCheck(t *testing.T, f *fixture) {
	f.collection("notes")
	out := f.put(Doc("notes", "a", "One.\n\nTwo."))
	f.put(Doc("notes", "a", "One.\n\nThree."))
	f.put(Doc("notes", "b", "Four."))
	_, err := f.DeleteDocument(f.ctx, all, rag.DocumentID("notes", "b"), 0)
	f.must(err)
	_, err = f.PutVectors(f.ctx, "model-a", []rag.Vector{{TextHash: rag.TextHash("", "One.\n\n"), Values: Unit(8, 1)}}, "embedder", out.Seq)
	f.must(err)
	_, err = f.CreateJob(f.ctx, rag.Job{})
	f.must(err)
	for _, repair := range []bool{false, true, false} {
		report, err := f.Check(f.ctx, repair)
		f.must(err)
		if len(report.Problems) != 0 {
			t.Errorf("problems %+v", report.Problems)
		}
		for what, n := range map[string]int64{"documents": 2, "versions": 3, "chunks": 5, "embeddings": 1, "jobs": 1} {
			if report.Checked[what] != n {
				t.Errorf("checked %d %s, want %d", report.Checked[what], what, n)
			}
		}
	}
}
