package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quarry-search/quarry/internal/engine/vfs"
)

// lying is where vectors of a metric lie in tests: clusters away from the
// origin, of lengths that differ by a factor of some 3, or of unit length.
func lying(metric Metric, n, dim int) [][]float32 {
	r := rand.New(rand.NewPCG(uint64(metric)+1, uint64(dim)))
	centres := make([][]float32, 20)
	for i := range centres {
		centres[i] = unitVector(r, dim)
	}
	away := unitVector(r, dim)
	list := make([][]float32, n)
	for i := range list {
		v := unitVector(r, dim)
		var norm float64
		by := 0.6 + 1.2*r.Float32()
		for j, c := range centres[r.IntN(len(centres))] {
			v[j] = 0.8*v[j] + c
			if metric != Cosine {
				v[j] = by * (v[j] + 0.5*away[j])
			}
			norm += float64(v[j]) * float64(v[j])
		}
		if metric == Cosine {
			scale(v, norm)
		}
		list[i] = v
	}
	return list
}

// truth scores by the metric in 64 bits.
func truth(metric Metric, q, v []float32) (score float64) {
	for i := range q {
		if metric == L2 {
			d := float64(q[i]) - float64(v[i])
			score -= d * d
		} else {
			score += float64(q[i]) * float64(v[i])
		}
	}
	return score
}

func indexOf(t testing.TB, o Options, settings VectorSettings, vectors [][]float32) *Engine {
	t.Helper()
	o.KnownField = known
	e, err := Open(o)
	must(t, err)
	var changes []Change
	add := func(c Change) {
		c.Seq, c.Collection = uint64(len(changes)+1), "a"
		changes = append(changes, c)
	}
	add(Change{Kind: Create, Settings: settings})
	for i, v := range vectors {
		h := Hash{byte(i), byte(i >> 8), byte(i >> 16)}
		add(Change{Kind: Put, Vectors: map[Hash][]float32{h: v}, Document: Document{ID: fmt.Sprintf("%06d", i), Rows: []Row{{Hash: h, Text: "text"}}}})
	}
	for rest := changes; len(rest) > 0; { // several segments
		n := min(len(rest), 1500)
		must(t, e.Apply(rest[:n]))
		rest = rest[n:]
	}
	return e
}

