package engine

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/engine/vfs"
)

var manyCollections = flag.Int("collections", 1000, "how many small collections to try")

// TestManyCollections keeps many small collections in one index: they cost what
// their data costs, and neither an open file nor a mapping each.
func TestManyCollections(t *testing.T) {
	path := t.TempDir()
	dir, err := vfs.OpenDir(path)
	must(t, err)
	e, err := Open(Options{FS: dir, KnownField: known})
	must(t, err)
	name := func(i int) string { return fmt.Sprintf("collection%d", i) }
	const docs = 5
	var batch []Change
	seq := uint64(0)
	began := time.Now()
	for i := range *manyCollections {
		batch = append(batch, Change{Kind: Create, Collection: name(i)})
		for d := range docs {
			h := Hash{byte(i), byte(i >> 8), byte(d)}
			batch = append(batch, Change{
				Kind: Put, Collection: name(i), Vectors: map[Hash][]float32{h: testVector(uint64(i*docs + d))},
				Document: Document{ID: fmt.Sprint("doc", d), Access: []string{"*"}, Rows: []Row{{Hash: h, Text: fmt.Sprintf("alpha river stone number %d of %d", d, i)}}},
			})
		}
		if len(batch) > 500 || i == *manyCollections-1 {
			for j := range batch {
				seq++
				batch[j].Seq = seq
			}
			must(t, e.Apply(batch))
			batch = nil
		}
	}
	applied := time.Since(began)
	began = time.Now()
	must(t, e.Flush())
	written := time.Since(began)
	must(t, e.Close())
	e = nil
	before := heapBytes()
	began = time.Now()
	e, err = Open(Options{FS: dir, KnownField: known})
	must(t, err)
	opened := time.Since(began)
	began = time.Now()
	e.Warm(context.Background())
	warmed := time.Since(began)
	held := heapBytes() - before
	began = time.Now()
	for i := range *manyCollections {
		got, err := e.Search(context.Background(), Query{
			Collection: name(i), Text: fmt.Sprint(i), Vector: testVector(uint64(i * docs)), Limit: 3, Scope: Scope{Labels: []string{"*"}},
		})
		if err != nil || got.Allowed != docs || got.Candidates[0].DocID != "doc0" {
			t.Fatalf("collection %d: %d rows, %v", i, got.Allowed, err)
		}
	}
	searched := time.Since(began)
	if n := mapped(t, path); n > 10 {
		t.Errorf("%d mappings or open files for %d collections", n, *manyCollections)
	}
	if perCollection := held / int64(*manyCollections); perCollection > 40_000 {
		t.Errorf("%d bytes of memory for each collection", perCollection)
	}
	t.Logf("%d collections of %d documents: applied in %v, written in %v, opened in %v, verified in %v, %d bytes of memory and %v a search for each",
		*manyCollections, docs, applied, written, opened, warmed, held/int64(*manyCollections), searched/time.Duration(*manyCollections))
	must(t, e.Close())
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// mapped counts this process's mappings and open files below a folder; 0 where
// the system does not tell.
func mapped(t *testing.T, path string) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Log("mappings are not counted: ", err)
		return 0
	}
	n := bytes.Count(maps, []byte(path))
	files, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, f := range files {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && bytes.HasPrefix([]byte(to), []byte(path)) {
			n++
		}
	}
	return n
}
