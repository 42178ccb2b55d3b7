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

// TestRetentionOfACollection has collections whose retention is not the
// server's, which is then changed.
func TestRetentionOfACollection(t *testing.T) {
	c := configOf(t.TempDir())
	s := keeping(t, c)
	first := map[string]uint64{}
	for name, retention := range map[string]string{"inherits": "", "keeps": "1h", "brief": "1s", "none": "none"} {
		_, err := s.CreateCollection(t.Context(), api.CreateCollection{Name: name, Settings: &api.Settings{Retention: retention}})
		if err != nil {
			t.Fatal(err)
		}
		first[name] = s.put(t, name, "a.md", "The fee is nine dinars.\n").Seq
	}
	replace := func(text string) {
		t.Helper()
		for name := range first {
			s.waitFor(t, s.put(t, name, "a.md", text).Seq)
		}
	}
	kept := func(name string) bool {
		t.Helper()
		r, err := s.Search(t.Context(), api.SearchRequest{Query: "nine dinars", Collections: []string{name}, Mode: "lexical", AsOf: strconv.FormatUint(first[name], 10)})
		if err != nil && !strings.Contains(err.Error(), "keeps nothing from before") {
			t.Fatal(err)
		}
		return err == nil && len(r.Hits) == 1
	}
	wants := func(when string, want map[string]bool) {
		t.Helper()
		for name := range first {
			if kept(name) != want[name] {
				t.Errorf("%s: %q keeps what was: %v", when, name, !want[name])
			}
		}
	}
	replace("The fee is ten dinars.\n")
	if kept("inherits") || kept("none") || !kept("keeps") {
		t.Errorf("inherits %v, none %v, keeps %v", kept("inherits"), kept("none"), kept("keeps"))
	}
	s.stop()
	time.Sleep(1100 * time.Millisecond) // past the brief one
	c.Retention = time.Hour
	s = keeping(t, c)
	s.until(t, "the brief one has ended", func() bool { return !kept("brief") })
	replace("The fee is eleven dinars.\n")
	wants("with a retention of the server", map[string]bool{"keeps": true})
	for name := range first {
		first[name] = s.put(t, name, "a.md", "The fee is nine dinars again.\n").Seq
	}
	replace("The fee is twelve dinars.\n")
	wants("after another version", map[string]bool{"keeps": true, "inherits": true, "brief": kept("brief")})
	if _, err := s.AlterCollection(t.Context(), "keeps", api.AlterCollection{Settings: &api.Settings{Retention: "none"}}); err != nil {
		t.Fatal(err)
	}
	s.until(t, "none is left", func() bool { return !kept("keeps") })
	s.stop()
	if report, err := app.Fsck(t.Context(), c, false); err != nil || len(report.Problems) > 0 {
		t.Errorf("fsck: %+v, %v", report.Problems, err)
	}
}

// waitFor waits until a change can be searched.
func (s *server) waitFor(t *testing.T, seq uint64) {
	t.Helper()
	if _, err := s.Search(t.Context(), api.SearchRequest{Query: "x", Mode: "lexical", MinSeq: seq}); err != nil {
		t.Fatal(err)
	}
}
