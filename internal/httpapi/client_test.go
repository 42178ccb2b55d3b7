package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/rag"
)

// TestClient walks through every method of the public client against the real
// handler on a real connection.
func TestClient(t *testing.T) {
	f := newFake()
	f.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) {
		return rag.SearchResult{Hits: []rag.Hit{{Rank: 1}}}, nil
	}
	f.onAnswer = func(_ context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		return someAnswer, sendAll(send)
	}
	srv := httptest.NewServer(handler(t, f, func(o *Options) { o.Version.Version = "1" }))
	defer srv.Close()
	c, err := client.New(srv.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	check := func(what string, err error, ok bool) {
		t.Helper()
		if err != nil || !ok {
			t.Errorf("%s: %v, as expected %v", what, err, ok)
		}
	}

	col, err := c.CreateCollection(ctx, api.CreateCollection{Name: "notes"}, client.IdempotencyKey("k"))
	check("create", err, col.Name == "notes")
	again, err := c.CreateCollection(ctx, api.CreateCollection{Name: "notes"}, client.IdempotencyKey("k"))
	check("create again", err, again.Seq == col.Seq)
	description := "d"
	col, err = c.AlterCollection(ctx, "notes", api.AlterCollection{Description: &description}, client.IfSeq(col.Seq))
	check("alter", err, col.Description == "d")
	got, err := c.Collection(ctx, "notes")
	check("get", err, cmp.Equal(got, col))
	list, err := c.Collections(ctx, client.List{Limit: 1})
	check("list", err, len(list.Data) == 1 && list.Next != nil)
	list, err = c.Collections(ctx, client.List{Limit: 1, After: *list.Next})
	check("list on", err, len(list.Data) == 1 && list.Next == nil && list.Data[0].Name == "notes")
	stats, err := c.CollectionStats(ctx, "notes")
	check("stats", err, stats.Documents == 3)

	text := "one\ntwo"
	put, err := c.PutDocument(ctx, "notes", api.PutDocument{URI: "a b/ü?.md", Text: &text}, client.IfAbsent())
	check("put", err, put.Result == "indexed" && put.Version == 1)
	_, err = c.PutDocument(ctx, "notes", api.PutDocument{URI: "a b/ü?.md", Text: &text}, client.IfAbsent())
	check("put twice", nil, client.Code(err) == "conflict")
	empty := ""
	_, err = c.PutDocument(ctx, "notes", api.PutDocument{URI: "e", Text: &empty})
	var p *api.Problem
	check("put nothing", nil, errors.As(err, &p) && p.Reason == "empty" && p.Status == 422)
	d, err := c.Document(ctx, put.ID, 1)
	check("document", err, d.URI == "a b/ü?.md")
	docs, err := c.Documents(ctx, "notes", "a b/", client.List{})
	check("documents", err, len(docs.Data) == 1)
	w, err := c.DocumentText(ctx, put.ID, client.Window{ByteStart: 4, ByteEnd: 6})
	check("text", err, w.Text == "tw")
	src, mediaType, err := c.DocumentSource(ctx, put.ID, 0)
	check("source", err, mediaType == "text/plain")
	b, _ := io.ReadAll(src)
	src.Close()
	check("source", nil, string(b) == text)
	versions, err := c.DocumentVersions(ctx, put.ID, client.List{})
	check("versions", err, len(versions.Data) == 1)
	chunks, err := c.DocumentChunks(ctx, put.ID, 1, client.List{})
	check("chunks", err, len(chunks.Data) == 2)
	d, err = c.SetAccess(ctx, put.ID, []string{"user:ana"}, client.IfSeq(d.Seq))
	check("access", err, d.Access[0] == "user:ana")
	_, err = c.DeleteDocument(ctx, put.ID, client.IfSeq(1))
	check("delete stale", nil, client.Code(err) == "precondition_failed")
	erased, err := c.EraseVersions(ctx, put.ID)
	check("erase former versions", err, erased.Erased == 0)
	written, err := c.DeleteDocument(ctx, put.ID)
	check("delete", err, written.Seq == f.seq)
	erased, err = c.PurgeDocument(ctx, put.ID)
	check("purge", err, erased.Erased == 1)

	m, err := c.StartMaintenance(ctx, api.StartMaintenance{Kind: "check"})
	check("start maintenance", err, m.State == "running")
	m, err = c.Maintenance(ctx, m.ID)
	check("maintenance", err, m.Kind == "check")
	m, err = c.CancelMaintenance(ctx, m.ID)
	check("cancel maintenance", err, m.State == "canceled")
	job, err := c.CreateJob(ctx, api.CreateJob{Collection: "notes", Path: "."})
	check("job", err, job.ID == "j1")
	jobs, err := c.Jobs(ctx, client.List{})
	check("jobs", err, len(jobs.Data) == 1)
	job, err = c.CancelJob(ctx, job.ID)
	check("cancel", err, job.State == "canceled")
	job, err = c.Job(ctx, job.ID)
	check("job", err, job.State == "canceled")
	items, err := c.JobItems(ctx, job.ID, client.ItemList{Result: "failed", Reason: "parse"})
	check("items", err, items.Data != nil)

	found, err := c.Search(ctx, api.SearchRequest{Query: "x"})
	check("search", err, len(found.Hits) == 1)
	answer, err := c.Answer(ctx, api.AnswerRequest{SearchRequest: api.SearchRequest{Query: "x"}, Stream: true})
	check("answer", err, answer.Answer == "Yes. [1]")
	var types []string
	err = c.AnswerStream(ctx, api.AnswerRequest{SearchRequest: api.SearchRequest{Query: "x"}}, func(e api.Event) error {
		types = append(types, fmt.Sprint(e.ID, e.Type))
		if e.Done != nil && !cmp.Equal(e.Done.Answer, answer) {
			t.Errorf("the streamed answer differs: %s", cmp.Diff(answer, e.Done.Answer))
		}
		return nil
	})
	check("stream", err, cmp.Equal(types, []string{"1retrieval", "2delta", "3citation", "4verdict", "5usage", "6done"}))
	version, err := c.Version(ctx)
	check("version", err, version.Version == "1")
	ready, err := c.Ready(ctx)
	check("ready", err, ready.Status == "ready")
	f.readiness.Status = "draining"
	ready, err = c.Ready(ctx)
	check("not ready", err, ready.Status == "draining")
	_, err = c.DropCollection(ctx, "notes")
	check("drop", err, true)
	_, err = c.Collection(ctx, "notes")
	check("dropped", nil, client.Code(err) == "not_found")
}

