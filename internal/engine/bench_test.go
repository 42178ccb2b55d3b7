package engine

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quarry-search/quarry/internal/filter"
)

var benchRows = flag.Int("rows", 20_000, "rows of the benchmark's index")

// clustered makes vectors as embeddings lie: clusters of unequal size, most of
// what differs within them in few directions.
func clustered(n, dim int) [][]float32 {
	r := rand.New(rand.NewPCG(4, 4))
	basis := make([][]float32, 128)
	for i := range basis {
		basis[i] = unitVector(r, dim)
	}
	centres := make([][]float32, max(1, n/50))
	for i := range centres {
		centres[i] = combine(r, basis, nil, 1)
	}
	list := make([][]float32, n)
	for i := range list {
		list[i] = combine(r, basis, centres[min(r.IntN(len(centres)), r.IntN(len(centres)))], 1.2)
	}
	return list
}

func combine(r *rand.Rand, basis [][]float32, centre []float32, spread float64) []float32 {
	v := make([]float32, len(basis[0]))
	copy(v, centre)
	for _, b := range basis {
		x := float32(spread * r.NormFloat64() / 11)
		for i := range v {
			v[i] += x * b[i]
		}
	}
	var norm float64
	for _, x := range v {
		norm += float64(x) * float64(x)
	}
	return scale(v, norm)
}

// BenchmarkDense measures each path of the dense leg on one segment, with its
// recall@10:
//
//	go test -run '^$' -bench Dense ./internal/engine -rows 100000
func BenchmarkDense(b *testing.B) {
	n, dim := *benchRows, 384
	vectors := clustered(n+200, dim)
	e, err := Open(Options{KnownField: known, GraphRows: n})
	must(b, err)
	defer e.Close()
	changes := []Change{{Seq: 1, Kind: Create, Collection: "a"}}
	for i := range n {
		h := Hash{byte(i), byte(i >> 8), byte(i >> 16)}
		changes = append(changes, Change{
			Seq: uint64(i + 2), Kind: Put, Collection: "a", Vectors: map[Hash][]float32{h: vectors[i]},
			Document: Document{ID: fmt.Sprint(i), Fields: map[string]filter.Value{"n": filter.NumberOf(float64(i % 100))}, Rows: []Row{{Hash: h, Text: "text"}}},
		})
	}
	must(b, e.Apply(changes))
	run := func(name string, q Query) {
		q.Collection, q.Limit, q.Scope = "a", 10, Scope{All: true}
		b.Run(name, func(b *testing.B) {
			hits, path := 0, ""
			for i := range b.N {
				q.Vector = vectors[n+i%200]
				got, err := e.Search(context.Background(), q)
				must(b, err)
				path = got.DensePath
				if i < 50 {
					b.StopTimer()
					hits += agree(b, e, q, got)
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(hits)/float64(10*min(b.N, 50)), "recall@10/"+path)
		})
	}
	lessThan := func(x float64) filter.Filter { return filter.Test(filter.Lt, "n", filter.NumberOf(x)) }
	run("exact", Query{Exact: true})
	run("scan", Query{})
	run("scan/10%", Query{Filter: lessThan(10)})
	run("scan/1%", Query{Filter: lessThan(1)})
	if built, err := e.graphOne(context.Background()); err != nil || !built {
		b.Fatal("no graph: ", err)
	}
	run("graph", Query{})
	run("graph/50%", Query{Filter: lessThan(50)})
	run("graph/20%", Query{Filter: lessThan(20)})
}

// agree counts the candidates that the exact search finds too.
func agree(b *testing.B, e *Engine, q Query, got Result) int {
	q.Exact = true
	want, err := e.Search(context.Background(), q)
	must(b, err)
	found := map[string]bool{}
	for _, c := range want.Candidates {
		found[c.DocID] = true
	}
	n := 0
	for _, c := range got.Candidates {
		if found[c.DocID] {
			n++
		}
	}
	return n
}
