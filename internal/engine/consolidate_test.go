package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/engine/vfs"
	"github.com/quarry-search/quarry/internal/filter"
)

// TestLargePartsBecomeOne adds a second large part to one that has a graph,
// and wants one part with one graph, in which everything is found and what was
// deleted meanwhile is not.
func TestLargePartsBecomeOne(t *testing.T) {
	for _, fs := range []vfs.FS{nil, vfs.NewMemory()} {
		if fs == nil && testing.Short() {
			continue
		}
		e, vectors := withGraph(t, fs)
		r := rand.New(rand.NewPCG(9, 9))
		seq := e.Applied()
		var changes []Change
		for i := range graphTestLeast {
			seq++
			id, h := fmt.Sprint("more", i), Hash{byte(i), byte(i >> 8), 1}
			vectors[id] = unitVector(r, testDim)
			changes = append(changes, Change{
				Seq: seq, Kind: Put, Collection: "a", Vectors: map[Hash][]float32{h: vectors[id]},
				Document: Document{ID: id, Fields: map[string]filter.Value{"n": filter.NumberOf(1)}, Rows: []Row{{Hash: h, Text: "text"}}},
			})
		}
		must(t, e.Apply(changes))
		for i := range 500 {
			seq++
			id := fmt.Sprint("doc", 7*i)
			delete(vectors, id)
			must(t, e.Apply([]Change{{Seq: seq, Kind: Delete, Collection: "a", Document: Document{ID: id}}}))
		}
		must(t, e.Flush())
		before := e.state.Load().view("a").parts[0].graph
		merged, err := e.consolidateOne(context.Background())
		if must(t, err); !merged {
			t.Fatal("two large parts were left alone")
		}
		must(t, e.Flush())
		if again, err := e.consolidateOne(context.Background()); again || err != nil {
			t.Fatalf("one large part was merged: %v, %v", again, err)
		}
		stats, err := e.Stats("a")
		must(t, err)
		if want := int64(len(vectors)); stats.Segments != 1 || stats.GraphRows != want || stats.Rows != want {
			t.Fatalf("%+v, want one segment of %d rows with its graph", stats, want)
		}
		if e.state.Load().view("a").parts[0].graph == before {
			t.Fatal("the graph is still the one of fewer rows")
		}
		found := foundThemselves(t, e, vectors)
		if found < 0.99 {
			t.Errorf("%.3f of the rows are nearest to themselves", found)
		}
		if got := recall(t, e, filter.Filter{}, PathGraph); got < 0.9 {
			t.Errorf("recall %.3f", got)
		}
		must(t, e.Close())
		if fs == nil {
			continue
		}
		e, err = Open(Options{FS: fs, KnownField: known, GraphRows: graphTestLeast})
		must(t, err)
		e.costs = graphTestCosts
		e.Warm(context.Background())
		if got := recall(t, e, filter.Filter{}, PathGraph); got < 0.9 {
			t.Errorf("reopened: recall %.3f", got)
		}
		must(t, e.Close())
	}
}

// foundThemselves is the share of vectors whose search finds their own
// document first, by the graph.
func foundThemselves(t *testing.T, e *Engine, vectors map[string][]float32) float64 {
	t.Helper()
	found, tried := 0, 0
	for id, v := range vectors {
		if tried++; tried > 500 {
			break
		}
		got, err := e.Search(context.Background(), Query{Collection: "a", Vector: v, Limit: 1, Scope: Scope{All: true}})
		must(t, err)
		if got.DensePath != PathGraph {
			t.Fatalf("path %q", got.DensePath)
		}
		if len(got.Candidates) > 0 && got.Candidates[0].DocID == id {
			found++
		}
	}
	return float64(found) / float64(min(tried, 500))
}

