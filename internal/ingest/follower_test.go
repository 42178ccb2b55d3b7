package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// index remembers what it was given.
type index struct {
	mu      sync.Mutex
	applied uint64
	vectors map[rag.Hash]int
	order   []uint64
	refuse  uint64 // entry that cannot be applied
}

func (x *index) Applied() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.applied
}

func (x *index) Apply(_ context.Context, changes []rag.IndexChange) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range changes {
		if c.Seq == x.refuse {
			return errors.New("refused")
		}
	}
	for _, c := range changes {
		if c.Settings != nil && c.Settings.Fingerprint != "fake" {
			return errors.New("a foreign fingerprint")
		}
		x.applied = c.Seq
		x.order = append(x.order, c.Seq)
		for h := range c.Vectors {
			x.vectors[h]++
		}
	}
	return nil
}

// followers runs an embedder and an indexer until stop.
func (b *bench) followers(x *index) (fresh Freshness, stop func()) {
	fresh = Freshness{
		Log:      b.catalog,
		Embedder: NewEmbedder(b.catalog, b.catalog, b.model, b.observe()),
		Indexer:  NewIndexer(b.catalog, b.catalog, x, "fake", b.observe()),
	}
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = fresh.Embedder.Run(ctx) })
	all.Go(func() { _ = fresh.Indexer.Run(ctx) })
	stop = func() { cancel(); all.Wait() }
	b.Cleanup(stop)
	return fresh, stop
}

func (b *bench) wait(f func(context.Context, uint64) error, seq uint64) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	if err := f(ctx, seq); err != nil {
		b.Fatal(err)
	}
}

func TestFollowers(t *testing.T) {
	b := newBench(t)
	x := &index{vectors: map[rag.Hash]int{}}
	for i := range 300 {
		b.put(fmt.Sprintf("u:%d", i), fmt.Sprintf("Text number %d.", i%200))
	}
	fresh, stop := b.followers(x)
	seq := b.put("u:last", "The last text.").Seq
	b.wait(fresh.WaitApplied, seq)
	b.wait(fresh.WaitVectors, seq)
	if len(x.vectors) != 201 {
		t.Errorf("%d texts have vectors", len(x.vectors))
	}
	for text, n := range b.model.counts {
		if n != 1 {
			t.Errorf("%q was embedded %d times", text, n)
		}
	}
	stop()
	for i, seq := range x.order {
		if seq != uint64(i+1) {
			t.Fatalf("entry %d came at place %d", seq, i)
		}
	}
	if _, err := fresh.Indexer.Lag(t.Context()); err != nil {
		t.Error(err)
	}

	// An index that starts again gets each vector once, with its text.
	again := &index{vectors: map[rag.Hash]int{}}
	fresh, stop = b.followers(again)
	b.wait(fresh.WaitVectors, seq)
	stop()
	if len(again.vectors) != 201 {
		t.Errorf("%d texts have vectors after a restart", len(again.vectors))
	}
	if b.model.counts["The last text."] != 1 {
		t.Error("a restart embedded a text again")
	}
}

func TestPoisonedText(t *testing.T) {
	b := newBench(t)
	for i := range 40 {
		b.put(fmt.Sprintf("u:%d", i), fmt.Sprintf("Text number %d.", i))
	}
	bad := b.put("u:bad", "This is poison.").Seq
	b.put("u:bad2", "More poison.")
	seq := b.put("u:good", "This is good.").Seq
	x := &index{vectors: map[rag.Hash]int{}}
	fresh, stop := b.followers(x)
	b.wait(fresh.WaitVectors, seq)
	if len(x.vectors) != 41 {
		t.Errorf("%d texts have vectors", len(x.vectors))
	}
	if lag, err := fresh.Embedder.Lag(t.Context()); err != nil || lag.Poison != 2 || !b.saw("embedder poison") {
		t.Errorf("lag %+v, %v, events %q", lag, err, b.events)
	}
	stop()
	if cursor, err := b.catalog.Cursor(t.Context(), EmbedderName); err != nil || cursor >= bad {
		t.Errorf("the cursor %d has passed the poisoned change %d, %v", cursor, bad, err)
	}
	b.model.set(func(m *model) { m.cured = true })
	x = &index{vectors: map[rag.Hash]int{}}
	fresh, _ = b.followers(x)
	b.wait(fresh.WaitVectors, seq)
	if len(x.vectors) != 43 {
		t.Errorf("after the cure %d texts have vectors", len(x.vectors))
	}
}

func TestModelOutage(t *testing.T) {
	b := newBench(t)
	b.model.set(func(m *model) { m.down = true })
	x := &index{vectors: map[rag.Hash]int{}}
	fresh, _ := b.followers(x)
	seq := b.put("u:a", "A text.").Seq
	b.wait(fresh.WaitApplied, seq) // words do not wait for meaning
	for !b.saw("embedder transient") {
		time.Sleep(time.Millisecond)
	}
	b.model.set(func(m *model) { m.down = false })
	b.wait(fresh.WaitVectors, seq)
	if lag, err := fresh.Embedder.Lag(t.Context()); err != nil || lag.Poison != 0 {
		t.Errorf("an outage was taken for poison: %+v, %v", lag, err)
	}
}

func TestIndexNeverSkips(t *testing.T) {
	b := newBench(t)
	first := b.put("u:a", "A text.").Seq
	bad := b.put("u:b", "B text.").Seq
	last := b.put("u:c", "C text.").Seq
	x := &index{vectors: map[rag.Hash]int{}, refuse: bad}
	fresh, _ := b.followers(x)
	b.wait(fresh.WaitApplied, first)
	for !b.saw("index poison") {
		time.Sleep(time.Millisecond)
	}
	if at := x.Applied(); at != first {
		t.Errorf("applied %d, the refused entry is %d", at, bad)
	}
	x.mu.Lock()
	x.refuse = 0
	x.mu.Unlock()
	b.wait(fresh.WaitApplied, last)
}
