package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// batchLines decodes a batch's response; results come sorted by line.
func batchLines(t *testing.T, b []byte) (results []api.PutResult, end api.BatchEnd) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	for i, line := range lines {
		var into any = &end
		if i < len(lines)-1 {
			results = append(results, api.PutResult{})
			into = &results[i]
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			t.Fatalf("line %d: %v: %s", i, err, line)
		}
	}
	slices.SortFunc(results, func(a, b api.PutResult) int { return a.Line - b.Line })
	return results, end
}

func TestBatch(t *testing.T) {
	f := newFake()
	in := strings.Join([]string{
		`{"uri":"a","text":"x"}`,
		`{"uri":"b","text":""}`,
		``,
		`not json`,
		`{"uri":"c","txt":"x"}`,
		`{"uri":"a","text":"y"}`,
		`{"text":"nameless"}`,
		`{"uri":"e","refused":{"result":"skipped","reason":"symlink","detail":"it leads out"}}`,
		`{"uri":"f","refused":{"result":"skipped","reason":"whim"}}`,
		`{"uri":"g","text":"x","refused":{"result":"failed","reason":"unreadable"}}`,
		`{"uri":"d","text":"last, without a newline"}`,
	}, "\n")
	w := do(handler(t, f), "POST", "/v1/collections/docs/batch", in)
	if w.Code != 200 || w.Header().Get("Content-Type") != ndjson {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	results, end := batchLines(t, w.Body.Bytes())
	type line struct {
		Line           int
		Result, Reason string
	}
	var got []line
	for _, r := range results {
		got = append(got, line{r.Line, r.Result, r.Reason})
	}
	want := []line{{1, "indexed", ""}, {2, "skipped", "empty"}, {4, "failed", "invalid"}, {5, "failed", "invalid"}, {6, "indexed", ""}, {7, "failed", "invalid"},
		{8, "skipped", "symlink"}, {9, "failed", "invalid"}, {10, "failed", "invalid"}, {11, "indexed", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if results[3].Detail != "/txt: unexpected property" {
		t.Errorf("line 5: %q", results[3].Detail)
	}
	if end.Job != "j1" || end.Counts != (api.JobCounts{Accepted: 10, Indexed: 3, Skipped: 2, Failed: 5}) {
		t.Errorf("the balance is %+v", end)
	}
	if j := f.jobs["j1"]; j.State != rag.JobDone || !j.Listed {
		t.Errorf("the job ended as %+v", j)
	}
	if d, _ := f.find(rag.SystemScope("test"), rag.DocumentID("docs", "a"), 0); d.text != "y" {
		t.Errorf("the later line of a document is not the one that stayed: %q", d.text)
	}
}

// TestBatchKeepsTheOrderOfADocument: with many lines for few documents, the
// last line of each wins, whatever runs beside it.
func TestBatchKeepsTheOrderOfADocument(t *testing.T) {
	f := newFake()
	var mu sync.Mutex
	order := map[string][]string{}
	var running, most atomic.Int32
	f.onPut = func(_ context.Context, in rag.Incoming) (rag.Outcome, error) {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		time.Sleep(time.Duration(len(in.Data)%3) * time.Millisecond)
		mu.Lock()
		order[in.URI] = append(order[in.URI], string(in.Data))
		mu.Unlock()
		return rag.Outcome{Result: rag.Indexed}, nil
	}
	var in bytes.Buffer
	want := map[string][]string{}
	for i := range 200 {
		uri, text := fmt.Sprint("u", i%3), strings.Repeat("x", 1+i)
		want[uri] = append(want[uri], text)
		fmt.Fprintf(&in, `{"uri":%q,"text":%q}`+"\n", uri, text)
	}
	do(handler(t, f, func(o *Options) { o.BatchSlots = 4 }), "POST", "/v1/collections/docs/batch", in.String())
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
	if most.Load() < 2 || most.Load() > 4 {
		t.Errorf("up to %d documents at once, want 2 to 4", most.Load())
	}
}

// TestBatchStreams: a result comes back while the request is still open, and
// nothing more is read while documents wait.
func TestBatchStreams(t *testing.T) {
	f := newFake()
	release := make(chan bool)
	f.onPut = func(_ context.Context, in rag.Incoming) (rag.Outcome, error) {
		if in.URI != "first" {
			<-release
		}
		return rag.Outcome{Result: rag.Indexed}, nil
	}
	srv := httptest.NewServer(handler(t, f, func(o *Options) { o.LineBytes = 512 << 10 }))
	defer srv.Close()
	body, w := io.Pipe()
	req, _ := http.NewRequest("POST", srv.URL+"/v1/collections/docs/batch", body)
	go fmt.Fprintln(w, `{"uri":"first","text":"x"}`)
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"first"`) {
		t.Fatalf("the first result did not come: %q", lines.Text())
	}
	var sent atomic.Int64
	go func() {
		big := strings.Repeat("x", 256<<10)
		for i := range 120 { // far more than all buffers on the way hold
			if _, err := fmt.Fprintf(w, `{"uri":"u%d","text":"%s"}`+"\n", i, big); err != nil {
				return
			}
			sent.Store(int64(i + 1))
		}
		w.Close()
	}()
	still := int64(-1)
	for sent.Load() == 0 || still != sent.Load() { // until sending stands still
		still = sent.Load()
		time.Sleep(150 * time.Millisecond)
	}
	if still >= 100 {
		t.Errorf("%d lines were taken while two documents waited", still)
	}
	close(release)
	count := 0
	for lines.Scan() {
		count++
	}
	if count != 121 {
		t.Errorf("%d more lines, want 120 results and the balance", count)
	}
}

func TestBatchOfAClientThatLeaves(t *testing.T) {
	f := newFake()
	started := make(chan bool)
	f.onPut = func(ctx context.Context, in rag.Incoming) (rag.Outcome, error) {
		started <- true
		<-ctx.Done()
		return rag.Outcome{}, ctx.Err()
	}
	ctx, leave := context.WithCancel(context.Background())
	req := httptest.NewRequest("POST", "http://localhost/v1/collections/docs/batch", strings.NewReader(strings.Repeat(`{"uri":"a","text":"x"}`+"\n", 10))).WithContext(ctx)
	o := &observer{}
	h := handler(t, f, func(opts *Options) { opts.Observer = o })
	over := make(chan bool)
	go func() {
		h.ServeHTTP(httptest.NewRecorder(), req)
		close(over)
	}()
	<-started
	leave()
	select {
	case <-over:
	case <-started:
		t.Fatal("another line began after the client left")
	}
	j, _ := f.Job(context.Background(), "j1")
	if j.State != rag.JobCanceled || !j.Counts.Balanced() || j.Counts.Queued != 0 || j.Counts.Skipped != 10 {
		t.Errorf("the job ended as %+v", j)
	}
	if o.last().outcome != "canceled" {
		t.Errorf("observed %+v", o.last())
	}
}

func TestBatchOfACanceledJob(t *testing.T) {
	f := newFake()
	f.onPut = func(_ context.Context, in rag.Incoming) (rag.Outcome, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		j := f.jobs["j1"]
		j.State = rag.JobCanceled
		f.jobs["j1"] = j
		return f.finish(in, rag.Outcome{Result: rag.Indexed}), nil
	}
	w := do(handler(t, f, func(o *Options) { o.BatchSlots = 1 }), "POST", "/v1/collections/docs/batch", strings.Repeat(`{"uri":"a","text":"x"}`+"\n", 500))
	_, end := batchLines(t, w.Body.Bytes())
	if end.Counts.Accepted >= 500 || f.jobs["j1"].State != rag.JobCanceled {
		t.Errorf("the batch went on: %+v, %s", end, f.jobs["j1"].State)
	}
}

func TestBatchOfABrokenCatalog(t *testing.T) {
	f := newFake()
	f.addErr = &rag.Error{Code: rag.CodeUnavailable, Message: "the disk is full"}
	w := do(handler(t, f), "POST", "/v1/collections/docs/batch", `{"uri":"a","text":"x"}`)
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code != string(rag.CodeUnavailable) {
		t.Errorf("%v: %s", err, w.Body)
	}
	if j := f.jobs["j1"]; j.State != rag.JobFailed || j.Error != "the disk is full" {
		t.Errorf("the job ended as %+v", j)
	}
}

func TestBatchLineTooLong(t *testing.T) {
	w := do(handler(t, newFake(), func(o *Options) { o.LineBytes = 100 }), "POST", "/v1/collections/docs/batch",
		`{"uri":"long","text":"`+strings.Repeat("x", 100)+`"}`+"\n"+`{"uri":"b","text":"x"}`)
	results, end := batchLines(t, w.Body.Bytes())
	if len(results) != 2 || results[0].Reason != "too_large" || results[1].Result != "indexed" || end.Counts.Failed != 1 {
		t.Errorf("%s", w.Body)
	}
}

func TestBatchSurvivesAPanicAndErrors(t *testing.T) {
	f := newFake()
	f.onPut = func(_ context.Context, in rag.Incoming) (rag.Outcome, error) {
		switch in.URI {
		case "panic":
			panic("secret")
		case "internal":
			return rag.Outcome{}, errors.New("secret")
		case "wrong":
			return rag.Outcome{}, rag.Invalid("/uri", "is wrong")
		}
		return rag.Outcome{Result: rag.Indexed}, nil
	}
	w := do(handler(t, f), "POST", "/v1/collections/docs/batch", `{"uri":"panic","text":"x"}`+"\n"+`{"uri":"internal","text":"x"}`+"\n"+`{"uri":"wrong","text":"x"}`+"\n"+`{"uri":"fine","text":"x"}`)
	results, _ := batchLines(t, w.Body.Bytes())
	for i, want := range []string{"internal", "internal", "invalid", ""} {
		if results[i].Reason != want {
			t.Errorf("line %d: %+v", i+1, results[i])
		}
	}
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%s", w.Body)
	}
}

func TestLineReader(t *testing.T) {
	in := "short\n\n  \n" + strings.Repeat("x", 100_000) + "\r\n" + strings.Repeat("y", 100_001) + "\nend"
	r := newLineReader(strings.NewReader(in), 100_001)
	for _, want := range []struct {
		line    int
		length  int
		tooLong bool
	}{{1, 6, false}, {4, 100_002, false}, {5, 100_002, false}, {6, 3, false}} {
		line, tooLong, err := r.next()
		if err != nil || r.line != want.line || len(line) != want.length || tooLong != want.tooLong {
			t.Errorf("line %d of %d bytes, too long %v, %v; want %+v", r.line, len(line), tooLong, err, want)
		}
	}
	if _, _, err := r.next(); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
	r = newLineReader(strings.NewReader(strings.Repeat("z", 200_000)+"\nnext\n"), 100_000)
	if _, tooLong, err := r.next(); !tooLong || err != nil {
		t.Errorf("too long is %v, %v", tooLong, err)
	}
	if line, tooLong, _ := r.next(); string(line) != "next\n" || tooLong {
		t.Errorf("after a long line comes %q", line)
	}
}

// FuzzDecodePut: any bytes are a document or a *rag.Error.
func FuzzDecodePut(f *testing.F) {
	for _, s := range []string{`{"uri":"a","text":"x","attributes":{"a":[1]}}`, `{"id":"x","content_base64":"eA=="}`, `[`, `{"access":null,"modified_at":"x"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := decodePut(b)
		if err == nil {
			_, err = incomingOf("docs", doc)
		}
		var known *rag.Error
		if err != nil && (!errors.As(err, &known) || known.Code != rag.CodeInvalid || known.Message == "") {
			t.Fatalf("%q: %v", b, err)
		}
	})
}

// FuzzQuery: any body of a search is a query or a problem below 500.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{`{"query":"x","filter":{"must":[]}}`, `{"query":"x","top_k":5,"min_seq":3}`, `{"query":"é","collections":[""]}`, `7`, `{"query":null}`} {
		f.Add([]byte(s))
	}
	fk := newFake()
	fk.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) { return rag.SearchResult{}, nil }
	h, err := New(fk.options())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if w := do(h, "POST", "/v1/search", string(b)); w.Code >= 500 || w.Code != 200 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%q: %d %s", b, w.Code, w.Body)
		}
	})
}
