package local_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

const (
	benchRows = 63_000
	benchDim  = 384
)

var benchmark struct {
	once  sync.Once
	index *local.Index
	texts []string
}

// benchIndex holds synthetic chunks: words with Zipf's frequencies, vectors in
// clusters, an attribute of 100 values and a time.
func benchIndex(b *testing.B) *local.Index {
	benchmark.once.Do(func() {
		index, err := local.Open()
		if err != nil {
			b.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		zipf := rand.NewZipf(r, 1.1, 3, 60_000)
		text := func(words int) (s string) {
			for range words {
				s += fmt.Sprintf("w%d ", zipf.Uint64())
			}
			return s
		}
		changes := []rag.IndexChange{{Change: rag.Change{Seq: 1, Kind: rag.ChangeCreated, Collection: "c", Settings: &rag.Collection{Name: "c"}}}}
		for i := range benchRows {
			id := rag.DocumentID("c", fmt.Sprint(i))
			t := text(40 + r.IntN(80))
			h := rag.TextHash("", t)
			doc := rag.Document{ID: id, Collection: "c", Access: []string{"*", fmt.Sprint("user:", i%10)}, Version: rag.Version{Number: 1, Attributes: map[string]filter.Value{
				"bucket": filter.NumberOf(float64(i % 100)), "tag": filter.ListOf(fmt.Sprint("t", i%7), fmt.Sprint("u", i%1000)),
			}}}
			changes = append(changes, rag.IndexChange{
				Change: rag.Change{Seq: uint64(i + 2), Kind: rag.ChangePublished, Collection: "c", Document: &doc,
					Chunks: []rag.Chunk{{Key: rag.ChunkKey{DocumentID: id, Version: 1}, TextHash: h, Text: t}}},
				Vectors: map[rag.Hash][]float32{h: clustered(r, i%500)},
			})
			if len(changes) == 512 || i == benchRows-1 {
				if err := index.Apply(context.Background(), changes); err != nil {
					b.Fatal(err)
				}
				changes = nil
			}
		}
		for range 200 {
			benchmark.texts = append(benchmark.texts, text(3+r.IntN(9)))
		}
		benchmark.index = index
	})
	return benchmark.index
}

func clustered(r *rand.Rand, cluster int) []float32 {
	centre := rand.New(rand.NewPCG(uint64(cluster), 9))
	v := make([]float32, benchDim)
	var norm float64
	for i := range v {
		v[i] = float32(centre.NormFloat64() + r.NormFloat64())
		norm += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(norm))
	}
	return v
}

func BenchmarkSearch(b *testing.B) {
	index := benchIndex(b)
	r := rand.New(rand.NewPCG(5, 6))
	var vectors [][]float32
	for i := range 200 {
		vectors = append(vectors, clustered(r, i))
	}
	every := rag.SystemScope("benchmark")
	one := rag.LabelScope([]string{"user:3"})
	percent := filter.Test(filter.Lt, "bucket", filter.NumberOf(1))
	tenth := filter.Test(filter.Lt, "bucket", filter.NumberOf(10))
	cases := []struct {
		name           string
		dense, lexical bool
		scope          rag.Scope
		filter         filter.Filter
		exact          bool
	}{
		{"dense", true, false, every, filter.Filter{}, false},
		{"dense/exact", true, false, every, filter.Filter{}, true},
		{"dense/filter10%", true, false, every, tenth, false},
		{"dense/filter1%", true, false, every, percent, false},
		{"lexical", false, true, every, filter.Filter{}, false},
		{"lexical/scope10%", false, true, one, filter.Filter{}, false},
		{"lexical/filter1%", false, true, every, percent, false},
		{"hybrid", true, true, every, filter.Filter{}, false},
		{"hybrid/scope10%filter10%", true, true, one, tenth, false},
	}
	for _, c := range cases {
		query := func(i int) {
			q := rag.LegQuery{Collection: "c", Limit: 100, Filter: c.filter, Exact: c.exact}
			if c.dense {
				q.Vector = vectors[i%len(vectors)]
			}
			if c.lexical {
				q.Text = benchmark.texts[i%len(benchmark.texts)]
			}
			if _, err := index.Search(context.Background(), c.scope, q); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(c.name, func(b *testing.B) {
			for i := range 200 {
				query(i) // counts of a scope are cached
			}
			b.ResetTimer()
			began := cpuTime()
			for i := range b.N {
				query(i)
			}
			b.ReportMetric(float64((cpuTime()-began).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
	b.Run("hybrid/parallel16", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				q := rag.LegQuery{Collection: "c", Limit: 100, Vector: vectors[i%200], Text: benchmark.texts[i%200]}
				if _, err := index.Search(context.Background(), every, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkApply measures how many chunks with their vectors are applied in a
// second, in batches as a follower reads them.
func BenchmarkApply(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var changes []rag.IndexChange
	for i := range 20_000 {
		id, text := rag.DocumentID("c", fmt.Sprint(i)), ""
		for range 80 {
			text += fmt.Sprintf("word%d ", int(r.ExpFloat64()*500))
		}
		h := rag.TextHash("", text)
		doc := rag.Document{ID: id, Collection: "c", Access: []string{"*"}, Version: rag.Version{Number: 1}}
		changes = append(changes, rag.IndexChange{
			Change: rag.Change{Seq: uint64(i + 1), Kind: rag.ChangePublished, Collection: "c", Document: &doc,
				Chunks: []rag.Chunk{{Key: rag.ChunkKey{DocumentID: id, Version: 1}, TextHash: h, Text: text}}},
			Vectors: map[rag.Hash][]float32{h: clustered(r, i%500)},
		})
	}
	for _, batch := range []int{1, 16, 512} {
		b.Run(fmt.Sprint("batch", batch), func(b *testing.B) {
			rows := 0
			for b.Loop() {
				index, err := local.Open()
				if err != nil {
					b.Fatal(err)
				}
				left := changes[:min(len(changes), 600*batch)]
				rows += len(left)
				for len(left) > 0 {
					n := min(batch, len(left))
					if err := index.Apply(context.Background(), left[:n]); err != nil {
						b.Fatal(err)
					}
					left = left[n:]
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