func TestDeadLargePartIsWrittenAnew(t *testing.T) {
	if testing.Short() {
		t.Skip("a second graph is built: without -short")
	}
	e, vectors := withGraph(t, nil)
	var changes []Change
	for i := range graphTestRows * 3 / 10 {
		id := fmt.Sprint("doc", 3*i)
		delete(vectors, id)
		changes = append(changes, Change{Seq: e.Applied() + uint64(i) + 1, Kind: Delete, Collection: "a", Document: Document{ID: id}})
	}
	e.background.Store(true) // or Apply does it
	must(t, e.Apply(changes))
	merged, err := e.consolidateOne(context.Background())
	if must(t, err); !merged {
		t.Fatal("a part with three dead rows in ten was left alone")
	}
	stats, err := e.Stats("a")
	must(t, err)
	if want := int64(len(vectors)); stats.GraphRows != want {
		t.Fatalf("%+v, want a graph of %d rows", stats, want)
	}
	if found := foundThemselves(t, e, vectors); found < 0.99 {
		t.Errorf("%.3f of the rows are nearest to themselves", found)
	}
	must(t, e.Close())
}

// TestFlushFreesMemory writes several segments of one collection at once: all
// of them must come to lie in their files.
func TestFlushFreesMemory(t *testing.T) {
	fs := vfs.NewMemory()
	e, err := Open(Options{FS: fs, KnownField: known, SmallRows: 10})
	must(t, err)
	for batch := range 4 {
		var changes []Change
		for i := range 20 {
			seq := uint64(20*batch + i + 1)
			changes = append(changes, Change{Seq: seq, Kind: Put, Collection: "a", Document: Document{ID: fmt.Sprint(seq), Rows: []Row{{Text: "text"}}}})
		}
		must(t, e.Apply(changes))
	}
	if s, err := e.Stats("a"); err != nil || s.Segments < 2 || s.MemoryBytes == 0 {
		t.Fatalf("%+v, %v: several segments in memory are needed here", s, err)
	}
	must(t, e.Flush())
	if s, err := e.Stats("a"); err != nil || s.MemoryBytes != 0 {
		t.Fatalf("%+v, %v: something stayed in memory", s, err)
	}
	must(t, e.Close())
}

// viewOf makes a view of parts of so many rows.
func viewOf(rows ...int) *view {
	v := &view{dim: testDim}
	for _, n := range rows {
		docs := make([]segment.Document, n)
		for i := range docs {
			docs[i] = segment.Document{ID: fmt.Sprint(i), Rows: []segment.Row{{Hash: Hash{byte(i), byte(i >> 8)}}}}
		}
		seg, err := segment.Build(docs, nil)
		if err != nil {
			panic(err)
		}
		v.parts = append(v.parts, newPart(seg))
	}
	return v
}

// TestWhatIsDue says which of some parts become one: of at least 10 rows to be
// merged in the background, of 50 for a graph.
func TestWhatIsDue(t *testing.T) {
	for _, c := range []struct {
		rows, graph, large []int // of the parts, of those merged
	}{
		{rows: []int{20, 20, 5}},
		{rows: []int{20, 20, 5, 10, 400}, graph: []int{20, 20, 10}},
		{rows: []int{400, 60}},
		{rows: []int{60, 400, 50}, large: []int{60, 400, 50}},
		{rows: []int{60, 1000, 50, 52}},
		{rows: []int{60, 1000, 50, 52, 40, 55}, large: []int{60, 50, 52, 55}},
	} {
		v := viewOf(c.rows...)
		var graph, large []int
		due := v.dueForGraph(10, 50)
		for i, p := range v.parts {
			if due[i] {
				graph = append(graph, p.liveRows)
			}
		}
		for _, p := range v.dueLarge(50) {
			large = append(large, p.liveRows)
		}
		if !slices.Equal(graph, c.graph) || !slices.Equal(large, c.large) {
			t.Errorf("of %v: %v and %v, want %v and %v", c.rows, graph, large, c.graph, c.large)
		}
		v.settings.Exact = true
		if v.dueForGraph(10, 50) != nil {
			t.Errorf("of %v: parts that want no graph are merged for one", c.rows)
		}
	}
}
