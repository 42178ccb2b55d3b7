package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quarry-search/quarry/internal/engine/vfs"
	"github.com/quarry-search/quarry/internal/filter"
)

const (
	graphTestRows  = 5000
	graphTestLeast = 2600
)

// graphTestCosts make a graph worth while for so few rows.
var graphTestCosts = costs{exact: 40, bytes: 20, bits: 10, graph: &graphCost{met: 15, score: 1.5}}

// withGraph returns an engine with one large segment that has a graph, on fs,
// and the vectors of its rows by document id.
func withGraph(t *testing.T, fs vfs.FS) (*Engine, map[string][]float32) {
	t.Helper()
	e, err := Open(Options{FS: fs, KnownField: known, GraphRows: graphTestLeast})
	must(t, err)
	e.costs = graphTestCosts
	r := rand.New(rand.NewPCG(8, 8))
	vectors := map[string][]float32{}
	changes := []Change{{Seq: 1, Kind: Create, Collection: "a"}}
	for i := range graphTestRows {
		id, h := fmt.Sprint("doc", i), Hash{byte(i), byte(i >> 8)}
		vectors[id] = unitVector(r, testDim)
		changes = append(changes, Change{
			Seq: uint64(i + 2), Kind: Put, Collection: "a", Vectors: map[Hash][]float32{h: vectors[id]},
			Document: Document{ID: id, Fields: map[string]filter.Value{"n": filter.NumberOf(float64(i % 100))}, Rows: []Row{{Hash: h, Text: "text"}}},
		})
	}
	must(t, e.Apply(changes))
	must(t, e.Flush())
	built, err := e.graphOne(context.Background())
	if must(t, err); !built {
		t.Fatal("no graph was wanted")
	}
	return e, vectors
}

// recall compares the default search with the exact one, and wants every
// candidate's score exact and one path for all.
func recall(t *testing.T, e *Engine, f filter.Filter, path string) float64 {
	t.Helper()
	r := rand.New(rand.NewPCG(2, 2))
	hits, wanted := 0, 0
	for range 30 {
		q := Query{Collection: "a", Vector: unitVector(r, testDim), Limit: 10, Scope: Scope{All: true}, Filter: f}
		got, err := e.Search(context.Background(), q)
		must(t, err)
		q.Exact = true
		want, err := e.Search(context.Background(), q)
		must(t, err)
		exact := map[string]float32{}
		for _, c := range want.Candidates {
			exact[c.DocID] = c.Dense.Value
		}
		wanted += len(exact)
		for _, c := range got.Candidates {
			if score, ok := exact[c.DocID]; ok {
				hits++
				if score != c.Dense.Value {
					t.Errorf("%s has score %v, exact %v", c.DocID, c.Dense.Value, score)
				}
			}
		}
		if got.DensePath != path {
			t.Fatalf("path %q, want %q", got.DensePath, path)
		}
	}
	return float64(hits) / float64(wanted)
}

func TestGraphs(t *testing.T) {
	fs := vfs.NewMemory()
	e, vectors := withGraph(t, fs)
	want := func(what string, f filter.Filter, path string) {
		t.Helper()
		// Random directions are the hardest data there is.
		if got := recall(t, e, f, path); got < 0.9 {
			t.Errorf("%s: recall %.3f", what, got)
		}
	}
	want("no filter", filter.Filter{}, PathGraph)
	want("a filter that most pass", filter.Test(filter.Lt, "n", filter.NumberOf(80)), PathGraph)
	want("a filter that fewer pass", filter.Test(filter.Lt, "n", filter.NumberOf(45)), PathScan1)
	want("a filter that few pass", filter.Test(filter.Lt, "n", filter.NumberOf(5)), PathScan8)

	seq := uint64(graphTestRows + 1)
	for i := range 300 {
		seq++
		must(t, e.Apply([]Change{{Seq: seq, Kind: Delete, Collection: "a", Document: Document{ID: fmt.Sprint("doc", i)}}}))
	}
	got, err := e.Search(context.Background(), Query{Collection: "a", Vector: vectors["doc7"], Limit: 5, Scope: Scope{All: true}})
	must(t, err)
	for _, c := range got.Candidates {
		if c.DocID == "doc7" {
			t.Error("a deleted document is found")
		}
	}
	must(t, e.Close())
	e, err = Open(Options{FS: fs, KnownField: known, GraphRows: graphTestLeast})
	must(t, err)
	e.costs = graphTestCosts
	if got := recall(t, e, filter.Filter{}, PathScan1); got < 0.9 {
		t.Errorf("before the graph is read: recall %.3f", got)
	}
	e.Warm(context.Background())
	if got := recall(t, e, filter.Filter{}, PathGraph); got < 0.9 {
		t.Errorf("after deleting and reopening: recall %.3f", got)
	}
	must(t, e.Close())
}

func TestDamagedGraphIsBuiltAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("a second graph is built: without -short")
	}
	fs := vfs.NewMemory()
	e, _ := withGraph(t, fs)
	must(t, e.Close())
	fs.Damage(graphName(2), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	var named []string
	e, err := Open(Options{FS: fs, KnownField: known, GraphRows: graphTestLeast, Damaged: func(p *Problem) { named = append(named, p.File) }})
	must(t, err)
	e.costs = graphTestCosts
	e.Warm(context.Background())
	if e.Recovered() != nil || len(e.Lost()) > 0 || !slices.Equal(named, []string{graphName(2)}) {
		t.Fatalf("recovered %v, lost %v, named %v", e.Recovered(), e.Lost(), named)
	}
	if got := recall(t, e, filter.Filter{}, PathScan1); got < 0.9 {
		t.Errorf("recall %.3f", got)
	}
	if built, err := e.graphOne(context.Background()); err != nil || !built {
		t.Fatalf("built %v, error %v", built, err)
	}
	if got := recall(t, e, filter.Filter{}, PathGraph); got < 0.9 {
		t.Errorf("recall %.3f", got)
	}
	must(t, e.Close())
}
