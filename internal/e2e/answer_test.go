package e2e

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/rag"
)

const (
	stone = "# Stone\n\nGranite is an igneous rock that cools slowly below the surface.\n\n## Use\n\nMasons split granite blocks with feathers and wedges.\n"
	bread = "# Bread\n\nA sourdough starter ferments flour with wild yeast for several days.\n\n## Oven\n\nBake the loaf at 230 degrees until the crust is brown.\n"
	coast = "# Coast\n\nThe lighthouse keeper lit the lamp at dusk and wound the clockwork every four hours.\n"
)

// fill puts three documents and returns the seq of the last.
func fill(t *testing.T, s *server) (seq uint64) {
	t.Helper()
	s.collection(t, "docs")
	for uri, text := range map[string]string{"doc:stone": stone, "doc:bread": bread, "doc:coast": coast} {
		r := s.put(t, "docs", uri, text)
		if r.Result != "indexed" || r.Seq == 0 {
			t.Fatalf("%s: %+v", uri, r)
		}
		seq = max(seq, r.Seq)
	}
	return seq
}

func TestFromPutToCitedAnswer(t *testing.T) {
	s := start(t, t.TempDir())
	seq := fill(t, s)
	found := s.uris(t, api.SearchRequest{Query: "lighthouse", Mode: "lexical", MinSeq: seq})
	if len(found) == 0 || found[0] != "doc:coast" {
		t.Errorf("by keyword: %q", found)
	}
	found = s.uris(t, api.SearchRequest{Query: "how do people cut hard stone", Mode: "dense", MinSeq: seq, Wait: "vectors", WaitMS: 30000})
	if len(found) == 0 || found[0] != "doc:stone" {
		t.Errorf("by meaning: %q", found)
	}
	question := api.AnswerRequest{SearchRequest: api.SearchRequest{Query: "At what temperature is the loaf baked?"}}
	answer, err := s.Answer(t.Context(), question)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Result != "answered" || !strings.Contains(answer.Answer, "230 degrees") {
		t.Fatalf("answer: %+v", answer)
	}
	for _, c := range answer.Citations {
		s.checkQuote(t, c)
	}
	var streamed strings.Builder
	var done *api.AnswerResponse
	err = s.AnswerStream(t.Context(), question, func(e api.Event) error {
		if e.Delta != nil {
			streamed.WriteString(e.Delta.Text)
		}
		if e.Done != nil {
			done = &e.Done.Answer
		}
		return nil
	})
	if err != nil || done == nil || streamed.String() != done.Answer || done.Answer != answer.Answer {
		t.Errorf("stream: %q, done %+v, %v", streamed.String(), done, err)
	}
	off, err := s.Answer(t.Context(), api.AnswerRequest{SearchRequest: api.SearchRequest{Query: "Which proteins regulate insulin secretion in mice?"}})
	if err != nil || off.Result != "abstained" {
		t.Errorf("off topic: %+v, %v", off, err)
	}
}

// checkQuote compares a quote with the stored text, byte for byte.
func (s *server) checkQuote(t *testing.T, c api.Citation) {
	t.Helper()
	text, err := s.DocumentText(t.Context(), c.DocumentID, client.Window{Version: c.Version})
	if err != nil {
		t.Fatal(err)
	}
	if got := text.Text[c.Span.ByteStart:c.Span.ByteEnd]; got != c.Quote {
		t.Errorf("the text at the span is %q, the quote %q", got, c.Quote)
	}
	if c.QuoteSHA256 != rag.HashBytes([]byte(c.Quote)).String() {
		t.Error("the quote's hash is wrong")
	}
}

func TestRestartAndRebuild(t *testing.T) {
	data := t.TempDir()
	queries := []api.SearchRequest{
		{Query: "wild yeast", Mode: "lexical"}, {Query: "stone that was molten once", Mode: "dense"},
		{Query: "lamp at the sea"}, {Query: "granite", Rerank: "sentences"},
	}
	ask := func(s *server) (out []api.Hit) {
		for _, q := range queries {
			q.Wait, q.WaitMS = "vectors", 30000
			r, err := s.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, r.Hits...)
		}
		return out
	}
	s := start(t, data)
	fill(t, s)
	s.put(t, "docs", "doc:bread", strings.Replace(bread, "230", "240", 1))
	want := ask(s)
	s.stop()

	s = start(t, data)
	if diff := cmp.Diff(want, ask(s)); diff != "" {
		t.Errorf("after a restart:\n%s", diff)
	}
	s.stop()

	catalog, err := sqlite.Open(data, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := catalog.SetCursor(t.Context(), "embedder", 0); err != nil {
		t.Fatal(err)
	}
	if err := catalog.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, data)
	if diff := cmp.Diff(want, ask(s)); diff != "" {
		t.Errorf("after the followers forgot everything:\n%s", diff)
	}
}

