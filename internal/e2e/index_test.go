package e2e

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/rag"
)

// kept makes a data directory whose index holds ten documents named after
// word, stops the server, and returns it.
func kept(t *testing.T, word string) (data string) {
	t.Helper()
	data = t.TempDir()
	s := start(t, data)
	s.collection(t, "docs")
	for i := range 10 {
		s.put(t, "docs", fmt.Sprintf("%s:%d", word, i), fmt.Sprintf("# About %s\n\nThe %s of number %d stands here.\n", word, word, i))
	}
	s.collection(t, "more")
	s.put(t, "more", "more:0", "A segment of its own.\n")
	if err := s.app.WaitVectors(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.stop()
	return data
}

// findsAll searches by words for the ten documents of kept.
func findsAll(t *testing.T, s *server, word string) {
	t.Helper()
	got := s.uris(t, api.SearchRequest{Query: word, Collections: []string{"docs"}, Mode: "lexical", TopK: 20})
	slices.Sort(got)
	if len(got) != 10 || got[0] != word+":0" {
		t.Errorf("%q finds %v", word, got)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func fsck(t *testing.T, data string, repair bool) rag.CheckReport {
	t.Helper()
	report, err := app.Fsck(t.Context(), configOf(data), repair)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// damageSegment compacts the index to a segment for each collection, flips a
// bit in the middle of the largest, and returns the names of the others.
func damageSegment(t *testing.T, data string) (others []string) {
	t.Helper()
	if _, _, err := app.Compact(t.Context(), configOf(data)); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(data, "index", "seg-*"))
	if err != nil || len(names) < 2 {
		t.Fatalf("segments %v, %v", names, err)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(size(t, b), size(t, a)) })
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 8
	if err := os.WriteFile(names[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	return names[1:]
}

// TestIndexIsKept stops a server and looks at what the index kept on disk: the
// next start has nothing to replay.
func TestIndexIsKept(t *testing.T) {
	data := kept(t, "anchor")
	before, after, err := app.Compact(t.Context(), configOf(data))
	if err != nil || before.Chunks != 11 || after.Chunks != 11 || after.Segments != 2 || after.DiskBytes == 0 {
		t.Errorf("compact: %+v to %+v, %v", before, after, err)
	}
	s := start(t, data)
	findsAll(t, s, "anchor")
	s.until(t, "the metrics tell of the index", func() bool {
		return s.metric(t, `quarry_engine_chunks{state="live"}`) == "11" && s.metric(t, `quarry_engine_segments{size="small"}`) == "2"
	})
	for _, part := range []string{"vectors", "codes", "postings", "bitmaps", "other"} {
		if got := s.metric(t, `quarry_engine_disk_bytes{part="`+part+`"}`); got == "" || got == "0" {
			t.Errorf("%s take %q bytes on disk", part, got)
		}
	}
}

// metric reads the value of a metric, which is named with its labels.
func (s *server) metric(t *testing.T, name string) string {
	t.Helper()
	r, err := http.Get(s.app.URL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// TestCompactWhileServed refuses to compact under a running server.
func TestCompactWhileServed(t *testing.T) {
	data := t.TempDir()
	start(t, data)
	_, _, err := app.Compact(t.Context(), configOf(data))
	if rag.CodeOf(err) != rag.CodeConflict {
		t.Errorf("error %v", err)
	}
}

// TestDamagedIndex flips a bit of the index on disk: fsck names it, and both
// fsck and a start of the server heal it.
func TestDamagedIndex(t *testing.T) {
	data := kept(t, "anchor")
	damageSegment(t, data)
	for range 2 { // the first must not change anything
		report := fsck(t, data, false)
		if len(report.Problems) == 0 || report.Problems[0].Repaired || !strings.Contains(fmt.Sprint(report.Problems), "seg-") {
			t.Fatalf("problems %+v", report.Problems)
		}
	}
	report := fsck(t, data, true)
	if len(report.Problems) == 0 || slices.ContainsFunc(report.Problems, func(p rag.Problem) bool { return !p.Repaired }) {
		t.Errorf("problems %+v", report.Problems)
	}
	if report := fsck(t, data, false); len(report.Problems) != 0 {
		t.Errorf("after repair: %+v", report.Problems)
	}
	others := damageSegment(t, data)
	s := start(t, data)
	// A search finds what is damaged, unless the check at start was faster.
	_ = s.uris(t, api.SearchRequest{Query: "anchor", Mode: "lexical"})
	s.until(t, "the index is healed", func() bool {
		r, _ := s.Ready(t.Context())
		return r.Status == "ready" && s.metric(t, "quarry_engine_corruptions_total") == "1"
	})
	findsAll(t, s, "anchor")
	if got := s.uris(t, api.SearchRequest{Query: "segment", Collections: []string{"more"}, Mode: "lexical"}); len(got) != 1 {
		t.Errorf("the other collection finds %v", got)
	}
	s.stop()
	for _, name := range others {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("a segment that was whole is gone: %v", err)
		}
	}
	if report := fsck(t, data, false); len(report.Problems) != 0 {
		t.Errorf("after a start: %+v", report.Problems)
	}
}

// TestIndexOfAnotherCatalog puts the index of one data directory into another,
// whose log is longer: it is not used.
func TestIndexOfAnotherCatalog(t *testing.T) {
	data, other := kept(t, "anchor"), kept(t, "beacon")
	if err := os.RemoveAll(filepath.Join(data, "index")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(other, "index"), filepath.Join(data, "index")); err != nil {
		t.Fatal(err)
	}
	s := start(t, data)
	findsAll(t, s, "anchor")
	if got := s.uris(t, api.SearchRequest{Query: "beacon", Collections: []string{"docs"}, Mode: "lexical"}); len(got) != 0 {
		t.Errorf("documents of another catalog are found: %v", got)
	}
}
