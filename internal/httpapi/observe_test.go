package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

type observed struct {
	method, route, operation, outcome, code string
	status                                  int
}

type observer struct {
	mu       sync.Mutex
	requests []observed
	running  int
	streams  int
	panics   int
}

func (o *observer) RequestStarted(kind string) func() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running++
	if kind == "stream" {
		o.streams++
	}
	return func() { o.mu.Lock(); o.running--; o.mu.Unlock() }
}

func (o *observer) RequestDone(method, route string, status int, operation, outcome, code string, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.requests = append(o.requests, observed{method, route, operation, outcome, code, status})
}

func (o *observer) Panicked() { o.panics++ }

func (o *observer) last() observed {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.requests[len(o.requests)-1]
}

func TestObserver(t *testing.T) {
	f := newFake()
	o := &observer{}
	h := handler(t, f, func(opts *Options) { opts.Observer = o })
	f.onSearch = func(_ context.Context, q rag.Query) (rag.SearchResult, error) {
		if q.Text == "broken" {
			return rag.SearchResult{}, errors.New("x")
		}
		return rag.SearchResult{Degraded: []string{"rerank"}}, nil
	}
	for _, tt := range []struct {
		method, path, body string
		want               observed
	}{
		{"POST", "/v1/search", `{"query":"x"}`, observed{"POST", "/v1/search", "search", "degraded", "", 200}},
		{"POST", "/v1/search", `{"query":"broken"}`, observed{"POST", "/v1/search", "search", "error", "internal", 500}},
		{"GET", "/v1/collections/docs", "", observed{"GET", "/v1/collections/{name}", "read", "ok", "", 200}},
		{"GET", "/v1/collections/x", "", observed{"GET", "/v1/collections/{name}", "read", "client_error", "not_found", 404}},
		{"GET", "/wp-login.php", "", observed{"GET", "_other", "", "client_error", "not_found", 404}},
		{"GET", "/healthz", "", observed{"GET", "/healthz", "", "ok", "", 200}},
	} {
		do(h, tt.method, tt.path, tt.body)
		if got := o.last(); got != tt.want {
			t.Errorf("%s %s: observed %+v, want %+v", tt.method, tt.path, got, tt.want)
		}
	}
	if o.running != 0 {
		t.Errorf("%d requests seem to run", o.running)
	}
}

func TestRequestLine(t *testing.T) {
	f := newFake()
	f.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) {
		return rag.SearchResult{Mode: rag.Dense, Hits: make([]rag.Hit, 2)}, nil
	}
	var out bytes.Buffer
	h := handler(t, f, func(o *Options) { o.Logger = slog.New(slog.NewJSONHandler(&out, nil)) })
	do(h, "POST", "/v1/search", `{"query":"x"}`, "X-Request-Id", "r-1")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	for key, want := range map[string]any{
		"event": "request", "request_id": "r-1", "method": "POST", "route": "/v1/search", "status": 200.0,
		"outcome": "ok", "mode": "dense", "hits": 2.0,
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if _, ok := line["ms"].(float64); !ok {
		t.Error("no duration")
	}
	out.Reset()
	do(h, "GET", "/healthz", "")
	if out.Len() != 0 {
		t.Errorf("a probe is logged: %s", out.String())
	}
}

// TestContentStaysOutOfLogs: a marker in every place of requests, documents and
// panics that holds content shows up in no log line.
func TestContentStaysOutOfLogs(t *testing.T) {
	const marker = "leakmarker"
	f := newFake()
	d := f.add("docs", marker+".txt", marker)
	hit := rag.Hit{Document: rag.Document{URI: marker, Version: rag.Version{Title: marker, Attributes: map[string]filter.Value{marker: filter.StringOf(marker)}}}, Chunk: rag.Chunk{Text: marker}}
	f.onSearch = func(_ context.Context, q rag.Query) (rag.SearchResult, error) {
		if q.TopK == 3 {
			panic(marker)
		}
		return rag.SearchResult{Hits: []rag.Hit{hit}}, nil
	}
	f.onAnswer = func(_ context.Context, q rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		a := rag.Answer{Text: marker, Sentences: []rag.Sentence{{Text: marker}}, Search: rag.SearchResult{Hits: []rag.Hit{hit}}}
		return a, send(rag.Event{Type: rag.EventDelta, Delta: marker})
	}
	var out bytes.Buffer
	h := handler(t, f, func(o *Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	q := `{"query":"` + marker + `","filter":{"` + marker + `":"` + marker + `"}`
	for _, r := range [][3]string{
		{"POST", "/v1/search", q + `}`}, {"POST", "/v1/search", q + `,"top_k":3}`}, {"POST", "/v1/search", q + `,"` + marker + `":1}`},
		{"POST", "/v1/answers", q + `}`}, {"POST", "/v1/answers", q + `,"stream":true}`},
		{"POST", "/v1/collections/docs/documents", `{"uri":"` + marker + `","title":"` + marker + `","text":"` + marker + `","attributes":{"a":"` + marker + `"}}`},
		{"POST", "/v1/collections/docs/batch", `{"uri":"` + marker + `","text":"` + marker + `"}` + "\n" + marker + "\n"},
		{"GET", "/v1/documents/" + d.ID + "/text", ""}, {"GET", "/v1/documents/" + marker, ""},
		{"GET", "/v1/collections/docs/documents?uri_prefix=" + marker, ""}, {"GET", "/" + marker, ""},
	} {
		do(h, r[0], r[1], r[2], "Authorization", marker, "User-Agent", marker, "Idempotency-Key", marker)
	}
	if strings.Contains(out.String(), marker) {
		t.Errorf("the log tells content:\n%s", out.String())
	}
	if n := strings.Count(out.String(), `"event":"request"`); n < 10 {
		t.Errorf("only %d requests are logged", n)
	}
}

func TestRequestID(t *testing.T) {
	h := handler(t, newFake())
	for given, keep := range map[string]bool{"abc-1.2_3": true, "": false, "has space": false, "line\nbreak": false, strings.Repeat("x", 65): false} {
		got := do(h, "GET", "/healthz", "", "X-Request-Id", given).Header().Get("X-Request-Id")
		if (got == given) != keep || got == "" {
			t.Errorf("%q was answered with %q", given, got)
		}
	}
}

func TestTraceparentGoesThrough(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	h := handler(t, newFake())
	got := do(h, "GET", "/healthz", "", "Traceparent", parent).Header().Get("Traceparent")
	if !strings.Contains(got, "4bf92f3577b34da6a3ce929d0e0e4736") {
		t.Errorf("traceparent is %q", got)
	}
}