// A collection of another model is moved to the one that this process has.
func TestModelChange(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	seq := fill(t, s)
	s.uris(t, api.SearchRequest{Query: "granite", MinSeq: seq, Wait: "vectors", WaitMS: 30000})
	s.stop()
	catalog, err := sqlite.Open(data, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Collection(t.Context(), rag.SystemScope("test"), "docs")
	if err != nil {
		t.Fatal(err)
	}
	c.Fingerprint = "another model"
	if _, err := catalog.AlterCollection(t.Context(), c, 0); err != nil {
		t.Fatal(err)
	}
	if err := catalog.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, data)
	found := s.uris(t, api.SearchRequest{Query: "how do people cut hard stone", Mode: "dense", Wait: "vectors", WaitMS: 30000})
	if len(found) == 0 || found[0] != "doc:stone" {
		t.Errorf("by meaning: %q", found)
	}
	if now, err := s.Collection(t.Context(), "docs"); err != nil || now.Model == "another model" {
		t.Errorf("the collection still has %q, %v", now.Model, err)
	}
}

func TestBatch(t *testing.T) {
	s := start(t, t.TempDir())
	s.collection(t, "docs")
	empty, text := "", stone
	docs := []api.PutDocument{{URI: "doc:a", Text: &text}, {URI: "doc:b", Text: &empty}, {Text: &text}, {URI: "doc:a", Text: &text}}
	results := map[int]string{}
	end, err := s.Batch(t.Context(), "docs", func(yield func(api.PutDocument, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}, func(r api.PutResult) error { results[r.Line] = r.Result; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]string{1: "indexed", 2: "skipped", 3: "failed", 4: "unchanged"}, results); diff != "" {
		t.Error(diff)
	}
	job, err := s.Job(t.Context(), end.Job)
	if err != nil || job.State != "done" || !job.Balanced || job.Counts != end.Counts || job.Counts.Accepted != 4 {
		t.Errorf("job %+v, end %+v, %v", job, end, err)
	}
}

func TestOneProcessForADataDirectory(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	_, err := app.New(configOf(data), app.Options{})
	if rag.CodeOf(err) != rag.CodeConflict || !strings.Contains(err.Error(), s.app.URL()) {
		t.Errorf("got %v", err)
	}
	holder, held, err := app.HolderOf(data)
	if err != nil || !held || holder.Address != s.app.URL() {
		t.Errorf("holder %+v, %v, %v", holder, held, err)
	}
	if _, err := app.Fsck(t.Context(), configOf(data), true); rag.CodeOf(err) != rag.CodeConflict {
		t.Errorf("fsck beside a server: %v", err)
	}
	s.stop()
	if _, held, err := app.HolderOf(data); held || err != nil {
		t.Errorf("still held: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String(): "in use by another program",
		"0.0.0.0:0":           "not a loopback address",
		":0":                  "not a loopback address",
		"192.0.2.1:80":        "not a loopback address",
	} {
		c := configOf(filepath.Join(t.TempDir(), "data"))
		c.Listen = address
		if _, err := app.New(c, app.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
		if _, held, err := app.HolderOf(c.Data); held || err != nil {
			t.Errorf("%s: the directory stays locked (%v)", address, err)
		}
	}
	if _, err := app.New(config.Config{}, app.Options{}); err == nil {
		t.Error("an empty configuration was accepted")
	}
}

func TestReadsOfTheFuture(t *testing.T) {
	s := start(t, t.TempDir())
	seq := fill(t, s)
	_, err := s.Search(t.Context(), api.SearchRequest{Query: "x", MinSeq: seq + 1000, WaitMS: 50})
	if client.Code(err) != string(rag.CodeStale) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Search(ctx, api.SearchRequest{Query: "x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A stop while requests wait answers them or tells them, and soon.
func TestStopUnderLoad(t *testing.T) {
	s := start(t, t.TempDir())
	seq := fill(t, s)
	done := make(chan error, 8)
	for range cap(done) {
		go func() {
			_, err := s.Search(t.Context(), api.SearchRequest{Query: "granite", MinSeq: seq, Wait: "vectors", WaitMS: 20000})
			done <- err
		}()
	}
	s.stop()
	for range cap(done) {
		if err := <-done; err != nil && !strings.Contains(err.Error(), "ask server") && !slices.Contains([]string{"not_fresh", "canceled", "unavailable"}, client.Code(err)) {
			t.Errorf("a request heard %v", err)
		}
	}
}
