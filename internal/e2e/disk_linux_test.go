package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/rag"
)

// smallDisk mounts a file system of a few megabytes.
func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("a small disk cannot be mounted here, that takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk writes a file until the disk is full.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} {
		for block := make([]byte, size); err == nil; {
			_, err = f.Write(block)
		}
		err = nil
	}
}

// TestFullDisk fills the disk under a server: it refuses writes and says why,
// goes on searching, tells that its index cannot be written, and does all of it
// again by itself when there is room.
func TestFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the index to be written")
	}
	disk := smallDisk(t)
	data, ballast := filepath.Join(disk, "data"), filepath.Join(disk, "ballast")
	s := start(t, data)
	s.collection(t, "docs")
	s.put(t, "docs", "doc:0", "An anchor holds the ship.")
	if err := s.app.WaitVectors(t.Context()); err != nil {
		t.Fatal(err)
	}
	fillDisk(t, ballast)
	acknowledged := 1
	var refused error
	for ; refused == nil && acknowledged < 2000; acknowledged++ {
		text := fmt.Sprintf("An anchor of number %d. %s", acknowledged, strings.Repeat("It holds. ", 500))
		_, refused = s.PutDocument(t.Context(), "docs", api.PutDocument{URI: fmt.Sprintf("doc:%d", acknowledged), Text: &text, MediaType: "text/plain"})
	}
	acknowledged-- // the last was refused
	if client.Code(refused) != string(rag.CodeUnavailable) || !strings.Contains(refused.Error(), "disk full") {
		t.Fatalf("after %d documents: %v", acknowledged, refused)
	}
	search := func() int {
		return len(s.uris(t, api.SearchRequest{Query: "anchor", Collections: []string{"docs"}, TopK: 5}))
	}
	if search() == 0 {
		t.Error("nothing is found on a full disk")
	}
	s.until(t, "the server says that it cannot write its index", func() bool {
		r, _ := s.Ready(t.Context())
		return r.Status == "degraded" && strings.Contains(fmt.Sprint(r.Checks), "not_written")
	})
	if search() == 0 {
		t.Error("nothing is found while the index cannot be written")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s.put(t, "docs", "doc:last", "The anchor is lifted.")
	s.until(t, "the server is ready again", func() bool {
		r, _ := s.Ready(t.Context())
		return r.Status == "ready"
	})
	for _, outcome := range []string{"error", "ok"} {
		if got := s.metric(t, `quarry_engine_task_duration_seconds_count{outcome="`+outcome+`",task="flush"}`); got == "" || got == "0" {
			t.Errorf("flushes that ended in %s: %q", outcome, got)
		}
	}
	if err := s.app.WaitVectors(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(s.documents(t, "docs")); got != acknowledged+1 {
		t.Errorf("%d documents, acknowledged were %d", got, acknowledged+1)
	}
	s.stop()
	if report := fsck(t, data, false); len(report.Problems) > 0 {
		t.Errorf("fsck: %+v", report.Problems)
	}
}
