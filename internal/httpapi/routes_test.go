package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestSearchIsTranslated(t *testing.T) {
	f := newFake()
	var asked rag.Query
	f.onSearch = func(_ context.Context, q rag.Query) (rag.SearchResult, error) {
		asked = q
		doc := rag.Document{ID: "d1", Collection: "docs", URI: "a.md", Version: rag.Version{Number: 2, Title: "A", Kind: rag.KindMarkdown,
			Attributes: map[string]filter.Value{"year": filter.NumberOf(2024), "at": filter.TimeOf(noon)}}}
		chunk := rag.Chunk{Key: rag.ChunkKey{DocumentID: "d1", Version: 2, Ordinal: 3}, Text: "quoted", Span: rag.Span{ByteStart: 1, ByteEnd: 7, CharStart: 1, CharEnd: 7},
			Locator: rag.Locator{LineStart: 4, LineEnd: 5, HeadingPath: []string{"H"}}}
		return rag.SearchResult{Seq: 9, Candidates: 50, Mode: rag.Dense, Stages: []rag.Stage{{Name: "fuse", Took: 1500 * time.Microsecond}},
			Hits: []rag.Hit{{Rank: 1, Score: 0.5, Chunk: chunk, Document: doc, Explain: &rag.Explanation{Dense: rag.LegScore{Score: 0.25, Rank: 1, Known: true}}}}}, nil
	}
	w := do(handler(t, f), "POST", "/v1/search", `{"query":" how ","collections":["docs"],"filter":{"kind":{"$in":["markdown"]}},"mode":"dense","rerank":"sentences","dense_weight":0.25,"min_seq":7,"wait":"vectors","wait_ms":1500,"explain":true}`)
	weight := 0.25
	want := rag.Query{Text: " how ", Collections: []string{"docs"}, Filter: filter.Test(filter.Eq, "kind", filter.StringOf("markdown")), TopK: 10,
		Mode: rag.Dense, Rerank: rag.RerankSentences, DenseWeight: &weight, MinSeq: 7, WaitVectors: true, Wait: 1500 * time.Millisecond, Explain: true}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	got := body[api.SearchResponse](t, w, 200)
	wantBody := api.SearchResponse{Mode: "dense", Candidates: 50, Seq: 9, Degraded: []string{}, Stages: []api.Stage{{Name: "fuse", MS: 1.5}}, Hits: []api.Hit{{
		Rank: 1, Score: 0.5, DocumentID: "d1", Collection: "docs", Version: 2, ChunkID: "d1.2.3", URI: "a.md", Title: "A", Kind: "markdown",
		Span: api.Span{ByteStart: 1, ByteEnd: 7, CharStart: 1, CharEnd: 7}, Quote: "quoted", QuoteSHA256: rag.HashBytes([]byte("quoted")).String(),
		Locator: api.Locator{LineStart: 4, LineEnd: 5, HeadingPath: []string{"H"}}, Attributes: map[string]any{"year": 2024.0, "at": "2026-03-01T12:00:00Z"},
		Explain: &api.Explain{Dense: api.LegScore{Score: 0.25, Rank: 1, Known: true}},
	}}}
	if diff := cmp.Diff(wantBody, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestAttributesAreTranslated(t *testing.T) {
	f := newFake()
	var asked rag.Query
	f.onSearch = func(_ context.Context, q rag.Query) (rag.SearchResult, error) {
		asked = q
		return rag.SearchResult{Mode: rag.Browse, Total: rag.Total{Documents: 3, Chunks: 7}, Facets: []rag.FacetCounts{
			{Field: "at", Distinct: 4, Missing: 1, Values: []rag.ValueCount{{Value: filter.TimeOf(noon), Documents: 2}, {Value: filter.NumberOf(5), Documents: 1}}},
			{Field: "kind"}}}, nil
	}
	w := do(handler(t, f), "POST", "/v1/search", `{"facets":[{"field":"at","limit":2},{"field":"kind"}],"sort":[{"field":"at","order":"desc"},{"field":"uri"}],"group_by":"document","as_of":"17"}`)
	want := rag.Query{TopK: 10, Mode: rag.Hybrid, Facets: []rag.Facet{{Field: "at", Limit: 2}, {Field: "kind", Limit: 10}},
		Sort: []rag.SortKey{{Field: "at", Descending: true}, {Field: "uri"}}, GroupSize: 3, AsOf: &rag.Moment{Seq: 17}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	got := body[api.SearchResponse](t, w, 200)
	facets := []api.Facet{
		{Field: "at", Distinct: 4, Missing: 1, Values: []api.FacetValue{{Value: "2026-03-01T12:00:00Z", Count: 2}, {Value: 5.0, Count: 1}}},
		{Field: "kind", Values: []api.FacetValue{}},
	}
	if diff := cmp.Diff(facets, got.Facets); diff != "" || got.Total != (api.Total{Documents: 3, Chunks: 7}) {
		t.Errorf("total %+v, facets (-want +got):\n%s", got.Total, diff)
	}
}

func TestSearchDefaults(t *testing.T) {
	f := newFake()
	var asked rag.Query
	f.onSearch = func(_ context.Context, q rag.Query) (rag.SearchResult, error) {
		asked = q
		return rag.SearchResult{}, nil
	}
	w := do(handler(t, f), "POST", "/v1/search", `{"query":"x"}`)
	if diff := cmp.Diff(rag.Query{Text: "x", TopK: 10, Mode: rag.Hybrid}, asked); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(w.Body.String(), `"hits":[]`) || !strings.Contains(w.Body.String(), `"degraded":[]`) {
		t.Errorf("a list is null: %s", w.Body)
	}
}

func TestGateRefusesWhenFull(t *testing.T) {
	f := newFake()
	running, release := make(chan bool), make(chan bool)
	f.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) {
		running <- true
		<-release
		return rag.SearchResult{}, nil
	}
	s := newServer(func() Options { o := f.options(); o.SearchSlots, o.SearchQueue = 1, 1; return o }().withDefaults())
	h := http.HandlerFunc(s.serve)
	codes := make(chan int, 3)
	search := func() { codes <- do(h, "POST", "/v1/search", `{"query":"x"}`).Code }
	go search()
	<-running
	go search() // waits in the queue
	for len(s.gate.waiting) < 2 {
		time.Sleep(time.Millisecond)
	}
	p := problemIn(t, do(h, "POST", "/v1/search", `{"query":"x"}`), 429)
	if p.Code != string(rag.CodeLimited) {
		t.Errorf("code %q", p.Code)
	}
	release <- true
	<-running
	release <- true
	if a, b := <-codes, <-codes; a != 200 || b != 200 {
		t.Errorf("those admitted got %d and %d", a, b)
	}
	if len(s.gate.waiting)+len(s.gate.slots) != 0 {
		t.Error("a slot is not given back")
	}
}

func TestCollections(t *testing.T) {
	f := newFake()
	f.applied = 5
	h := handler(t, f)
	w := do(h, "POST", "/v1/collections", `{"name":"notes","description":"d","settings":{"dense_weight":0.5}}`)
	made := body[api.Collection](t, w, 201)
	if made.Model != "f1" || made.Description != "d" || *made.Settings.DenseWeight != 0.5 || w.Header().Get("ETag") != etag(made.Seq) {
		t.Errorf("created %+v with ETag %s", made, w.Header().Get("ETag"))
	}
	w = do(h, "PATCH", "/v1/collections/notes", `{"description":"e"}`, "If-Match", etag(made.Seq))
	altered := body[api.Collection](t, w, 200)
	if altered.Description != "e" || *altered.Settings.DenseWeight != 0.5 || altered.Seq == made.Seq {
		t.Errorf("altered to %+v", altered)
	}
	if got := body[api.Collection](t, do(h, "PATCH", "/v1/collections/notes", `{"settings":{}}`), 200); got.Settings.DenseWeight != nil || got.Description != "e" {
		t.Errorf("altered to %+v", got)
	}
	for retention, want := range map[string]string{`"720h"`: "720h0m0s", `"none"`: "none", `""`: ""} {
		got := body[api.Collection](t, do(h, "PATCH", "/v1/collections/notes", `{"settings":{"retention":`+retention+`}}`), 200)
		if again := body[api.Collection](t, do(h, "GET", "/v1/collections/notes", ""), 200); got.Settings.Retention != want || again.Settings.Retention != want {
			t.Errorf("retention %s is %q, then %q", retention, got.Settings.Retention, again.Settings.Retention)
		}
	}
	for _, wrong := range []string{"0", "-1h", "5ms", "30d", "forever", "720"} {
		for _, r := range [][3]string{{"PATCH", "/v1/collections/notes", `{`}, {"POST", "/v1/collections", `{"name":"x",`}} {
			p := problemIn(t, do(h, r[0], r[1], r[2]+`"settings":{"retention":"`+wrong+`"}}`), 422)
			if len(p.Errors) != 1 || p.Errors[0].Pointer != "/settings/retention" {
				t.Errorf("retention %q: %+v", wrong, p)
			}
		}
	}
	stats := body[api.CollectionStats](t, do(h, "GET", "/v1/collections/notes/stats", ""), 200)
	want := api.CollectionStats{Documents: 3, Chunks: 4, Embedded: 2, TextBytes: 50, Index: api.IndexStats{Chunks: 4, Vectors: 2, Segments: 1}, Seq: f.seq, Applied: 5, Vectors: 1}
	if diff := cmp.Diff(want, stats); diff != "" {
		t.Error(diff)
	}
	f.principal = rag.Principal{Subject: "ana", Roles: []rag.Role{rag.RoleReader}}
	if got := body[api.CollectionStats](t, do(h, "GET", "/v1/collections/notes/stats", ""), 200); got.Index.Chunks != 0 {
		t.Error("the index's counts are shown to a narrow scope")
	}
	f.principal = rag.Principal{Roles: []rag.Role{rag.RoleAdmin}}
	if got := body[api.Written](t, do(h, "DELETE", "/v1/collections/notes", ""), 200); got.Seq != f.seq {
		t.Errorf("dropped at %d, want %d", got.Seq, f.seq)
	}
	problemIn(t, do(h, "GET", "/v1/collections/notes", ""), 404)
}

// pages follows next until the end.
func pages[T any](t *testing.T, h http.Handler, path string) (all []T, count int) {
	t.Helper()
	next := ""
	for {
		page := body[api.Page[T]](t, do(h, "GET", path+next, ""), 200)
		all = append(all, page.Data...)
		count++
		if page.Next == nil {
			return all, count
		}
		if next == "&after="+*page.Next || count > 100 {
			t.Fatal("the cursor does not move")
		}
		next = "&after=" + *page.Next
	}
}

func TestPages(t *testing.T) {
	f := newFake()
	var doc rag.Document
	for i := range 5 {
		f.add("docs", fmt.Sprintf("in/%d.txt", i), "one\ntwo\nthree\nfour\nfive")
		doc = f.add("docs", "versions.txt", fmt.Sprint("text ", i, "\n2\n3\n4\n5"))
		f.collections[fmt.Sprint("c", i)] = rag.Collection{Name: fmt.Sprint("c", i)}
		_, _ = f.CreateJob(context.Background(), rag.Job{State: rag.JobDone})
	}
	_ = f.AddJobItems(context.Background(), "j1", []string{"a", "b", "c", "d", "e"})
	h := handler(t, f)
	if all, n := pages[api.Collection](t, h, "/v1/collections?limit=2"); len(all) != 6 || n != 3 || all[5].Name != "docs" {
		t.Errorf("%d collections on %d pages", len(all), n)
	}
	if all, n := pages[api.Document](t, h, "/v1/collections/docs/documents?limit=2&uri_prefix=in/"); len(all) != 5 || n != 3 {
		t.Errorf("%d documents on %d pages", len(all), n)
	}
	if all, n := pages[api.Version](t, h, "/v1/documents/"+doc.ID+"/versions?limit=2"); len(all) != 5 || n != 3 || all[0].Version != 5 || all[4].Version != 1 {
		t.Errorf("%d versions on %d pages: %+v", len(all), n, all)
	}
	if all, n := pages[api.Chunk](t, h, "/v1/documents/"+doc.ID+"/chunks?limit=2"); len(all) != 5 || n != 3 || all[4].Ordinal != 4 {
		t.Errorf("%d chunks on %d pages", len(all), n)
	}
	if all, n := pages[api.Job](t, h, "/v1/jobs?limit=2"); len(all) != 5 || n != 3 || all[0].ID != "j5" {
		t.Errorf("%d jobs on %d pages", len(all), n)
	}
	if all, n := pages[api.JobItem](t, h, "/v1/jobs/j1/items?limit=2&result=queued"); len(all) != 5 || n != 3 || all[4].Item != "e" {
		t.Errorf("%d items on %d pages", len(all), n)
	}
}

// TestCursorsAreBound: a cursor is good for its own list only.
func TestCursorsAreBound(t *testing.T) {
	f := newFake()
	f.add("docs", "a", "x")
	f.add("docs", "b", "x")
	h := handler(t, f)
	page := body[api.Page[api.Document]](t, do(h, "GET", "/v1/collections/docs/documents?limit=1", ""), 200)
	cursor := *page.Next
	flipped := []byte(cursor)
	flipped[len(flipped)-2] ^= 1
	for _, path := range []string{
		"/v1/collections?after=" + cursor, "/v1/collections/docs/documents?uri_prefix=a&after=" + cursor,
		"/v1/collections/docs/documents?after=" + string(flipped), "/v1/jobs?after=" + cursor,
	} {
		problemIn(t, do(h, "GET", path, ""), 400)
	}
	problemIn(t, do(handler(t, f), "GET", "/v1/collections/docs/documents?after="+cursor, ""), 400) // another key
}

func TestDocument(t *testing.T) {
	f := newFake()
	h := handler(t, f)
	w := do(h, "POST", "/v1/collections/docs/documents", `{"uri":"a/b.html","content_base64":"PGI+eA==","access":["user:ana"],"attributes":{"tags":["x"],"at":"2026-03-01T12:00:00Z"}}`)
	put := body[api.PutResult](t, w, 201)
	if put.Result != "indexed" || put.Seq == 0 || w.Header().Get("ETag") != etag(put.Seq) {
		t.Errorf("%s with ETag %s", w.Body, w.Header().Get("ETag"))
	}
	if again := body[api.PutResult](t, do(h, "POST", "/v1/collections/docs/documents", `{"uri":"a/b.html","text":"y"}`), 200); again.ID != put.ID || again.Version != 2 {
		t.Errorf("again: %+v", again)
	}
	w = do(h, "GET", "/v1/documents/"+put.ID, "")
	if d := body[api.Document](t, w, 200); d.Version != 2 || w.Header().Get("ETag") != etag(d.Seq) {
		t.Errorf("%+v", d)
	}
	if d := body[api.Document](t, do(h, "GET", "/v1/documents/"+put.ID+"?version=1", ""), 200); d.Version != 1 {
		t.Errorf("%+v", d)
	}
	w = do(h, "GET", "/v1/documents/"+put.ID+"/source?version=1", "")
	if w.Body.String() != "<b>x" || w.Header().Get("Content-Disposition") != `attachment; filename=b.html` || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("source %q with %v", w.Body, w.Header())
	}
	w = do(h, "PUT", "/v1/documents/"+put.ID+"/access", `{"access":[]}`)
	if d := body[api.Document](t, w, 200); d.Access == nil || len(d.Access) != 0 {
		t.Errorf("%s", w.Body)
	}
	if got := body[api.Written](t, do(h, "DELETE", "/v1/documents/"+put.ID, ""), 200); got.Seq != f.seq {
		t.Errorf("%+v", got)
	}
	problemIn(t, do(h, "GET", "/v1/documents/"+put.ID, ""), 404)
}

func TestPutIsTranslated(t *testing.T) {
	f := newFake()
	var in rag.Incoming
	f.onPut = func(_ context.Context, i rag.Incoming) (rag.Outcome, error) {
		in = i
		return rag.Outcome{Result: rag.Unchanged, Document: rag.Document{ID: "x"}, Seq: 4}, nil
	}
	h := handler(t, f)
	w := do(h, "PUT", "/v1/collections/docs/documents/x", `{"uri":"u","text":"t","media_type":"text/markdown","title":"T","attributes":{"n":1,"b":true,"l":["a"],"t":"2026-03-01T12:00:00Z"},"access":[],"modified_at":"2026-03-01T13:00:00+01:00"}`, "If-Match", `"3"`)
	want := rag.Incoming{Collection: "docs", ID: "x", URI: "u", MediaType: "text/markdown", Title: "T", Data: []byte("t"), Access: []string{}, ModifiedAt: noon, IfSeq: 3,
		Attributes: map[string]filter.Value{"n": filter.NumberOf(1), "b": filter.BoolOf(true), "l": filter.ListOf("a"), "t": filter.TimeOf(noon)}}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
	if in.Access == nil {
		t.Error("an empty access list became an absent one: everyone could see the document")
	}
	if body[api.PutResult](t, w, 200); w.Header().Get("ETag") != "" {
		t.Error("an ETag that the result does not tell")
	}
	do(h, "POST", "/v1/collections/docs/documents", `{"uri":"u","text":"t"}`, "If-None-Match", "*")
	if in.Access != nil || !in.IfAbsent || in.MediaType != "text/plain" {
		t.Errorf("%+v", in)
	}
	do(h, "POST", "/v1/collections/docs/documents", `{"uri":"u.md","text":"t"}`)
	if in.MediaType != "" {
		t.Errorf("the media type of u.md is taken to be %s", in.MediaType)
	}
}

func TestIdempotency(t *testing.T) {
	f := newFake()
	h := handler(t, f)
	post := func(path, in, key string) (int, string) {
		w := do(h, "POST", path, in, "Idempotency-Key", key)
		return w.Code, w.Body.String() + w.Header().Get("Location") + w.Header().Get("ETag")
	}
	for path, in := range map[string]string{
		"/v1/collections":                `{"name":"once"}`,
		"/v1/collections/docs/documents": `{"uri":"a","text":"x"}`,
		"/v1/jobs":                       `{"collection":"docs","path":"."}`,
	} {
		status, first := post(path, in, "k")
		again, second := post(path, in, "k")
		if status != again || first != second || status >= 300 {
			t.Errorf("%s: %d %s, then %d %s", path, status, first, again, second)
		}
		w := do(h, "POST", path, strings.Replace(in, `":"`, `":"z`, 1), "Idempotency-Key", "k")
		if p := problemIn(t, w, 422); p.Code != string(rag.CodeIdempotency) {
			t.Errorf("%s: another body got %s", path, p.Code)
		}
	}
	if len(f.jobs) != 1 || len(f.docs[rag.DocumentID("docs", "a")]) != 1 {
		t.Error("a repetition ran again")
	}
	f.principal.Subject = "ana"
	if status, _ := post("/v1/collections", `{"name":"other"}`, "k"); status != 201 {
		t.Errorf("a key of somebody else answers %d", status)
	}
	// What was refused may be tried again.
	if status, _ := post("/v1/collections", `{"name":"once"}`, "again"); status != 409 {
		t.Fatal(status)
	}
	delete(f.collections, "once")
	if status, b := post("/v1/collections", `{"name":"once"}`, "again"); status != 201 {
		t.Errorf("after a refusal: %d %s", status, b)
	}
	// While the first still runs.
	f.onPut = func(context.Context, rag.Incoming) (rag.Outcome, error) {
		w := do(h, "POST", "/v1/collections/docs/documents", `{"uri":"r","text":"x"}`, "Idempotency-Key", "running")
		if p := problemIn(t, w, 409); p.Code != string(rag.CodeConflict) {
			t.Errorf("%+v", p)
		}
		panic("and then it breaks")
	}
	post("/v1/collections/docs/documents", `{"uri":"r","text":"x"}`, "running")
	f.onPut = nil
	if status, b := post("/v1/collections/docs/documents", `{"uri":"r","text":"x"}`, "running"); status != 201 {
		t.Errorf("after a panic: %d %s", status, b)
	}
}

func TestTextWindow(t *testing.T) {
	f := newFake()
	d := f.add("docs", "a.txt", "aé\nzwei\ndrei\nvier\nfünf")
	h := handler(t, f)
	got := body[api.DocumentText](t, do(h, "GET", "/v1/documents/"+d.ID+"/text?byte_start=2&byte_end=14", ""), 200)
	want := api.DocumentText{
		DocumentID: d.ID, Version: 1, Text: "é\nzwei\ndrei\n", Span: api.Span{ByteStart: 1, ByteEnd: 14, CharStart: 1, CharEnd: 13},
		TextBytes: 24, LineStart: 1, HasLines: true, Pages: []api.PageAt{{Page: 1, ByteStart: 0}, {Page: 2, ByteStart: 9}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = body[api.DocumentText](t, do(h, "GET", "/v1/documents/"+d.ID+"/text?byte_start=14", ""), 200)
	if got.LineStart != 4 || got.Text != "vier\nfünf" || got.Pages[0].Page != 2 || len(got.Pages) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestWindowProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		start, end := rapid.IntRange(0, 50).Draw(t, "start"), rapid.IntRange(0, 50).Draw(t, "end")
		s := window(text, start, end)
		part := text[s.ByteStart:s.ByteEnd]
		if !utf8.ValidString(part) || s.CharStart != utf8.RuneCountInString(text[:s.ByteStart]) || s.CharEnd-s.CharStart != utf8.RuneCountInString(part) {
			t.Fatalf("%q from %d to %d: %+v", text, start, end, s)
		}
		if s.ByteStart > start || end > s.ByteStart && end <= len(text) && s.ByteEnd > end {
			t.Fatalf("%q from %d to %d: %+v leaves the window", text, start, end, s)
		}
	})
	if s := window(strings.Repeat("é", maxWindow), 1, 0); s.ByteEnd-s.ByteStart != maxWindow {
		t.Errorf("a window of %d bytes", s.ByteEnd-s.ByteStart)
	}
}

func TestJobs(t *testing.T) {
	f := newFake()
	h := handler(t, f)
	w := do(h, "POST", "/v1/jobs", `{"collection":"docs","path":"./docs"}`)
	job := body[api.Job](t, w, 202)
	if w.Header().Get("Location") != "/v1/jobs/"+job.ID || job.State != "running" || job.Path != "./docs" {
		t.Errorf("%s at %s", w.Body, w.Header().Get("Location"))
	}
	ctx := context.Background()
	_ = f.AddJobItems(ctx, job.ID, []string{"a", "b", "c", "d"})
	_ = f.FinishJobItem(ctx, job.ID, rag.JobItem{Item: "a", Result: rag.Indexed}, 1)
	_ = f.FinishJobItem(ctx, job.ID, rag.JobItem{Item: "b", Result: rag.Skipped, Reason: rag.ReasonEmpty}, 1)
	j := f.jobs[job.ID]
	j.Listed = true
	f.jobs[job.ID] = j
	got := body[api.Job](t, do(h, "GET", "/v1/jobs/"+job.ID, ""), 200)
	if !got.Balanced || got.Counts.Accepted != 4 || got.Rate != 0.2 || got.ETASeconds == nil || *got.ETASeconds != 10 ||
		len(got.Reasons) != 1 || got.Reasons[0] != (api.ReasonCount{Result: "skipped", Reason: "empty", Count: 1}) {
		t.Errorf("%+v", got)
	}
	items := body[api.Page[api.JobItem]](t, do(h, "GET", "/v1/jobs/"+job.ID+"/items?result=skipped&reason=empty", ""), 200)
	if len(items.Data) != 1 || items.Data[0].Item != "b" {
		t.Errorf("%+v", items)
	}
	if got := body[api.Job](t, do(h, "POST", "/v1/jobs/"+job.ID+"/cancel", ""), 200); got.State != "canceled" || got.ETASeconds != nil {
		t.Errorf("%+v", got)
	}
}

func TestHealthAndPages(t *testing.T) {
	f := newFake()
	h := handler(t, f, func(o *Options) {
		o.Version = api.VersionInfo{Version: "1.2.3"}
		o.Console = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "console") })
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "metrics") })
		o.AllowedHosts = []string{"Quarry.example"}
	})
	for path, want := range map[string]string{
		"/": "console", "/documents/x": "console", "/metrics": "metrics", "/healthz": `"ok"`, "/livez": `"ok"`,
		"/v1/version": "1.2.3", "/openapi.json": `"openapi": "3.1.0"`, "/docs": "curl http://127.0.0.1:8080/v1/search",
	} {
		if w := do(h, "GET", path, ""); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %.200s", path, w.Code, w.Body)
		}
	}
	for _, host := range []string{"127.0.0.1:9", "[::1]:9", "localhost", "quarry.example", "LOCALHOST:1"} {
		if w := do(h, "GET", "/v1/collections", "", "Host", host); w.Code != 200 {
			t.Errorf("host %s: %d", host, w.Code)
		}
	}
	if w := do(h, "GET", "/", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"); w.Code != 200 {
		t.Errorf("a link into the console: %d", w.Code)
	}
	if ready := body[api.Ready](t, do(h, "GET", "/readyz", ""), 200); len(ready.Checks) != 1 {
		t.Errorf("%+v", ready)
	}
	f.readiness = api.Ready{Status: "replaying", Seq: 3, Head: 9}
	if ready := body[api.Ready](t, do(h, "GET", "/readyz", ""), 503); ready.Seq != 3 {
		t.Errorf("%+v", ready)
	}
}

func TestMissingOptionsAreListed(t *testing.T) {
	_, err := New(Options{})
	for _, name := range []string{"Catalog", "Searcher", "Authenticate", "Scope"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}
