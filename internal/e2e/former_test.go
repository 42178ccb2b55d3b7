package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

// TestFormerVersionsDiffer has an index keep other former versions than the
// catalog knows: fsck names each, and drops the past of that collection alone.
func TestFormerVersionsDiffer(t *testing.T) {
	c := configOf(t.TempDir())
	c.Retention = time.Hour
	s := keeping(t, c)
	ids := map[string]string{}
	first := map[string]uint64{}
	for _, name := range []string{"docs", "more"} {
		s.collection(t, name)
		for i := range 4 {
			uri := fmt.Sprintf("%s:%d", name, i)
			for n := range 3 {
				r := s.put(t, name, uri, fmt.Sprintf("# Version %d\n\nOf number %d.\n", n, i))
				if n == 0 {
					first[uri] = r.Seq
				}
				ids[uri] = r.ID
			}
		}
	}
	gone, err := s.DeleteDocument(t.Context(), ids["docs:3"])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetAccess(t.Context(), ids["docs:2"], []string{"user:ana"}); err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, gone.Seq+1)
	s.stop()
	check := func(repair bool) rag.CheckReport {
		t.Helper()
		report, err := app.Fsck(t.Context(), c, repair)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if r := check(false); len(r.Problems) > 0 || r.Checked["index_former_versions"] != 17 {
		t.Fatalf("before: %+v", r)
	}
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(filepath.Join(c.Data, "index"))); err != nil {
		t.Fatal(err)
	}
	s = keeping(t, c)
	head := uint64(0)
	for i := range 6 {
		head = s.put(t, "more", fmt.Sprintf("late:%d", i), "The log goes on.\n").Seq
	}
	s.stop()
	if err := errors.Join(os.RemoveAll(filepath.Join(c.Data, "index")), os.CopyFS(filepath.Join(c.Data, "index"), os.DirFS(old))); err != nil {
		t.Fatal(err)
	}
	// Put behind the catalog's back, so that what they replace looks former. The
	// seqs of these are those of entries that say something else.
	index, err := local.OpenDir(filepath.Join(c.Data, "index"), local.Log{Head: head, KeepHistory: true}, nil)
	if err != nil || index.Recovered() != nil {
		t.Fatal(err, index.Recovered())
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(index.Purge("docs", ids["docs:0"]))
	at := index.Applied()
	present := func(uri string, version int, access ...string) rag.IndexChange {
		at++
		return rag.IndexChange{Change: rag.Change{Seq: at, Kind: rag.ChangePublished, Collection: "docs",
			Document: &rag.Document{ID: ids[uri], Collection: "docs", Access: access, Version: rag.Version{Number: version, Title: "Another"}}}}
	}
	must(index.Apply(t.Context(), []rag.IndexChange{present("docs:1", 7, "*"), present("docs:1", 3, "*"), present("docs:2", 8, "user:eve")}))
	must(index.Close())
	for _, repair := range []bool{false, true} {
		report := check(repair)
		for _, want := range []struct{ invariant, subject, detail string }{
			{"index_former", "docs/" + ids["docs:0"] + ", version 1", "the index lacks this former version"},
			{"index_former", "docs/" + ids["docs:0"] + ", version 2", "the index lacks this former version"},
			{"index_former", "docs/" + ids["docs:1"] + ", version 7", "the catalog does not know it"},
			{"index_former", "docs/" + ids["docs:1"] + ", version 3", "and it is the present one"},
			{"index_former_access", "docs/" + ids["docs:2"] + ", version 1", `the index lets in ["user:eve"], the catalog ["user:ana"]`},
		} {
			if !slices.ContainsFunc(report.Problems, func(p rag.Problem) bool {
				return p.Invariant == want.invariant && p.Subject == want.subject && strings.Contains(p.Detail, want.detail) && p.Repaired == repair
			}) {
				t.Errorf("repair %v: no problem %+v", repair, want)
			}
		}
		if t.Failed() {
			t.Fatalf("problems %+v", report.Problems)
		}
	}
	if report := check(false); len(report.Problems) != 0 {
		t.Errorf("after repair: %+v", report)
	}
}

// TestOnlyFormerVersionsDiffer drops the past that differs, and no other.
func TestOnlyFormerVersionsDiffer(t *testing.T) {
	c := configOf(t.TempDir())
	c.Retention = time.Hour
	s := keeping(t, c)
	first := map[string]uint64{}
	id := ""
	for _, name := range []string{"docs", "more"} {
		s.collection(t, name)
		r := s.put(t, name, "a.md", "The fee is nine dinars.\n")
		first[name], id = r.Seq, r.ID
		s.waitFor(t, s.put(t, name, "a.md", "The fee is ten dinars.\n").Seq)
	}
	s.stop()
	index, err := local.OpenDir(filepath.Join(c.Data, "index"), local.Log{Head: 1 << 40, KeepHistory: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(index.Purge("more", id), index.Close()); err != nil {
		t.Fatal(err)
	}
	report, err := app.Fsck(t.Context(), c, true)
	if err != nil || len(report.Problems) != 1 || !report.Problems[0].Repaired || !strings.HasPrefix(report.Problems[0].Subject, "more/") {
		t.Fatalf("%+v, %v", report, err)
	}
	s = keeping(t, c)
	for name, want := range map[string]bool{"docs": true, "more": false} {
		r, err := s.Search(t.Context(), api.SearchRequest{Query: "nine", Collections: []string{name}, Mode: "lexical", AsOf: strconv.FormatUint(first[name], 10)})
		if got := err == nil && len(r.Hits) == 1; got != want {
			t.Errorf("%s: its past is there: %v, %v", name, got, err)
		}
	}
}

// TestToolsKeepHistory has fsck and compact follow the log without being told
// the retention that the server had: what it kept stays.
func TestToolsKeepHistory(t *testing.T) {
	c := configOf(t.TempDir())
	c.Retention = time.Hour
	s := keeping(t, c)
	s.collection(t, "docs")
	first := s.put(t, "docs", "a.md", "The fee is nine dinars.\n").Seq
	s.waitFor(t, s.put(t, "docs", "a.md", "The fee is ten dinars.\n").Seq)
	s.stop()
	index, old := filepath.Join(c.Data, "index"), filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(index)); err != nil {
		t.Fatal(err)
	}
	s = keeping(t, c)
	s.put(t, "docs", "a.md", "The fee is eleven dinars.\n")
	s.stop()
	if err := errors.Join(os.RemoveAll(index), os.CopyFS(index, os.DirFS(old))); err != nil {
		t.Fatal(err)
	}
	untold := c
	untold.Retention = 0
	if report, err := app.Fsck(t.Context(), untold, true); err != nil || len(report.Problems) > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	if _, _, err := app.Compact(t.Context(), untold); err != nil {
		t.Fatal(err)
	}
	s = keeping(t, c)
	r, err := s.Search(t.Context(), api.SearchRequest{Query: "nine", Collections: []string{"docs"}, Mode: "lexical", AsOf: strconv.FormatUint(first, 10)})
	if err != nil || len(r.Hits) != 1 {
		t.Errorf("the first version: %+v, %v", r, err)
	}
}
