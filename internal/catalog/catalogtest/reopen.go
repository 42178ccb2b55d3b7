package catalogtest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

// RunReopen tests what survives a restart. at is called once and returns a
// function that opens the same catalog each time: empty at first, later as it
// was closed.
func RunReopen(t *testing.T, at func(t *testing.T) (open func() rag.Catalog)) {
	open := at(t)
	f := &fixture{t: t, ctx: t.Context(), Catalog: open()}
	f.collection("notes")
	p := Doc("notes", "a", "One.\n\nTwo.")
	first := f.put(p)
	f.put(Doc("notes", "b", "Three."))
	_, err := f.DeleteDocument(f.ctx, all, rag.DocumentID("notes", "b"), 0)
	f.must(err)
	vectors := []rag.Vector{{TextHash: p.Chunks[0].TextHash, Values: Unit(8, 3)}}
	seq, err := f.PutVectors(f.ctx, "model-a", vectors, "embedder", first.Seq)
	f.must(err)
	j, err := f.CreateJob(f.ctx, rag.Job{Collection: "notes", Source: "folder"})
	f.must(err)
	f.must(f.AddJobItems(f.ctx, j.ID, []string{"a", "b", "c"}))
	f.must(f.FinishJobItem(f.ctx, j.ID, rag.JobItem{Item: "b", Result: rag.Failed, Reason: rag.ReasonParse}, 3))
	_, _, err = f.BeginKey(f.ctx, "done", rag.Hash{1})
	f.must(err)
	f.must(f.EndKey(f.ctx, "done", 200, []byte("x")))

	for round := range 3 {
		before := f.changes(0)
		f.must(f.Close())
		_, err := f.Head(f.ctx)
		_, writeErr := f.SetAccess(f.ctx, first.Document.ID, nil, 0)
		_, readErr := f.Document(f.ctx, all, first.Document.ID, 0)
		if err == nil && (rag.CodeOf(writeErr) != rag.CodeUnavailable || rag.CodeOf(readErr) != rag.CodeUnavailable) {
			t.Errorf("a closed catalog wrote (%v) and read (%v)", writeErr, readErr)
		}
		f.Catalog = open()
		if diff := cmp.Diff(before, f.changes(0)); diff != "" {
			t.Fatalf("the log after a restart (-before +after):\n%s", diff)
		}
		if head, err := f.Head(f.ctx); err != nil || head != seq {
			t.Errorf("head %d, %v; want %d", head, err, seq)
		}
		f.survivors(j, first, vectors)
		out := f.put(Doc("notes", fmt.Sprint("new", round), "New."))
		if out.Seq <= seq {
			t.Errorf("seq %d after %d", out.Seq, seq)
		}
		seq = out.Seq
		f.clean()
	}
	f.must(f.Close())
}

func (f *fixture) survivors(j rag.Job, first rag.Published, vectors []rag.Vector) {
	f.t.Helper()
	open, err := f.UnfinishedJobs(f.ctx)
	f.must(err)
	if len(open) != 1 || open[0].ID != j.ID || open[0].Counts != (rag.JobCounts{Accepted: 3, Queued: 2, Failed: 1, Bytes: 3}) {
		f.t.Errorf("unfinished jobs: %+v", open)
	}
	queued, _, err := f.JobItems(f.ctx, j.ID, rag.JobItemList{Result: rag.Queued})
	f.must(err)
	if len(queued) != 2 || queued[0].Item != "a" || queued[1].Item != "c" {
		f.t.Errorf("queued: %+v", queued)
	}
	got, err := f.Vectors(f.ctx, "model-a", []rag.Hash{vectors[0].TextHash})
	f.must(err)
	if !cmp.Equal(got[vectors[0].TextHash], vectors[0].Values) {
		f.t.Errorf("vectors: %v", got)
	}
	if cursor, err := f.Cursor(f.ctx, "embedder"); err != nil || cursor != first.Seq {
		f.t.Errorf("cursor %d, %v", cursor, err)
	}
	doc, err := f.Document(f.ctx, all, first.Document.ID, 0)
	f.must(err)
	if diff := cmp.Diff(first.Document, doc); diff != "" {
		f.t.Error(diff)
	}
	stored, ok, err := f.BeginKey(f.ctx, "done", rag.Hash{1})
	if err != nil || ok || !stored.Done || stored.Status != 200 {
		f.t.Errorf("idempotency key: %+v, %v, %v", stored, ok, err)
	}
}
