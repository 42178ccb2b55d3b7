package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

// maintain has the server do something and waits for its end.
func (s *server) maintain(t *testing.T, in api.StartMaintenance) api.Maintenance {
	t.Helper()
	m, err := s.StartMaintenance(t.Context(), in)
	for err == nil && m.State == "running" {
		time.Sleep(5 * time.Millisecond)
		m, err = s.Maintenance(t.Context(), m.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMaintenanceWhileServing checks and compacts the index again and again
// while documents are put, replaced, deleted and erased, and searched: no check
// finds a difference, since it compares both at one seq.
func TestMaintenanceWhileServing(t *testing.T) {
	c := configOf(t.TempDir())
	c.Retention = time.Hour
	s := keeping(t, c)
	s.collection(t, "docs")
	for i := range 30 {
		s.put(t, "docs", fmt.Sprintf("doc:%d", i), fmt.Sprintf("# Anchor %d\n\nThe anchor of number %d stands here.\n", i, i))
	}
	writing, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	failed := make(chan error, 1)
	fail := func(err error) {
		if err != nil && writing.Err() == nil {
			select {
			case failed <- err:
			default:
			}
		}
	}
	writer.Go(func() {
		for n := 0; writing.Err() == nil; n++ {
			uri := fmt.Sprintf("doc:%d", n%40)
			text := fmt.Sprintf("# Anchor %d\n\nThe anchor changed %d times.\n", n%40, n)
			put, err := s.PutDocument(writing, "docs", api.PutDocument{URI: uri, Text: &text, MediaType: "text/markdown"})
			fail(err)
			switch n % 20 {
			case 7:
				_, err = s.DeleteDocument(writing, put.ID)
			case 13:
				_, err = s.SetAccess(writing, put.ID, []string{"user:ana"})
			case 19:
				_, err = s.Search(writing, api.SearchRequest{Query: "anchor", Collections: []string{"docs"}, MinSeq: put.Seq})
			}
			fail(err)
		}
	})
	former := int64(0)
	for range 6 {
		if m := s.maintain(t, api.StartMaintenance{Kind: "check"}); m.State != "done" || len(m.Problems) > 0 || m.Checked["index_documents"] == 0 || m.Done != m.Total {
			t.Errorf("check: %+v", m)
		} else {
			former = max(former, m.Checked["index_former_versions"])
		}
		if m := s.maintain(t, api.StartMaintenance{Kind: "compact", Collections: []string{"docs"}}); m.State != "done" || m.After == nil || m.Done != 1 {
			t.Errorf("compact: %+v", m)
		}
	}
	stop()
	writer.Wait()
	select {
	case err := <-failed:
		t.Error(err)
	default:
	}
	if former == 0 {
		t.Error("no former version was compared")
	}
	// The last request may still be carried out, and its vectors be on their way.
	s.until(t, "nothing dead is left", func() bool {
		m := s.maintain(t, api.StartMaintenance{Kind: "compact"})
		return m.State == "done" && m.After.Segments == 1 && m.After.Chunks == m.Before.Chunks
	})
	if _, err := s.StartMaintenance(t.Context(), api.StartMaintenance{Kind: "compact", Collections: []string{"none"}}); client.Code(err) != "not_found" {
		t.Errorf("no such collection: %v", err)
	}
}

// TestRunningCheckFindsDifferences has an index hold what the catalog does not
// while the server runs.
func TestRunningCheckFindsDifferences(t *testing.T) {
	data := kept(t, "anchor")
	index, err := local.OpenDir(filepath.Join(data, "index"), local.Log{Head: 1 << 40}, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := rag.DocumentID("docs", "anchor:3")
	// It stands ahead of the log by none: the entry is one that was applied.
	if err := index.Restore(t.Context(), []rag.IndexChange{{Change: rag.Change{Kind: rag.ChangePublished, Collection: "docs",
		Document: &rag.Document{ID: "extra", Collection: "docs", Version: rag.Version{Number: 1}}}}}); err != nil {
		t.Fatal(err)
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
	s := start(t, data)
	m := s.maintain(t, api.StartMaintenance{Kind: "check"})
	if m.State != "done" || !slices.ContainsFunc(m.Problems, func(p api.CheckProblem) bool {
		return p.Invariant == "index_document" && p.Subject == "docs/extra" && strings.Contains(p.Detail, "once more")
	}) {
		t.Errorf("%+v", m)
	}
	if _, err := s.Document(t.Context(), id, 0); err != nil {
		t.Error(err)
	}
	if m, err := s.CancelMaintenance(t.Context(), m.ID); err != nil || m.State != "done" {
		t.Errorf("canceled after its end: %+v, %v", m, err)
	}
}
