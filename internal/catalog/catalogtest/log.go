package catalogtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

func testLog(t *testing.T, f *fixture) {
	if head, err := f.Head(f.ctx); err != nil || head != 0 {
		t.Errorf("an empty catalog has head %d, %v", head, err)
	}
	if changes := f.changes(0); len(changes) != 0 {
		t.Errorf("an empty catalog has changes %v", changes)
	}
	created := f.collection("notes")
	p := Doc("notes", "a", paragraphs(3, "First"))
	out := f.put(p)
	vectors, err := f.PutVectors(f.ctx, "model-a", []rag.Vector{{TextHash: p.Chunks[0].TextHash, Values: Unit(8, 1)}}, "embedder", out.Seq)
	f.must(err)
	changes := f.changes(0)
	kinds := []rag.ChangeKind{rag.ChangeCreated, rag.ChangePublished, rag.ChangeVectors}
	seqs := []uint64{created.Seq, out.Seq, vectors}
	if len(changes) != len(kinds) {
		t.Fatalf("log: %+v", changes)
	}
	for i, ch := range changes {
		if ch.Kind != kinds[i] || ch.Seq != seqs[i] || ch.Time.IsZero() {
			t.Errorf("entry %d: %+v, want %s at %d", i, ch, kinds[i], seqs[i])
		}
	}
	published := changes[1]
	if published.Superseded || published.Collection != "notes" {
		t.Errorf("published: %+v", published)
	}
	if diff := cmp.Diff(out.Document, *published.Document); diff != "" {
		t.Error(diff)
	}
	want, err := f.DocumentChunks(f.ctx, all, out.Document.ID, 1)
	f.must(err)
	if diff := cmp.Diff(want, published.Chunks); diff != "" {
		t.Error(diff)
	}
	if changes[2].Fingerprint != "model-a" || !cmp.Equal(changes[2].TextHashes, hashes(p.Chunks[:1])) || changes[2].Collection != "" {
		t.Errorf("vectors: %+v", changes[2])
	}
	if head, _ := f.Head(f.ctx); head != vectors {
		t.Errorf("head %d, last entry %d", head, vectors)
	}
}

func testLogSuperseded(t *testing.T, f *fixture) {
	f.collection("notes")
	first := f.put(Doc("notes", "a", "One."))
	second := f.put(Doc("notes", "a", "Two."))
	gone := f.put(Doc("notes", "b", "Three."))
	_, err := f.DeleteDocument(f.ctx, all, gone.Document.ID, 0)
	f.must(err)
	for _, ch := range f.changes(0) {
		if ch.Kind != rag.ChangePublished {
			continue
		}
		live := ch.Seq == second.Seq
		if ch.Superseded == live || (len(ch.Chunks) > 0) != live || ch.Document == nil {
			t.Errorf("entry %d: superseded %v with %d chunks", ch.Seq, ch.Superseded, len(ch.Chunks))
		}
		if ch.Seq == first.Seq && (ch.Document.ID != first.Document.ID || ch.Document.Version.Number != 1) {
			t.Errorf("a superseded entry names %+v", ch.Document)
		}
	}
}

func testLogBatches(t *testing.T, f *fixture) {
	f.collection("notes")
	var want []uint64
	for i := range 5 {
		text := fmt.Sprintf("%d\n\n", i) + strings.Repeat("All work and no play makes a dull text.\n", 100_000)
		want = append(want, f.put(Doc("notes", fmt.Sprint(i), text)).Seq)
	}
	var got []uint64
	batches := 0
	for after := want[0] - 1; ; batches++ {
		changes, err := f.Changes(f.ctx, after, 100)
		f.must(err)
		if len(changes) == 0 {
			break
		}
		for _, ch := range changes {
			got = append(got, ch.Seq)
			after = ch.Seq
		}
	}
	if !cmp.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	if batches < 2 {
		t.Errorf("20 MB of text came in %d batch", batches)
	}
}

func testWaitHead(t *testing.T, f *fixture) {
	f.collection("notes")
	head, err := f.Head(f.ctx)
	f.must(err)
	if got, err := f.WaitHead(f.ctx, head-1); err != nil || got != head {
		t.Errorf("waited for what was there: %d, %v", got, err)
	}
	type result struct {
		seq uint64
		err error
	}
	woken := make(chan result)
	for range 3 {
		go func() {
			seq, err := f.WaitHead(f.ctx, head)
			woken <- result{seq, err}
		}()
	}
	out := f.put(Doc("notes", "a", "One."))
	for range 3 {
		if r := <-woken; r.err != nil || r.seq != out.Seq {
			t.Errorf("woken with %d, %v; want %d", r.seq, r.err, out.Seq)
		}
	}
	ctx, cancel := context.WithTimeout(f.ctx, 10*time.Millisecond)
	defer cancel()
	_, err = f.WaitHead(ctx, out.Seq)
	f.code(err, rag.CodeTimeout)
}

func testCursors(t *testing.T, f *fixture) {
	f.collection("a")
	f.collection("b")
	for _, want := range []uint64{0, 2, 1} {
		if want > 0 {
			f.must(f.SetCursor(f.ctx, "index", want))
		}
		if got, err := f.Cursor(f.ctx, "index"); err != nil || got != want {
			t.Errorf("cursor %d, %v; want %d", got, err, want)
		}
	}
	if got, err := f.Cursor(f.ctx, "another"); err != nil || got != 0 {
		t.Errorf("an unknown follower is at %d, %v", got, err)
	}
}
