package sqlite

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/catalog/catalogtest"
	"github.com/quarry-search/quarry/internal/rag"
)

// queued runs the writes while the turn is taken, so that all of them end up
// in one batch, in order.
func queued(c *Catalog, writes ...func()) {
	c.writer.turn <- struct{}{}
	var wg sync.WaitGroup
	for i, write := range writes {
		wg.Go(write)
		for c.writer.length() <= i {
			time.Sleep(50 * time.Microsecond)
		}
	}
	<-c.writer.turn
	wg.Wait()
}

func (w *writer) length() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// A batch in which some fail commits the others, and its log has no trace of
// those that failed.
func TestBatchFailsOneByOne(t *testing.T) {
	c := openTest(t, t.TempDir())
	defer c.Close()
	if _, err := c.CreateCollection(t.Context(), rag.Collection{Name: "notes"}); err != nil {
		t.Fatal(err)
	}
	var writes []func()
	for i := range 9 {
		writes = append(writes, func() {
			p := catalogtest.Doc("notes", fmt.Sprint(i), "Text.")
			want := rag.Code("")
			if i%3 == 2 {
				p.Job, p.Item, want = "none", "x", rag.CodeNotFound
			}
			if _, err := c.Publish(t.Context(), p); rag.CodeOf(err) != want {
				t.Errorf("publish %d: %v, want code %q", i, err, want)
			}
		})
	}
	queued(c, writes...)
	changes, err := c.Changes(t.Context(), 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	head, _ := c.Head(t.Context())
	if len(changes) != 6 || head != 7 || changes[5].Seq != head {
		t.Errorf("%d entries, head %d", len(changes), head)
	}
	for i := range 9 {
		_, err := c.Document(t.Context(), rag.LabelScope([]string{"*"}), rag.DocumentID("notes", fmt.Sprint(i)), 0)
		if (err == nil) != (i%3 != 2) {
			t.Errorf("document %d: %v", i, err)
		}
	}
}

// A batch that the disk refuses commits nothing, and tells everyone.
func TestBatchDiskFull(t *testing.T) {
	c := openTest(t, t.TempDir())
	defer c.Close()
	if _, err := c.CreateCollection(t.Context(), rag.Collection{Name: "notes"}); err != nil {
		t.Fatal(err)
	}
	w := c.writer.conn.raw
	if _, err := w.ExecContext(t.Context(), "PRAGMA max_page_count=64"); err != nil {
		t.Fatal(err)
	}
	publish := func(uri, source string, want rag.Code) func() {
		return func() {
			p := catalogtest.Doc("notes", uri, "Text.")
			p.Source = []byte(source)
			if _, err := c.Publish(t.Context(), p); rag.CodeOf(err) != want {
				t.Errorf("publish %s: %v, want code %q", uri, err, want)
			}
		}
	}
	queued(c, publish("a", "small", rag.CodeUnavailable), publish("b", noise(1<<20), rag.CodeUnavailable))
	if head, _ := c.Head(t.Context()); head != 1 {
		t.Errorf("head %d", head)
	}
	queued(c, publish("a", "small", ""), publish("c", "small", ""))
	if changes, err := c.Changes(t.Context(), 1, 10); err != nil || len(changes) != 2 || changes[0].Seq != 2 {
		t.Errorf("log %+v, %v", changes, err)
	}
}

// A caller who leaves while waiting writes nothing.
func TestAbandonedWrite(t *testing.T) {
	c := openTest(t, t.TempDir())
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	queued(c,
		func() {
			if _, err := c.CreateCollection(t.Context(), rag.Collection{Name: "first"}); err != nil {
				t.Error(err)
			}
		},
		func() {
			time.AfterFunc(time.Millisecond, cancel)
			_, err := c.CreateCollection(ctx, rag.Collection{Name: "abandoned"})
			left := rag.CodeOf(err) == rag.CodeCanceled
			_, readErr := c.Collection(t.Context(), rag.LabelScope([]string{"*"}), "abandoned")
			if left == (readErr == nil) {
				t.Errorf("create said %v, read says %v", err, readErr)
			}
		},
	)
}

// Close lets the writes that wait finish, and refuses later ones.
func TestCloseFinishesWrites(t *testing.T) {
	dir := t.TempDir()
	c := openTest(t, dir)
	closed := make(chan error, 1)
	create := func(name string) func() {
		return func() {
			if _, err := c.CreateCollection(context.Background(), rag.Collection{Name: name}); err != nil {
				t.Error(err)
			}
		}
	}
	c.writer.turn <- struct{}{}
	var wg sync.WaitGroup
	for i, name := range []string{"a", "b", "c"} {
		wg.Go(create(name))
		for c.writer.length() <= i {
			time.Sleep(50 * time.Microsecond)
		}
	}
	go func() { closed <- c.Close() }()
	<-c.writer.turn
	wg.Wait()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateCollection(t.Context(), rag.Collection{Name: "d"}); rag.CodeOf(err) != rag.CodeUnavailable {
		t.Errorf("a write after Close: %v", err)
	}
	c = openTest(t, dir)
	defer c.Close()
	list, err := c.ListCollections(t.Context(), rag.LabelScope([]string{"*"}))
	if err != nil || len(list) != 3 {
		t.Errorf("collections %v, %v", list, err)
	}
}
