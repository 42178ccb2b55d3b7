package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/rag"
)

// ingested waits for a folder's first job.
func (s *server) ingested(t *testing.T) rag.Job {
	t.Helper()
	var p app.Progress
	s.until(t, "the folder is ingested", func() bool {
		var err error
		if p, err = s.app.Progress(t.Context()); err != nil {
			t.Fatal(err)
		}
		return p.Ended && p.Embedded == p.Chunks
	})
	return p.Folders[0]
}

// items returns what became of each item of a job, by its path in the folder.
func (s *server) items(t *testing.T, job, prefix string) map[string]string {
	t.Helper()
	out := map[string]string{}
	list := client.ItemList{List: client.List{Limit: 3}}
	for {
		page, err := s.JobItems(t.Context(), job, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Data {
			out[strings.TrimPrefix(it.Item, prefix)] = strings.TrimSpace(it.Result + " " + it.Reason)
		}
		if page.Next == nil {
			return out
		}
		list.After = *page.Next
	}
}

func TestFolder(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data") // inside the folder: never read as documents
	write(t, dir, "stone.md", stone)
	write(t, dir, "food/bread.md", bread)
	write(t, dir, "empty.txt", "")
	write(t, dir, "blank.txt", " \n\t\n")
	write(t, dir, "binary.bin", "\x00\x01\x02\xff")
	write(t, dir, "latin1.txt", "Der M\xfcller mahlt das Korn am Bach.")
	write(t, dir, "broken.pdf", "%PDF-1.7\nnot really")
	write(t, dir, ".git/config", "[core]")
	write(t, dir, "two\nlines.md", "x")
	if err := os.Symlink(".", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	s := start(t, data, app.Folder{Path: dir, Collection: "docs"})
	job := s.ingested(t)
	prefix := "file://" + filepath.ToSlash(dir) + "/"
	got := s.items(t, job.ID, prefix)
	if r := got["latin1.txt"]; r != "indexed" && r != "skipped encoding" && r != "failed encoding" {
		t.Errorf("latin1.txt: %q", r)
	}
	if r := got["broken.pdf"]; !strings.HasPrefix(r, "failed") {
		t.Errorf("broken.pdf: %q", r)
	}
	delete(got, "latin1.txt")
	delete(got, "broken.pdf")
	if diff := cmp.Diff(map[string]string{
		"stone.md": "indexed", "food/bread.md": "indexed", "empty.txt": "skipped empty", "blank.txt": "skipped no_text",
		"binary.bin": "skipped unsupported", ".git/": "skipped policy", "two%0Alines.md": "skipped name",
		"loop": "skipped symlink", "data/": "skipped policy",
	}, got); diff != "" {
		t.Error(diff)
	}
	if !job.Counts.Balanced() || job.State != rag.JobDone || job.Counts.Accepted != 11 {
		t.Errorf("job %+v", job)
	}
	s.followsChanges(t, dir, prefix)
	s.onlyItsFolders(t, dir)
	s.stop()

	s = start(t, data, app.Folder{Path: dir, Collection: "docs"})
	again := s.ingested(t)
	if again.ID == job.ID || again.Counts.Indexed != 0 || !again.Counts.Balanced() {
		t.Errorf("the second start: %+v", again)
	}
	s.stop()
	report, err := app.Fsck(t.Context(), configOf(data), false)
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("fsck: %+v, %v", report.Problems, err)
	}
}

// followsChanges edits the folder and sees the index follow.
func (s *server) followsChanges(t *testing.T, dir, prefix string) {
	t.Helper()
	filter := []byte(`{"type":"eq","key":"folder","value":"food"}`)
	only := s.uris(t, api.SearchRequest{Query: "the", Mode: "lexical", Filter: filter})
	only = append(only, s.uris(t, api.SearchRequest{Query: "granite flour", Mode: "lexical", Filter: filter})...)
	for _, uri := range only {
		if uri != prefix+"food/bread.md" {
			t.Errorf("the filter let %s pass", uri)
		}
	}
	search := func() []string {
		return s.uris(t, api.SearchRequest{Query: "quicksilver", Mode: "lexical"})
	}
	write(t, dir, "new/metal.md", "# Metal\n\nQuicksilver is liquid at room temperature.\n")
	s.until(t, "a new file is found", func() bool { return len(search()) == 1 })
	write(t, dir, "new/metal.md", "# Metal\n\nMercury is liquid at room temperature.\n")
	s.until(t, "an edit is seen", func() bool { return len(search()) == 0 })
	write(t, dir, "new/metal.md", "# Metal\n\nQuicksilver again, and quicksilver.\n")
	s.until(t, "the next edit is seen", func() bool { return len(search()) == 1 })
	if err := os.RemoveAll(filepath.Join(dir, "new")); err != nil {
		t.Fatal(err)
	}
	s.until(t, "a deletion is seen", func() bool { return len(search()) == 0 })
	write(t, dir, "stone.md", "") // no longer a document
	s.until(t, "an emptied file is gone", func() bool {
		return len(s.uris(t, api.SearchRequest{Query: "granite", Mode: "lexical"})) == 0
	})
}

// onlyItsFolders asks the server to read what it was not started with.
func (s *server) onlyItsFolders(t *testing.T, dir string) {
	t.Helper()
	for _, path := range []string{filepath.Dir(dir), t.TempDir(), "/etc"} {
		_, err := s.CreateJob(t.Context(), api.CreateJob{Collection: "docs", Path: path})
		if client.Code(err) != string(rag.CodeForbidden) {
			t.Errorf("%s: %v", path, err)
		}
	}
	job, err := s.CreateJob(t.Context(), api.CreateJob{Collection: "docs", Path: filepath.Join(dir, "food")})
	if err != nil {
		t.Fatal(err)
	}
	s.until(t, "the job ends", func() bool {
		j, err := s.Job(t.Context(), job.ID)
		return err == nil && j.State == "done" && j.Counts.Unchanged == 1
	})
}
