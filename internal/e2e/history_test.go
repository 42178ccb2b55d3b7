package e2e

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/app"
)

// TestAsOf replaces and deletes a document, and searches for what it was: by
// change and by time, before and after the server was started again.
func TestAsOf(t *testing.T) {
	c := configOf(t.TempDir())
	c.Retention = time.Hour
	begin := func() *server {
		return startWith(t, c, app.Options{Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	}
	s := begin()
	s.collection(t, "docs")
	first := s.put(t, "docs", "fees.md", "# Fees\n\nThe fee is nine dinars.\n")
	s.waitFor(t, first.Seq)
	noted := time.Now()
	second := s.put(t, "docs", "fees.md", "# Fees\n\nThe fee is twelve dinars.\n")
	s.waitFor(t, second.Seq)
	gone, err := s.DeleteDocument(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	asOf := func(s *server, at string) string {
		t.Helper()
		r, err := s.Search(t.Context(), api.SearchRequest{Query: "fee dinars", Collections: []string{"docs"}, Mode: "lexical", MinSeq: gone.Seq, AsOf: at})
		if err != nil {
			t.Fatal(err)
		}
		var quotes []string
		for _, h := range r.Hits {
			quotes = append(quotes, strconv.Itoa(h.Version)+" "+h.Quote)
		}
		return strings.Join(quotes, "|")
	}
	check := func(s *server) {
		t.Helper()
		for at, want := range map[string]string{
			strconv.FormatUint(first.Seq, 10): "nine", noted.Format(time.RFC3339Nano): "nine",
			strconv.FormatUint(second.Seq, 10): "twelve",
		} {
			if got := asOf(s, at); strings.Count(got, "|") != 0 || !strings.Contains(got, want) {
				t.Errorf("as of %s: %q, want %q", at, got, want)
			}
		}
		if got := asOf(s, ""); got != "" {
			t.Errorf("now: %q", got)
		}
	}
	check(s)
	s.stop()
	s = begin()
	check(s)
	if _, err := s.Search(t.Context(), api.SearchRequest{Query: "fee", AsOf: "99999"}); err == nil || !strings.Contains(err.Error(), "yet to come") {
		t.Errorf("as of a change that is to come: %v", err)
	}
	s.stop()
	if _, _, err := app.Compact(t.Context(), c, first.ID); err != nil {
		t.Fatal(err)
	}
	s = begin()
	if got := asOf(s, strconv.FormatUint(first.Seq, 10)); got != "" {
		t.Errorf("purged, but found: %q", got)
	}
	s.stop()
	c.Retention = 0
	s = begin()
	s.waitFor(t, s.put(t, "docs", "other.md", "# Other\n\nAnother text.\n").Seq)
	if _, err := s.Search(t.Context(), api.SearchRequest{Query: "fee", Collections: []string{"docs"}, AsOf: strconv.FormatUint(first.Seq, 10)}); err == nil || !strings.Contains(err.Error(), "keeps nothing from before change") {
		t.Errorf("without retention: %v", err)
	}
}

// waitFor waits until a change can be searched.
func (s *server) waitFor(t *testing.T, seq uint64) {
	t.Helper()
	if _, err := s.Search(t.Context(), api.SearchRequest{Query: "x", Mode: "lexical", MinSeq: seq}); err != nil {
		t.Fatal(err)
	}
}
