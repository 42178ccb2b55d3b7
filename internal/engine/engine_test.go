package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/engine/vfs"
)

var crashPoints = flag.Int("crash-points", 250, "how many crashes to try")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func known(key string) bool { return key != unheardOf }

func open(t testing.TB, fs vfs.FS) *Engine {
	t.Helper()
	e, err := Open(Options{FS: fs, KnownField: known, SmallRows: 4})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func unitVector(r *rand.Rand, dim int) []float32 {
	v := make([]float32, dim)
	var norm float64
	for i := range v {
		v[i] = float32(r.NormFloat64())
		norm += float64(v[i]) * float64(v[i])
	}
	return scale(v, norm)
}

// scale makes v, whose squared norm is given, of unit length.
func scale(v []float32, norm float64) []float32 {
	for i := range v {
		v[i] /= float32(math.Sqrt(norm))
	}
	return v
}

// TestSchedules holds the engine to the oracle under random changes mixed with
// flushes, merges, compaction and reopening.
func TestSchedules(t *testing.T) {
	for seed := range uint64(30) {
		w := newWorld(seed)
		fs := vfs.NewMemory()
		e := open(t, fs)
		for range 60 {
			for range w.r.IntN(6) {
				w.step()
			}
			must(t, w.catchUp(e))
			switch w.r.IntN(8) {
			case 0:
				must(t, e.Flush())
			case 1:
				_, err := e.mergeOne(2)
				must(t, err)
			case 2:
				must(t, e.Close())
				e = open(t, fs)
				if e.Recovered() != nil || e.Applied() != uint64(len(w.log)) {
					t.Fatalf("seed %d: reopened at %d of %d: %v", seed, e.Applied(), len(w.log), e.Recovered())
				}
			case 3:
				if w.r.IntN(4) == 0 {
					must(t, e.Compact(context.Background()))
				}
			}
			if diff := w.check(e); diff != "" {
				t.Fatalf("seed %d, after %d changes: %s", seed, len(w.log), diff)
			}
		}
		if n, problems := e.Check(context.Background()); len(problems) > 0 || n == 0 {
			t.Fatalf("seed %d: %d segments, problems %v", seed, n, problems)
		}
		must(t, e.Close())
	}
}

// TestCrashes cuts the power at every operation on the file system in turn,
// reopens what a crash leaves, reads the log on and compares.
func TestCrashes(t *testing.T) {
	const operations = 160 // about as many as a schedule makes
	for point := range *crashPoints {
		w := newWorld(uint64(point))
		fs := vfs.NewMemory()
		e := open(t, fs)
		fs.FailAt(1+point%operations, 0)
		durable := uint64(0)
		for range 40 {
			for range w.r.IntN(6) {
				w.step()
			}
			must(t, w.catchUp(e))
			if w.r.IntN(4) == 0 {
				_, err := e.mergeOne(2)
				must(t, err)
			}
			if w.r.IntN(3) == 0 {
				if e.Flush() != nil {
					break
				}
				durable = e.Applied()
			}
		}
		fs = fs.Crash(w.r)
		e = open(t, fs)
		if e.Recovered() != nil || e.Applied() < durable {
			t.Fatalf("point %d: reopened at %d, durable was %d: %v", point, e.Applied(), durable, e.Recovered())
		}
		must(t, w.catchUp(e))
		if diff := w.check(e); diff != "" {
			t.Fatalf("point %d: %s", point, diff)
		}
		must(t, e.Flush())
		must(t, e.Close())
		if names, _ := fs.List(); len(names) > 24 {
			t.Fatalf("point %d: files were left behind: %v", point, names)
		}
	}
}

// TestMergeMeetsChanges merges parts of an old snapshot into a newer state: what
// died meanwhile stays dead, and a part that is gone makes it all void.
func TestMergeMeetsChanges(t *testing.T) {
	e, err := Open(Options{SmallRows: 1})
	must(t, err)
	put := func(seq uint64, id string) Change {
		return Change{Seq: seq, Kind: Put, Collection: "a", Document: Document{ID: id, Rows: []Row{{Text: "alpha"}}}}
	}
	find := func() (ids []string) {
		got, err := e.Search(context.Background(), Query{Collection: "a", Text: "alpha", Limit: 9, Scope: Scope{All: true}})
		must(t, err)
		for _, c := range got.Candidates {
			ids = append(ids, c.DocID)
		}
		return ids
	}
	must(t, e.Apply([]Change{put(1, "x"), put(2, "y"), put(3, "z"), put(4, "zz")}))
	must(t, e.Apply([]Change{put(5, "v"), put(6, "w")}))
	s := e.pin()
	parts := s.view("a").parts
	must(t, e.Apply([]Change{{Seq: 7, Kind: Delete, Collection: "a", Document: Document{ID: "y"}}}))
	must(t, e.mergeParts("a", parts))
	if got, want := fmt.Sprint(find()), "[v w x z zz]"; got != want || len(e.state.Load().view("a").parts) != 1 {
		t.Errorf("found %v in %d parts, want %v in one", got, len(e.state.Load().view("a").parts), want)
	}
	must(t, e.Apply([]Change{put(8, "new")}))
	before := e.state.Load()
	must(t, e.mergeParts("a", parts))
	if e.state.Load() != before {
		t.Error("parts that are gone were merged")
	}
	s.unpin()
	must(t, e.Close())
}

// TestFullDisk wants searching to go on while nothing can be written, Apply to
// refuse when too much has gathered, and all to be well when there is room.
func TestFullDisk(t *testing.T) {
	fs := vfs.NewMemory()
	e, err := Open(Options{FS: fs, KnownField: known, FlushBytes: 2000})
	must(t, err)
	w := newWorld(5)
	fs.FailAt(1, 0)
	var refused error
	for i := 0; i < 500 && refused == nil; i++ {
		w.step()
		refused = w.catchUp(e)
	}
	if !errors.Is(refused, ErrFlush) {
		t.Fatalf("error %v", refused)
	}
	if _, err := e.Search(context.Background(), Query{Collection: "a", Text: "alpha", Limit: 5, Scope: Scope{All: true}}); err != nil {
		t.Errorf("search on a full disk: %v", err)
	}
	fs.FailAt(0, 0)
	must(t, w.catchUp(e))
	if diff := w.check(e); diff != "" {
		t.Error(diff)
	}
	must(t, e.Close())
	if e = open(t, fs); e.Applied() != uint64(len(w.log)) {
		t.Errorf("reopened at %d of %d", e.Applied(), len(w.log))
	}
	must(t, e.Close())
}

// filled returns a flushed index on a file system, closed.
func filled(t *testing.T) (*vfs.Memory, *world) {
	t.Helper()
	w, fs := newWorld(9), vfs.NewMemory()
	e := open(t, fs)
	for range 6 {
		for range 30 {
			w.step()
		}
		must(t, w.catchUp(e))
		must(t, e.Flush())
	}
	must(t, e.Close())
	return fs, w
}

// TestDamageIsHealed damages each file in several ways: the index begins anew
// and says why, and reads the log to the same answers.
func TestDamageIsHealed(t *testing.T) {
	first, _ := filled(t)
	names, err := first.List()
	must(t, err)
	damages := map[string]func(b []byte) []byte{
		// In the first block, which never holds vectors alone.
		"flipped bit": func(b []byte) []byte { b[min(len(b)/3, 60_000)] ^= 4; return b },
		"cut":         func(b []byte) []byte { return b[:len(b)/2] },
		"emptied":     func(b []byte) []byte { return nil },
	}
	for i := range names {
		for kind, damage := range damages {
			fs, w := filled(t)
			name := nameOf(t, fs, i)
			fs.Damage(name, damage)
			healed(t, name+" "+kind, fs, w, true)
		}
		fs, w := filled(t)
		if name := nameOf(t, fs, i); name != manifestName {
			must(t, fs.Remove(name))
			healed(t, name+" removed", fs, w, true)
		}
	}
	if len(names) > 2 {
		fs, w := filled(t)
		one, other := nameOf(t, fs, 0), nameOf(t, fs, 1)
		must(t, fs.Rename(one, "x"))
		must(t, fs.Rename(other, one))
		must(t, fs.Rename("x", other))
		healed(t, "files swapped", fs, w, true)
	}
	fs, w := filled(t)
	must(t, fs.Remove(manifestName))
	healed(t, "manifest removed", fs, w, false)
}

// nameOf returns the i-th file: the numbers in the names depend on the order
// in which collections happen to be flushed.
func nameOf(t *testing.T, fs vfs.FS, i int) string {
	t.Helper()
	names, err := fs.List()
	must(t, err)
	return names[i]
}

// TestAnotherLog opens an index that has seen more than the log holds.
func TestAnotherLog(t *testing.T) {
	fs, w := filled(t)
	head := uint64(len(w.log))
	for _, head := range []uint64{head, head - 1} {
		e, err := Open(Options{FS: fs, KnownField: known, Head: &head})
		must(t, err)
		emptied := head < uint64(len(w.log))
		if (e.Recovered() != nil) != emptied || (e.Applied() == 0) != emptied {
			t.Errorf("head %d of %d: at %d, recovered %v", head, len(w.log), e.Applied(), e.Recovered())
		}
		must(t, w.catchUp(e))
		if diff := w.check(e); diff != "" {
			t.Error(diff)
		}
		must(t, e.Close())
	}
}

// TestBelonging opens an index as that of its log and model, of none in
// particular, and of others.
func TestBelonging(t *testing.T) {
	fs, w := vfs.NewMemory(), newWorld(3)
	for range 40 {
		w.step()
	}
	for _, c := range []struct {
		log, fingerprint string
		recovered        error
	}{
		{"one", "f", nil}, {"one", "f", nil}, {"", "", nil}, {"one", "f", nil},
		{"two", "f", errOtherLog}, {"two", "f", nil}, {"two", "g", ErrOtherModel}, {"two", "g", nil},
	} {
		e, err := Open(Options{FS: fs, KnownField: known, Log: c.log, Fingerprint: c.fingerprint})
		must(t, err)
		if !errors.Is(e.Recovered(), c.recovered) || c.recovered != nil && e.Applied() != 0 {
			t.Errorf("opened as of log %q, model %q: at %d, recovered %v", c.log, c.fingerprint, e.Applied(), e.Recovered())
		}
		must(t, w.catchUp(e))
		if diff := w.check(e); diff != "" {
			t.Error(diff)
		}
		must(t, e.Close())
	}
}

// TestReadOnly opens a whole and a damaged index without a change to a file.
func TestReadOnly(t *testing.T) {
	for _, damage := range []bool{false, true} {
		fs, w := filled(t)
		names, err := fs.List()
		must(t, err)
		slices.Sort(names)
		if damage {
			fs.Damage(names[len(names)-1], func(b []byte) []byte { return b[:len(b)/2] })
		}
		before := fs.Ops()
		e, err := Open(Options{FS: fs, KnownField: known, ReadOnly: true})
		must(t, err)
		if (e.Recovered() != nil) != damage {
			t.Errorf("damaged %v, recovered %v", damage, e.Recovered())
		}
		for range 20 {
			w.step()
		}
		must(t, w.catchUp(e))
		if diff := w.check(e); diff != "" {
			t.Error(diff)
		}
		must(t, e.Close())
		if fs.Ops() != before {
			t.Errorf("%d operations changed the folder", fs.Ops()-before)
		}
	}
}

func healed(t *testing.T, what string, fs vfs.FS, w *world, told bool) {
	t.Helper()
	e := open(t, fs)
	if (e.Recovered() != nil) != told || e.Applied() != 0 {
		t.Fatalf("%s: recovered %v, at %d", what, e.Recovered(), e.Applied())
	}
	must(t, w.catchUp(e))
	if diff := w.check(e); diff != "" {
		t.Fatalf("%s: %s", what, diff)
	}
	must(t, e.Close())
}

// TestDamagedVectorIsNeverReturned flips a bit among the vectors of an open
// index: those are verified only when they are read.
func TestDamagedVectorIsNeverReturned(t *testing.T) {
	fs, w := vfs.NewMemory(), newWorld(1)
	c := Change{Kind: Put, Collection: "a", Document: Document{ID: "d", Version: 1}, Vectors: map[Hash][]float32{}}
	for i := range 2000 {
		h := Hash{byte(i), byte(i >> 8)}
		c.Document.Rows = append(c.Document.Rows, Row{Ordinal: i, Hash: h, Text: "alpha"})
		c.Vectors[h] = testVector(uint64(i))
	}
	w.add(c)
	e := open(t, fs)
	must(t, w.catchUp(e))
	must(t, e.Flush())
	must(t, e.Close())
	names, err := fs.List()
	must(t, err)
	for _, name := range names {
		fs.Damage(name, func(b []byte) []byte {
			if len(b) > 300_000 {
				b[len(b)-200_000] ^= 1
			}
			return b
		})
	}
	e = open(t, fs)
	must(t, e.Recovered())
	if _, problems := e.Check(context.Background()); len(problems) != 1 {
		t.Errorf("Check found %v", problems)
	}
	_, err = e.Search(context.Background(), Query{Collection: "a", Vector: testVector(3), Limit: 5, Exact: true, Scope: Scope{All: true}})
	var damage *segment.DamageError
	if !errors.As(err, &damage) {
		t.Fatalf("error %v", err)
	}
	must(t, e.Close())
	healed(t, "a damaged vector", fs, w, false)
}

// TestConcurrently searches while another goroutine applies, and Run flushes
// and merges; every answer must fit one point of the log.
func TestConcurrently(t *testing.T) {
	e, err := Open(Options{FS: vfs.NewMemory(), KnownField: known, FlushBytes: 20_000, SmallRows: 16, FlushEvery: 5 * time.Millisecond})
	must(t, err)
	must(t, e.Apply([]Change{{Seq: 1, Kind: Create, Collection: "a"}}))
	ctx, cancel := context.WithCancel(context.Background())
	var background, readers sync.WaitGroup
	background.Go(func() { e.Run(ctx, func(err error) { t.Error(err) }) })
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				got, err := e.Search(context.Background(), Query{Collection: "a", Text: "alpha", Vector: testVector(1), Limit: 3, Scope: Scope{All: true}})
				if entries := int(got.Seq) - 1; err != nil || got.Allowed != entries-2*(entries/4) {
					t.Errorf("%d documents at seq %d: %v", got.Allowed, got.Seq, err)
					return
				}
			}
		})
	}
	for i := range 300 {
		h := Hash{byte(i), byte(i >> 8)}
		c := Change{
			Seq: uint64(i + 2), Kind: Put, Collection: "a", Vectors: map[Hash][]float32{h: testVector(uint64(i))},
			Document: Document{ID: fmt.Sprint(i), Rows: []Row{{Hash: h, Text: "alpha " + fmt.Sprint(i)}}},
		}
		if i%4 == 3 { // one in four takes away a document that was there a while
			c = Change{Seq: c.Seq, Kind: Delete, Collection: "a", Document: Document{ID: fmt.Sprint(i - 35)}}
			if i < 35 {
				c.Document.ID = fmt.Sprint(i - 2)
			}
		}
		must(t, e.Apply([]Change{c}))
	}
	cancel()
	readers.Wait()
	background.Wait()
	must(t, e.Close())
	if _, err := e.Search(context.Background(), Query{Collection: "a"}); !errors.Is(err, ErrClosed) {
		t.Errorf("search after close: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