// compare holds the engine's answers to the truth: every score true, and this
// share of the best found.
func compare(t *testing.T, e *Engine, settings VectorSettings, vectors, queries [][]float32, path string, least float64) {
	t.Helper()
	hits := 0
	for _, v := range queries {
		order := make([]int, len(vectors))
		for i := range order {
			order[i] = i
		}
		scores := make([]float64, len(vectors))
		for i, x := range vectors {
			scores[i] = truth(settings.Metric, v, x)
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
		got, err := e.Search(context.Background(), Query{Collection: "a", Vector: v, Limit: 10, Scope: Scope{All: true}})
		must(t, err)
		if got.DensePath != path {
			t.Fatalf("metric %d: path %q, want %q", settings.Metric, got.DensePath, path)
		}
		for rank, c := range got.Candidates {
			var i int
			fmt.Sscanf(c.DocID, "%d", &i)
			if math.Abs(float64(c.Dense.Value)-scores[i]) > 1e-4*(1+math.Abs(scores[i])) {
				t.Fatalf("metric %d: row %d has the score %v, in truth %v", settings.Metric, i, c.Dense.Value, scores[i])
			}
			if rank > 0 && c.Dense.Value > got.Candidates[rank-1].Dense.Value {
				t.Fatalf("metric %d: rank %d is better than the one before", settings.Metric, rank)
			}
			if slices.Contains(order[:10], i) {
				hits++
			}
		}
	}
	if got := float64(hits) / float64(10*len(queries)); got < least {
		t.Errorf("metric %d, dimension %d, path %s: recall %.3f of at least %.2f", settings.Metric, len(queries[0]), path, got, least)
	}
}

func TestMetricsAndDimensions(t *testing.T) {
	dims := []int{64, 65, 100, 384, 768, 1000, 1536, 4096}
	if testing.Short() {
		dims = []int{65, 384}
	}
	for _, metric := range []Metric{Cosine, Dot, L2} {
		for _, dim := range dims {
			const rows = 2050
			vectors := lying(metric, rows+6, dim)
			vectors, queries := vectors[:rows], vectors[rows:]
			settings := VectorSettings{Metric: metric, Dim: dim}
			fs := vfs.NewMemory()
			e := indexOf(t, Options{FS: fs}, settings, vectors)
			compare(t, e, settings, vectors, queries, PathScan1, 0.97)
			must(t, e.Close())
			if dim != 100 {
				continue
			}
			e, err := Open(Options{FS: fs, KnownField: known})
			must(t, err)
			if e.Recovered() != nil {
				t.Fatal(e.Recovered())
			}
			compare(t, e, settings, vectors, queries, PathScan1, 0.97)
			must(t, e.Close())
		}
	}
}

func TestExactCollection(t *testing.T) {
	for _, metric := range []Metric{Cosine, Dot, L2} {
		vectors := lying(metric, 3000, 64)
		settings := VectorSettings{Metric: metric, Exact: true}
		e := indexOf(t, Options{GraphRows: 1000}, settings, vectors)
		must(t, e.Compact(context.Background()))
		if built, err := e.graphOne(context.Background()); built || err != nil {
			t.Fatalf("a graph for a collection that is scored exactly: %v, %v", built, err)
		}
		compare(t, e, settings, vectors, vectors[:5], PathExact, 1)
		must(t, e.Close())
	}
}

func TestGraphsOfMetrics(t *testing.T) {
	for _, metric := range []Metric{Dot, L2} {
		vectors := lying(metric, 5040, 100)
		vectors, queries := vectors[:5000], vectors[5000:]
		settings := VectorSettings{Metric: metric}
		fs := vfs.NewMemory()
		e := indexOf(t, Options{FS: fs, GraphRows: 4000}, settings, vectors)
		must(t, e.Compact(context.Background()))
		e.costs = graphTestCosts
		if built, err := e.graphOne(context.Background()); !built || err != nil {
			t.Fatalf("built %v, error %v", built, err)
		}
		compare(t, e, settings, vectors, queries, PathGraph, 0.97)
		if reach, problems := e.CheckGraphs(context.Background()); len(problems) > 0 || float64(reach.Found) < 0.98*reachSample {
			t.Errorf("metric %v: %+v, problems %v", metric, reach, problems)
		}
		must(t, e.Close())
		e, err := Open(Options{FS: fs, KnownField: known, GraphRows: 4000})
		must(t, err)
		e.costs = graphTestCosts
		e.Warm(context.Background())
		compare(t, e, settings, vectors, queries, PathGraph, 0.97)
		must(t, e.Close())
	}
}

func TestAlterMetricDropsVectors(t *testing.T) {
	vectors := lying(Cosine, 40, 64)
	e := indexOf(t, Options{}, VectorSettings{}, vectors)
	must(t, e.Apply([]Change{{Seq: 100, Kind: Alter, Collection: "a", Settings: VectorSettings{Exact: true}}}))
	if s, err := e.Stats("a"); err != nil || s.Vectors != 40 {
		t.Fatalf("another path: %+v, %v", s, err)
	}
	must(t, e.Apply([]Change{{Seq: 101, Kind: Alter, Collection: "a", Settings: VectorSettings{Metric: L2}}}))
	if s, err := e.Stats("a"); err != nil || s.Vectors != 0 || s.Rows != 40 {
		t.Fatalf("another metric: %+v, %v", s, err)
	}
	must(t, e.Close())
}

func TestBadVectors(t *testing.T) {
	e := indexOf(t, Options{}, VectorSettings{Metric: L2, Dim: 3}, nil)
	defer e.Close()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, v := range [][]float32{{}, {1, 2}, {1, 2, 3, 4}, {nan, 0, 0}, {0, inf, 0}, {0, 0, -inf}, {2e9, 0, 0}, {3e38, 3e38, 3e38}} {
		h := Hash{1}
		err := e.Apply([]Change{{Seq: 2, Kind: Put, Collection: "a", Vectors: map[Hash][]float32{h: v}, Document: Document{ID: "x", Rows: []Row{{Hash: h}}}}})
		var bad *VectorError
		if !errors.As(err, &bad) || e.Applied() != 1 {
			t.Errorf("vector %v was applied: %v", v, err)
		}
		_, err = e.Search(context.Background(), Query{Collection: "a", Vector: append([]float32{}, v...), Limit: 5, Scope: Scope{All: true}})
		if !errors.As(err, &bad) {
			t.Errorf("vector %v was searched for: %v", v, err)
		}
	}
}
