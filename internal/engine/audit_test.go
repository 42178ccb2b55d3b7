package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/engine/ann"
	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/engine/vfs"
	"github.com/quarry-search/quarry/internal/filter"
)

// TestStored pages through what lives, over several segments, with one document
// that wrongly lives in two of them.
func TestStored(t *testing.T) {
	e, err := Open(Options{KnownField: known, KeepHistory: true, SmallRows: 1})
	must(t, err)
	must(t, e.Apply([]Change{{Seq: 1, Kind: Create, Collection: "a"}}))
	for i := range 30 {
		id := fmt.Sprintf("doc%02d", i%20)
		must(t, e.Apply([]Change{{Seq: uint64(i + 2), Kind: Put, Collection: "a", Document: Document{
			ID: id, Version: i, Access: []string{"*"}, Fields: map[string]filter.Value{"n": filter.NumberOf(float64(i))},
			Rows: []Row{{Hash: Hash{byte(i)}, Text: "text"}, {Ordinal: 1, Hash: Hash{byte(i), 1}, Text: "more"}},
		}}}))
	}
	must(t, e.Apply([]Change{{Seq: 99, Kind: Delete, Collection: "a", Document: Document{ID: "doc07"}}}))
	if got := e.Collections(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("collections %q", got)
	}
	ids := func(limit int) (ids []string) {
		for after := ""; ; {
			page, err := e.Stored("a", after, limit)
			must(t, err)
			if len(page) == 0 {
				return ids
			}
			for _, d := range page {
				ids = append(ids, d.ID)
			}
			after = ids[len(ids)-1]
		}
	}
	if got := ids(3); len(got) != 19 || !slices.IsSorted(got) || slices.Contains(got, "doc07") {
		t.Errorf("stored %q", got)
	}
	got, err := e.Stored("a", "doc02", 1)
	must(t, err)
	want := []Stored{{ID: "doc03", Version: 23, Access: []string{"*"}, Fields: map[string]filter.Value{"n": filter.NumberOf(23)},
		Rows: []StoredRow{{0, Hash{23}}, {1, Hash{23, 1}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	v := *e.state.Load().view("a")
	v.parts = slices.Concat(v.parts, []*part{newPart(v.parts[0].seg)})
	e.mu.Lock()
	e.publish(99, map[string]*view{"a": &v})
	e.mu.Unlock()
	for limit := range 5 {
		if got := ids(limit + 1); len(got) <= 19 {
			t.Errorf("with a document that stands twice, pages of %d give %d", limit+1, len(got))
		}
	}
	if _, err := e.Stored("b", "", 1); !errors.Is(err, ErrNoCollection) {
		t.Errorf("error %v", err)
	}
	must(t, e.Close())
}

// TestUnreachableRowsAreFound checks a good graph, in memory and in its file,
// and one whose rows lost their neighbours.
func TestUnreachableRowsAreFound(t *testing.T) {
	fs := vfs.NewMemory()
	e, _ := withGraph(t, fs)
	must(t, e.Close())
	var named []string
	e, err := Open(Options{FS: fs, KnownField: known, GraphRows: graphTestLeast, Damaged: func(p *Problem) { named = append(named, p.File) }})
	must(t, err)
	check := func(what string) Reach {
		t.Helper()
		reach, problems := e.CheckGraphs(context.Background())
		if len(problems) > 0 || len(named) > 0 || reach.Sampled != reachSample || float64(reach.Found) < 0.98*reachSample {
			t.Errorf("%s: %+v, problems %v", what, reach, problems)
		}
		return reach
	}
	check("in its file")
	e.Warm(context.Background())
	check("in memory")

	p := e.state.Load().view("a").parts[0]
	arrays := p.graph.Arrays()
	arrays.Degrees = slices.Clone(arrays.Degrees)
	for row := range arrays.Degrees {
		if row%8 != 0 {
			arrays.Degrees[row] = min(arrays.Degrees[row], 1)
		}
	}
	broken := *p.graph
	broken.Graph, err = ann.Open(p.graph.codes, arrays)
	must(t, err)
	if !e.install("a", p.seg, &broken) {
		t.Fatal("not installed")
	}
	reach, problems := e.CheckGraphs(context.Background())
	if len(problems) != 1 || !slices.Equal(named, []string{graphName(2)}) || reach.Found > reachSample*9/10 {
		t.Errorf("%+v, problems %v, named %q", reach, problems, named)
	}
	if p := e.state.Load().view("a").parts[0]; p.graph != nil || p.stored != nil {
		t.Error("the graph is still in use")
	}
	built, err := e.graphOne(context.Background())
	if must(t, err); !built {
		t.Error("no graph was wanted")
	}
	named = nil
	check("built again")
	must(t, e.Close())
}

func TestDamagedGraphFileIsFound(t *testing.T) {
	fs := vfs.NewMemory()
	e, _ := withGraph(t, fs)
	must(t, e.Close())
	fs.Damage(graphName(2), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	e, err := Open(Options{FS: fs, KnownField: known, GraphRows: graphTestLeast})
	must(t, err)
	var found *Problem
	if _, problems := e.CheckGraphs(context.Background()); len(problems) != 1 || !errors.As(problems[0], &found) || found.File != graphName(2) {
		t.Errorf("problems %v", problems)
	}
	must(t, e.Close())
}

// TestCheckLooksIntoColumns damages the list of documents by label in a file
// whose checksums are true: only a comparison with the documents can tell.
func TestCheckLooksIntoColumns(t *testing.T) {
	e, err := Open(Options{KnownField: known})
	must(t, err)
	must(t, e.Apply([]Change{{Seq: 1, Kind: Create, Collection: "a"}}))
	for i := range 10 {
		must(t, e.Apply([]Change{{Seq: uint64(i + 2), Kind: Put, Collection: "a", Document: Document{
			ID: fmt.Sprint("doc", i), Access: [][]string{{"x"}, {"y"}}[i%2], Rows: []Row{{Hash: Hash{byte(i)}, Text: "alpha"}},
		}}}))
	}
	if _, problems := e.Check(context.Background()); len(problems) > 0 {
		t.Fatal(problems)
	}
	v := *e.state.Load().view("a")
	var file bytes.Buffer
	_, err = v.parts[0].seg.Write(&file)
	must(t, err)
	altered := bytes.Clone(file.Bytes())
	from, to := sectionOf(t, altered, "doc.access.docs")
	binary.LittleEndian.PutUint32(altered[from:to], 1) // the first with the label x was document 0
	reseal(altered)
	seg, err := segment.OpenLazy(altered)
	must(t, err)
	if wrong := seg.Verify(); len(wrong) > 0 {
		t.Fatalf("the checksums tell already: %v", wrong)
	}
	v.parts = []*part{newPart(seg)}
	e.mu.Lock()
	e.publish(e.Applied(), map[string]*view{"a": &v})
	e.mu.Unlock()
	if _, problems := e.Check(context.Background()); len(problems) != 1 || !strings.Contains(problems[0].Error(), "by label") {
		t.Errorf("problems %v", problems)
	}
	must(t, e.Close())
}

// The end of a segment file, as docs/formats/segment.md draws it.
const (
	trailerBytes = 32
	blockBytes   = 65536
)

// directoryOf returns where the directory of a segment file begins, and it.
func directoryOf(b []byte) (body int, dir []byte) {
	body = int(binary.LittleEndian.Uint64(b[len(b)-trailerBytes:]))
	return body, b[body : len(b)-trailerBytes]
}

// sectionOf says where a section of a segment file is.
func sectionOf(t *testing.T, b []byte, name string) (from, to int) {
	t.Helper()
	_, dir := directoryOf(b)
	rest := dir[4:]
	for range binary.LittleEndian.Uint32(dir) {
		n := int(binary.LittleEndian.Uint16(rest))
		here := string(rest[2 : 2+n])
		rest = rest[2+n:]
		from = int(binary.LittleEndian.Uint64(rest))
		to = from + int(binary.LittleEndian.Uint64(rest[8:]))
		rest = rest[16:]
		if here == name {
			return from, to
		}
	}
	t.Fatalf("there is no section %s", name)
	return 0, 0
}

// reseal gives an altered segment file true checksums.
func reseal(b []byte) {
	body, dir := directoryOf(b)
	blocks := (body + blockBytes - 1) / blockBytes
	for i := range blocks {
		sum := crc32.Checksum(b[i*blockBytes:min((i+1)*blockBytes, body)], castagnoli)
		binary.LittleEndian.PutUint32(dir[len(dir)-4*(blocks-i):], sum)
	}
	trailer := b[len(b)-trailerBytes:]
	binary.LittleEndian.PutUint32(trailer[16:], crc32.Checksum(dir, castagnoli))
	binary.LittleEndian.PutUint32(trailer[20:], crc32.Checksum(trailer[:20], castagnoli))
}
