package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/engine/vfs"
)

var crashPoints = flag.Int("crash-points", 250, "how many crashes to try")

// measureHere is what other processes take their costs from. Tests take those
// that are written down: which path is cheaper must not hang on what else the
// machine does, nor on the race detector.
var measureHere = measuredCosts

func TestMain(m *testing.M) {
	measuredCosts = func() costs { return fallbackCosts }
	goleak.VerifyTestMain(m)
}

func TestCostsAreMeasured(t *testing.T) {
	c := measureHere()
	if min(c.exact, c.bytes, c.bits, c.setup) < leastCost || c.graph != nil {
		t.Errorf("%+v", c)
	}
	if half := c.of(costDim / 2); half.exact != c.exact/2 || half.bits != c.bits/2 {
		t.Errorf("of half the dimension: %+v", half)
	}
}

func known(key string) bool { return key != unheardOf }

func open(t testing.TB, fs vfs.FS) *Engine {
	t.Helper()
	e, err := Open(Options{FS: fs, KnownField: known, SmallRows: 4})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// openKeeping opens an engine that keeps history.
func openKeeping(t testing.TB, fs vfs.FS) *Engine {
	t.Helper()
	e, err := Open(Options{FS: fs, KnownField: known, SmallRows: 4, KeepHistory: true})
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
		w.varied = true
		fs := vfs.NewMemory()
		e := openKeeping(t, fs)
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
				e = openKeeping(t, fs)
				if e.Recovered() != nil || e.Applied() != uint64(len(w.log)) {
					t.Fatalf("seed %d: reopened at %d of %d: %v", seed, e.Applied(), len(w.log), e.Recovered())
				}
			case 4:
				must(t, w.rewritePast(e))
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
		w.varied = true
		fs := vfs.NewMemory()
		e := openKeeping(t, fs)
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
		e = openKeeping(t, fs)
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
	if !errors.Is(e.Unwritten(), vfs.ErrInjected) {
		t.Errorf("while nothing can be written: %v", e.Unwritten())
	}
	if _, err := e.Search(context.Background(), Query{Collection: "a", Text: "alpha", Limit: 5, Scope: Scope{All: true}}); err != nil {
		t.Errorf("search on a full disk: %v", err)
	}
	fs.FailAt(0, 0)
	must(t, w.catchUp(e))
	must(t, e.Unwritten())
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

// TestDamageIsHealed damages each file in several ways. A damaged manifest
// makes the index begin anew; a damaged segment is named, and only what it held
// is put back while the other segments stay.
func TestDamageIsHealed(t *testing.T) {
	damages := map[string]func(b []byte) []byte{
		// In the first block, which never holds vectors alone.
		"flipped bit": func(b []byte) []byte { b[min(len(b)/3, 60_000)] ^= 4; return b },
		"cut":         func(b []byte) []byte { return b[:len(b)/2] },
		"emptied":     func(b []byte) []byte { return nil },
	}
	first, _ := filled(t)
	files := len(namesOf(t, first))
	if files < 4 {
		t.Fatalf("only %d files: nothing would show that other segments stay", files)
	}
	for i := range files {
		for kind, damage := range damages {
			fs, w := filled(t)
			name := namesOf(t, fs)[i]
			fs.Damage(name, damage)
			healed(t, name+" "+kind, fs, w, name)
		}
		fs, w := filled(t)
		name := namesOf(t, fs)[i]
		must(t, fs.Remove(name))
		if name == manifestName {
			anew(t, name+" removed", fs, w, false)
		} else {
			healed(t, name+" removed", fs, w, name)
		}
	}
	fs, w := filled(t)
	segments := namesOf(t, fs)[1:]
	must(t, fs.Rename(segments[0], "x"))
	must(t, fs.Rename(segments[1], segments[0]))
	must(t, fs.Rename("x", segments[1]))
	healed(t, "files swapped", fs, w, segments[0], segments[1])
}

// namesOf returns the files, the manifest first. The numbers in the names
// depend on the order in which collections happen to be flushed.
func namesOf(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	names, err := fs.List()
	must(t, err)
	slices.Sort(names)
	return names
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
		if e.Recovered() != nil || (len(e.Lost()) > 0) != damage {
			t.Errorf("damaged %v, lost %v, recovered %v", damage, e.Lost(), e.Recovered())
		}
		for range 20 {
			w.step()
		}
		must(t, w.catchUp(e))
		w.heal(t, e)
		if diff := w.check(e); diff != "" {
			t.Error(diff)
		}
		must(t, e.Close())
		if fs.Ops() != before {
			t.Errorf("%d operations changed the folder", fs.Ops()-before)
		}
	}
}

// anew opens an index that cannot be used and reads the whole log.
func anew(t *testing.T, what string, fs vfs.FS, w *world, told bool) {
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

// segmentsOf lists the segment files that the index uses.
func segmentsOf(e *Engine) (names []string) {
	e.state.Load().each(func(_ string, v *view) {
		for _, p := range v.parts {
			if p.file != nil {
				names = append(names, p.name())
			}
		}
	})
	slices.Sort(names)
	return names
}

// healed opens an index with damaged files: these and no others must be named
// and replaced, and in the end every answer be right.
func healed(t *testing.T, what string, fs *vfs.Memory, w *world, damaged ...string) {
	t.Helper()
	if damaged[0] == manifestName {
		anew(t, what, fs, w, true)
		return
	}
	var named []string
	before, err := fs.List()
	must(t, err)
	e, err := Open(Options{FS: fs, KnownField: known, SmallRows: 4, Damaged: func(p *Problem) { named = append(named, p.File) }})
	must(t, err)
	if e.Recovered() != nil || e.Applied() != uint64(len(w.log)) {
		t.Fatalf("%s: at %d of %d, recovered %v", what, e.Applied(), len(w.log), e.Recovered())
	}
	e.Warm(context.Background())
	if slices.Sort(named); !slices.Equal(named, damaged) {
		t.Fatalf("%s: named were %v", what, named)
	}
	for _, name := range before {
		kept := slices.Contains(segmentsOf(e), name)
		if name != manifestName && kept == slices.Contains(damaged, name) {
			t.Fatalf("%s: %s is kept: %v", what, name, kept)
		}
	}
	// What lacks is known even after a restart.
	must(t, e.Flush())
	must(t, e.Close())
	e = open(t, fs)
	if len(e.Lost()) == 0 {
		t.Fatalf("%s: the loss is forgotten", what)
	}
	restored, all := w.heal(t, e)
	if len(e.Lost()) > 0 || restored == 0 || restored >= all {
		t.Fatalf("%s: %d of %d documents were put back, lost are %v", what, restored, all, e.Lost())
	}
	if diff := w.check(e); diff != "" {
		t.Fatalf("%s: %s", what, diff)
	}
	must(t, e.Close())
	if e = open(t, fs); len(e.Lost()) > 0 {
		t.Fatalf("%s: lost %v after healing", what, e.Lost())
	}
	if diff := w.check(e); diff != "" {
		t.Fatalf("%s: %s", what, diff)
	}
	must(t, e.Close())
}

// TestDamagedVectorIsNeverReturned flips a bit among the vectors of an index
// that is open: those are verified only when they are read. The search that
// meets it goes on without the segment, and so does a merge.
func TestDamagedVectorIsNeverReturned(t *testing.T) {
	for what, meet := range map[string]func(e *Engine, q Query) error{
		"search": func(e *Engine, q Query) error { _, err := e.Search(context.Background(), q); return err },
		"merge":  func(e *Engine, _ Query) error { return e.Compact(context.Background()) },
		"check": func(e *Engine, _ Query) error {
			if _, problems := e.Check(context.Background()); len(problems) != 1 {
				t.Errorf("Check found %v", problems)
			}
			return nil
		},
		"apply": func(e *Engine, _ Query) error {
			return e.Apply([]Change{{Seq: e.Applied() + 1, Kind: SetAccess, Collection: "a", Document: Document{ID: "d", Access: []string{"x"}}}})
		},
	} {
		fs, w := vfs.NewMemory(), newWorld(0)
		for _, id := range []string{"d", "other"} {
			c := Change{Kind: Put, Collection: "a", Document: Document{ID: id, Version: 1}, Vectors: map[Hash][]float32{}}
			for i := range 2000 {
				h := Hash{byte(i), byte(i >> 8), id[0]}
				c.Document.Rows = append(c.Document.Rows, Row{Ordinal: i, Hash: h, Text: "alpha"})
				c.Vectors[h] = testVector(uint64(i))
			}
			w.add(c)
			e := open(t, fs)
			must(t, w.catchUp(e))
			must(t, e.Flush())
			must(t, e.Close())
		}
		names, err := fs.List()
		must(t, err)
		slices.Sort(names)
		fs.Damage(names[1], func(b []byte) []byte { b[len(b)-200_000] ^= 1; return b })
		var named []string
		e, err := Open(Options{FS: fs, KnownField: known, Damaged: func(p *Problem) { named = append(named, p.Error()) }})
		must(t, err)
		e.Warm(context.Background())
		if len(named) > 0 {
			t.Fatalf("%s: vectors were verified at start: %v", what, named)
		}
		q := Query{Collection: "a", Vector: testVector(3), Limit: 5000, Exact: true, Scope: Scope{All: true}}
		must(t, meet(e, q))
		if len(named) != 1 || !strings.Contains(named[0], names[1]) || !strings.Contains(named[0], "vector.floats") {
			t.Errorf("%s: named was %q", what, named)
		}
		got, err := e.Search(context.Background(), q)
		if err != nil || !got.Incomplete || got.Allowed != 2000 || slices.ContainsFunc(got.Candidates, func(c Candidate) bool { return c.DocID != "other" }) {
			t.Errorf("%s: %d rows, incomplete %v: %v", what, got.Allowed, got.Incomplete, err)
		}
		if what == "apply" {
			w.add(Change{Kind: SetAccess, Collection: "a", Document: Document{ID: "d", Access: []string{"x"}}})
		}
		w.heal(t, e)
		if got, err := e.Search(context.Background(), q); err != nil || got.Incomplete || !reflect.DeepEqual(got.Candidates, w.oracle.search(q).Candidates) {
			t.Errorf("%s: after healing incomplete %v, %v", what, got.Incomplete, err)
		}
		must(t, e.Close())
	}
}

// TestHealingMeetsChanges heals from a source that is ahead of what was
// applied, in several runs and with more damage between: when the log is
// applied to its end, all is as if nothing had happened.
func TestHealingMeetsChanges(t *testing.T) {
	for seed := range uint64(20) {
		fs, w := vfs.NewMemory(), newWorld(seed)
		w.varied = true
		e := open(t, fs)
		for range 12 {
			for range 20 {
				w.step()
			}
			must(t, w.catchUp(e))
			must(t, e.Flush())
			must(t, e.Close())
			names, err := fs.List()
			must(t, err)
			slices.Sort(names)
			if len(names) > 1 {
				fs.Damage(names[1+w.r.IntN(len(names)-1)], func(b []byte) []byte { b[w.r.IntN(len(b))] ^= 16; return b })
			}
			e = open(t, fs)
			if w.r.IntN(2) == 0 {
				e.Warm(context.Background())
			}
			for range w.r.IntN(20) {
				w.step()
			}
			if w.r.IntN(2) == 0 {
				must(t, w.catchUp(e))
			}
			w.heal(t, e)
			must(t, w.catchUp(e))
			for range 2 { // the first may be what finds the damage
				for range 10 {
					_, err := e.Search(context.Background(), Query{Collection: w.collection(), Vector: w.vector(1), Text: "alpha", Limit: 9, Exact: true, Scope: Scope{All: true}})
					must(t, err)
				}
				w.heal(t, e)
			}
			if diff := w.check(e); diff != "" {
				t.Fatalf("seed %d, after %d changes: %s", seed, len(w.log), diff)
			}
		}
		must(t, e.Close())
	}
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