func TestClientStreamErrors(t *testing.T) {
	f := newFake()
	late := false
	f.onAnswer = func(_ context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		if late {
			_ = send(rag.Event{Type: rag.EventDelta, Delta: "x"})
			panic("gone")
		}
		_ = send(rag.Event{Type: rag.EventDelta, Delta: "x"})
		return rag.Answer{}, &rag.Error{Code: rag.CodeUnavailable, Message: "later"}
	}
	srv := httptest.NewServer(handler(t, f))
	defer srv.Close()
	c, _ := client.New(srv.URL)
	in := api.AnswerRequest{SearchRequest: api.SearchRequest{Query: "x"}}
	if err := c.AnswerStream(context.Background(), in, func(api.Event) error { return nil }); client.Code(err) != "unavailable" {
		t.Errorf("an error event became %v", err)
	}
	late = true
	if err := c.AnswerStream(context.Background(), in, func(api.Event) error { return nil }); !errors.Is(err, client.ErrCutOff) {
		t.Errorf("a stream that was cut off became %v", err)
	}
}

func TestClientBatch(t *testing.T) {
	f := newFake()
	srv := httptest.NewServer(handler(t, f))
	defer srv.Close()
	c, _ := client.New(srv.URL)
	ctx := context.Background()
	docs := func(n int, last error) func(func(api.PutDocument, error) bool) {
		return func(yield func(api.PutDocument, error) bool) {
			for i := range n {
				text := fmt.Sprint("text ", i)
				if i == 1 {
					text = ""
				}
				if !yield(api.PutDocument{URI: fmt.Sprint("u", i), Text: &text}, nil) {
					return
				}
			}
			if last != nil {
				yield(api.PutDocument{}, last)
			}
		}
	}
	seen := map[string]int{}
	end, err := c.Batch(ctx, "docs", docs(50, nil), func(r api.PutResult) error { seen[r.Result]++; return nil })
	if err != nil || end.Counts.Accepted != 50 || !cmp.Equal(seen, map[string]int{"indexed": 49, "skipped": 1}) {
		t.Errorf("%+v, %v, %v", end, seen, err)
	}
	broken := errors.New("cannot read the file")
	if _, err := c.Batch(ctx, "docs", docs(3, broken), func(api.PutResult) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("an error of the documents became %v", err)
	}
	enough := errors.New("enough")
	if _, err := c.Batch(ctx, "docs", docs(100000, nil), func(api.PutResult) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("an error of the caller became %v", err)
	}
	if _, err := c.Batch(ctx, "other", docs(100000, nil), func(api.PutResult) error { return nil }); client.Code(err) != "not_found" {
		t.Errorf("an unknown collection became %v", err)
	}
	f.addErr = &rag.Error{Code: rag.CodeUnavailable, Message: "full"}
	if _, err := c.Batch(ctx, "docs", docs(3, nil), func(api.PutResult) error { return nil }); client.Code(err) != "unavailable" {
		t.Errorf("a batch that failed became %v", err)
	}
}

func TestClientOfSomethingElse(t *testing.T) {
	srv := httptest.NewServer(nil)
	defer srv.Close()
	c, _ := client.New(srv.URL)
	if _, err := c.Search(context.Background(), api.SearchRequest{Query: "x"}); client.Code(err) != "not_quarry" {
		t.Errorf("%v", err)
	}
	for _, url := range []string{"", "localhost:8080", "ftp://x", "http://"} {
		if _, err := client.New(url); err == nil {
			t.Errorf("%q passes", url)
		}
	}
}
