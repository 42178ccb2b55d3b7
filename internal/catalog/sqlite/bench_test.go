package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quarry-search/quarry/internal/catalog/catalogtest"
	"github.com/quarry-search/quarry/internal/rag"
)

// words returns n words that compress about as prose does.
func words(r *rand.Rand, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 && i%25 == 0 {
			b.WriteString(".\n")
		}
		fmt.Fprintf(&b, "%s%s ", syllables[r.IntN(len(syllables))], syllables[r.IntN(len(syllables))])
	}
	return b.String()
}

var syllables = strings.Fields("ka lo mi ne tu ras pol gent ver sion doc ment in ter net work flo ra pen ding ster ma tic")

func publications(n int) []rag.Publication {
	r := rand.New(rand.NewPCG(1, 2))
	ps := make([]rag.Publication, n)
	for i := range ps {
		ps[i] = catalogtest.Doc("bench", fmt.Sprintf("dir/%06d.txt", i), words(r, 100))
	}
	return ps
}

func benchCatalog(b *testing.B) *Catalog {
	b.Helper()
	c, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	if _, err := c.CreateCollection(context.Background(), rag.Collection{Name: "bench", Fingerprint: "m"}); err != nil {
		b.Fatal(err)
	}
	return c
}

// publishAll publishes with so many writers at once, as items of a job.
func publishAll(b *testing.B, c *Catalog, ps []rag.Publication, writers int) {
	b.Helper()
	j, err := c.CreateJob(b.Context(), rag.Job{Collection: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(ps)); i = next.Add(1) - 1 {
				p := ps[i]
				p.Job, p.Item = j.ID, p.Document.URI
				if _, err := c.Publish(b.Context(), p); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkPublish: documents of 100 words, durable, as items of a job.
func BenchmarkPublish(b *testing.B) {
	for _, writers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			c := benchCatalog(b)
			ps := publications(b.N)
			b.ResetTimer()
			publishAll(b, c, ps, writers)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// BenchmarkReplay reads the log of so many documents from its start; one
// iteration is one replay.
func BenchmarkReplay(b *testing.B) {
	const docs = 20_000
	c := benchCatalog(b)
	publishAll(b, c, publications(docs), 64)
	b.ResetTimer()
	for range b.N {
		n := 0
		for after := uint64(0); ; {
			changes, err := c.Changes(b.Context(), after, 1000)
			if err != nil {
				b.Fatal(err)
			}
			if len(changes) == 0 {
				break
			}
			for _, ch := range changes {
				n += len(ch.Chunks)
			}
			after = changes[len(changes)-1].Seq
		}
		if n != docs {
			b.Fatalf("replayed %d chunks", n)
		}
	}
	b.ReportMetric(float64(docs*b.N)/b.Elapsed().Seconds(), "chunks/s")
}

// BenchmarkChunks hydrates ten random keys, as a search does.
func BenchmarkChunks(b *testing.B) {
	const docs = 20_000
	c := benchCatalog(b)
	ps := publications(docs)
	publishAll(b, c, ps, 64)
	ids := make([]string, docs)
	for i, p := range ps {
		ids[i] = rag.DocumentID("bench", p.Document.URI)
	}
	scope := rag.LabelScope([]string{"*", "user:a"})
	for _, warm := range []bool{false, true} {
		b.Run(fmt.Sprintf("warm=%v", warm), func(b *testing.B) {
			r := rand.New(rand.NewPCG(3, 4))
			keys := make([]rag.ChunkKey, 10)
			for range b.N {
				for i := range keys {
					if keys[i].DocumentID == "" || !warm {
						keys[i] = rag.ChunkKey{DocumentID: ids[r.IntN(docs)], Version: 1}
					}
				}
				if !warm {
					c.chunks = newCache[rag.ChunkKey, rag.Chunk](1000)
					c.texts = newCache[rag.Hash, string](1 << 20)
				}
				got, err := c.Chunks(b.Context(), scope, keys)
				if err != nil || got[9].Chunk.Text == "" {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEmbeddings stores, looks for and reads vectors of 384 dimensions in
// batches of 1000.
func BenchmarkEmbeddings(b *testing.B) {
	c := benchCatalog(b)
	const size = 1000
	hashes := make([]rag.Hash, 0, b.N*size)
	values := make([]float32, 384)
	values[7] = 1
	b.Run("put", func(b *testing.B) {
		for range b.N {
			batch := make([]rag.Vector, size)
			for i := range batch {
				hashes = append(hashes, rag.HashBytes(fmt.Append(nil, len(hashes))))
				batch[i] = rag.Vector{TextHash: hashes[len(hashes)-1], Values: values}
			}
			if _, err := c.PutVectors(b.Context(), "m", batch, "embedder", 1); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "vectors/s")
	})
	for name, read := range map[string]func(h []rag.Hash) (int, error){
		"missing": func(h []rag.Hash) (int, error) { m, err := c.Missing(b.Context(), "m", h); return size - len(m), err },
		"vectors": func(h []rag.Hash) (int, error) { m, err := c.Vectors(b.Context(), "m", h); return len(m), err },
	} {
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(5, 6))
			for range b.N {
				at := r.IntN(len(hashes) - size + 1)
				if n, err := read(hashes[at : at+size]); err != nil || n != size {
					b.Fatal(n, err)
				}
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "hashes/s")
		})
	}
}

// BenchmarkCount counts a collection whose chunks are all embedded.
func BenchmarkCount(b *testing.B) {
	const docs = 20_000
	c := benchCatalog(b)
	ps := publications(docs)
	publishAll(b, c, ps, 64)
	values := make([]float32, 384)
	values[7] = 1
	for len(ps) > 0 {
		batch := make([]rag.Vector, 1000)
		for i := range batch {
			batch[i] = rag.Vector{TextHash: ps[i].Chunks[0].TextHash, Values: values}
		}
		if _, err := c.PutVectors(b.Context(), "m", batch, "embedder", 1); err != nil {
			b.Fatal(err)
		}
		ps = ps[1000:]
	}
	scope := rag.SystemScope("the benchmark counts everything")
	b.ResetTimer()
	for range b.N {
		c.counts = countCache{}
		if n, err := c.CountCollection(b.Context(), scope, "bench"); err != nil || n.Embedded != docs {
			b.Fatal(n, err)
		}
	}
}
