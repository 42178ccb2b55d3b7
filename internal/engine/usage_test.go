package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/engine/vfs"
)

// diskUse adds up the files of an index, without its manifest.
func diskUse(t *testing.T, fs vfs.FS) (sum int64) {
	t.Helper()
	names, err := fs.List()
	must(t, err)
	for _, name := range names {
		if name == manifestName {
			continue
		}
		m, err := fs.Map(name)
		must(t, err)
		sum += int64(len(m.Bytes()))
		must(t, m.Close())
	}
	return sum
}

func sumOf(m map[string]int64) (sum int64) {
	for _, n := range m {
		sum += n
	}
	return sum
}

// TestUsage compares what is counted with what was put, and with the files.
func TestUsage(t *testing.T) {
	fs := vfs.NewMemory()
	e, _ := withGraph(t, fs)
	seq := e.Applied()
	apply := func(kind ChangeKind, id string) {
		t.Helper()
		seq++
		must(t, e.Apply([]Change{{Seq: seq, Kind: kind, Collection: "a", Document: Document{ID: id, Access: []string{"*"}, Rows: []Row{{Hash: Hash{1, 2, 3}, Text: "text"}}}}}))
	}
	want := func(what string, memory, small, graph, live, dead int64) {
		t.Helper()
		u := e.Usage()
		if got := []int64{u.Segments["memory"], u.Segments["small"], u.Segments["graph"], u.Chunks["live"], u.Chunks["dead"]}; !slices.Equal(got, []int64{memory, small, graph, live, dead}) {
			t.Errorf("%s: %+v", what, u)
		}
	}
	want("a graph", 0, 0, 1, graphTestRows, 0)
	before := e.Usage()
	for part, n := range before.Disk {
		if n <= 0 {
			t.Errorf("%s take %d bytes on disk", part, n)
		}
	}
	if got, want := sumOf(before.Disk), diskUse(t, fs); got != want {
		t.Errorf("the parts take %d bytes on disk, the files %d", got, want)
	}
	if m := before.Memory; m["codes"] <= 0 || m["graph"] <= 0 || m["postings"] != 0 {
		t.Errorf("memory %v", m)
	}
	apply(Put, "new")
	apply(Delete, "doc5")
	want("a new document, and one gone", 1, 0, 1, graphTestRows, 1)
	if m := e.Usage().Memory; m["postings"] <= 0 || m["bitmaps"] <= 0 {
		t.Errorf("memory %v", m)
	}
	must(t, e.Flush())
	want("written", 0, 1, 1, graphTestRows, 1)
	must(t, e.Close())
}

func TestUsageOfFormerVersions(t *testing.T) {
	e, err := Open(Options{KnownField: known, KeepHistory: true})
	must(t, err)
	must(t, e.Apply([]Change{{Seq: 1, Kind: Create, Collection: "a"}}))
	for i := range 3 {
		must(t, e.Apply([]Change{{Seq: uint64(i + 2), Kind: Put, Collection: "a", Document: Document{ID: "d", Version: i, Rows: []Row{{Text: "text"}}}}}))
	}
	if u := e.Usage(); u.Chunks["live"] != 1 || u.Chunks["former"] != 2 {
		t.Errorf("%+v", u)
	}
	must(t, e.Close())
}

// TestTasksAreTold does each task, and lets a flush fail.
func TestTasksAreTold(t *testing.T) {
	told := map[string]int{}
	fs := vfs.NewMemory()
	e, err := Open(Options{FS: fs, KnownField: known, GraphRows: 60, Task: func(task string, _ time.Duration, err error) {
		told[fmt.Sprint(task, " ", err != nil)]++
	}})
	must(t, err)
	vectors := clustered(200, testDim)
	seq := uint64(1)
	must(t, e.Apply([]Change{{Seq: seq, Kind: Create, Collection: "a"}}))
	put := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			seq++
			h := Hash{byte(i)}
			must(t, e.Apply([]Change{{Seq: seq, Kind: Put, Collection: "a", Vectors: map[Hash][]float32{h: vectors[i]}, Document: Document{ID: fmt.Sprint(i), Rows: []Row{{Hash: h, Text: "text"}}}}}))
		}
		must(t, e.Flush())
	}
	put(0, 100)
	must(t, e.Compact(context.Background()))
	built, err := e.graphOne(context.Background())
	if must(t, err); !built {
		t.Error("no graph was wanted")
	}
	put(100, 101)
	must(t, e.Compact(context.Background()))
	if told["flush false"] < 2 || told["merge false"] != 2 || told["graph false"] != 1 || told["flush true"] > 0 {
		t.Errorf("told %v", told)
	}
	fs.FailAt(fs.Ops()+1, 0)
	seq++
	must(t, e.Apply([]Change{{Seq: seq, Kind: Delete, Collection: "a", Document: Document{ID: "1"}}}))
	if e.Flush() == nil || told["flush true"] != 1 {
		t.Errorf("told %v", told)
	}
}
