package telemetry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func recordingTracer() (*sdktrace.TracerProvider, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	return sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)), spans
}

// TestSpans compares the tree of spans and its attributes' keys.
func TestSpans(t *testing.T) {
	provider, exporter := recordingTracer()
	tracer := provider.Tracer("")
	m := newTestMetrics()
	ctx, root := tracer.Start(context.Background(), "request")
	_, _ = WatchSearches(fakeUse{err: errors.New("marker-error")}, m, tracer).Search(ctx, rag.Principal{}, rag.Query{})
	_, _ = WatchAnswers(fakeUse{}, m, tracer).Answer(ctx, rag.Principal{}, rag.Question{}, func(rag.Event) error { return nil })
	_, _ = WatchIngests(fakeUse{}, m, tracer).Put(ctx, rag.Principal{}, rag.Incoming{})
	root.End()
	parents := map[string]string{}
	names := map[string]string{}
	spans := exporter.GetSpans()
	for _, s := range spans {
		names[s.SpanContext.SpanID().String()] = s.Name
	}
	for _, s := range spans {
		parents[s.Name] = names[s.Parent.SpanID().String()]
	}
	want := map[string]string{"request": "", "search": "request", "dense": "search", "lexical": "search", "fuse": "search", "answer": "request", "ingest.document": ""}
	for name, parent := range want {
		if got, ok := parents[name]; !ok || got != parent {
			t.Errorf("span %s has the parent %q (%v), want %q", name, got, ok, parent)
		}
	}
	allowed := []string{"gen_ai.operation.name", "gen_ai.retrieval.top_k", "quarry.mode", "quarry.seq", "quarry.degraded", "quarry.hits",
		"quarry.result", "quarry.verdicts", "quarry.document_id", "quarry.kind", "quarry.reason", "error.type"}
	for _, s := range spans {
		for _, a := range s.Attributes {
			if !slices.Contains(allowed, string(a.Key)) {
				t.Errorf("span %s has the attribute %s", s.Name, a.Key)
			}
		}
	}
	byName := map[string]tracetest.SpanStub{}
	for _, s := range spans {
		byName[s.Name] = s
	}
	if !byName["dense"].StartTime.Equal(byName["lexical"].StartTime) {
		t.Error("the legs of a search do not start together")
	}
	if !byName["fuse"].StartTime.Equal(byName["lexical"].EndTime) {
		t.Error("fuse does not start where the longer leg ends")
	}
	if len(byName["ingest.document"].Links) != 1 {
		t.Error("a document's trace is not linked to its request")
	}
}

func TestNoEndpointNoSpans(t *testing.T) {
	tracing, err := OpenTracing(context.Background(), "", "0", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracing.Tracer().Start(context.Background(), "x")
	if span.IsRecording() {
		t.Error("a span is recorded without an endpoint")
	}
	if err := tracing.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

type failingExporter struct{}

func (failingExporter) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	return errors.New("no route")
}
func (failingExporter) Shutdown(context.Context) error { return nil }

func TestUnsentSpansAreCounted(t *testing.T) {
	m := newTestMetrics()
	tracing := newTracing(failingExporter{}, "0", m)
	recorded := 0
	for range 300 {
		_, span := tracing.Tracer().Start(context.Background(), "x")
		if span.SpanContext().IsSampled() {
			recorded++
		}
		span.End()
	}
	if err := tracing.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := values(t, m)[`quarry_self_telemetry_dropped_total{signal="traces"}`]; n != float64(recorded) || recorded == 0 || recorded > 100 {
		t.Errorf("%v spans are counted as dropped, %d of 300 were sampled", n, recorded)
	}
}

// leaky returns the marker in every place that holds content.
type leaky struct{ marker string }

func (l leaky) Search(context.Context, rag.Principal, rag.Query) (rag.SearchResult, error) {
	d := rag.Document{URI: l.marker, Version: rag.Version{Title: l.marker, Attributes: map[string]filter.Value{l.marker: filter.StringOf(l.marker)}}}
	return rag.SearchResult{Hits: []rag.Hit{{Document: d, Chunk: rag.Chunk{Text: l.marker}}}, Degraded: []string{l.marker},
		DensePaths: []string{l.marker}, Mode: rag.Mode(l.marker)}, errors.New(l.marker)
}

func (l leaky) Answer(context.Context, rag.Principal, rag.Question, func(rag.Event) error) (rag.Answer, error) {
	return rag.Answer{Text: l.marker, Sentences: []rag.Sentence{{Text: l.marker}}}, &rag.Error{Code: rag.CodeInternal, Message: l.marker}
}

func (l leaky) Put(context.Context, rag.Principal, rag.Incoming) (rag.Outcome, error) {
	return rag.Outcome{Document: rag.Document{URI: l.marker, Version: rag.Version{Title: l.marker}}, Result: rag.Failed, Reason: rag.ReasonParse, Detail: l.marker}, nil
}

// TestContentStaysHome: a marker in every place that holds content shows up in
// no metric and in no span.
func TestContentStaysHome(t *testing.T) {
	const marker = "leakmarker"
	provider, exporter := recordingTracer()
	tracer := provider.Tracer("")
	m := newTestMetrics()
	ctx := context.Background()
	use := leaky{marker}
	q := rag.Query{Text: marker, Collections: []string{marker}, Filter: filter.Test(filter.Eq, marker, filter.StringOf(marker))}
	_, _ = WatchSearches(use, m, tracer).Search(ctx, rag.Principal{Subject: marker}, q)
	_, _ = WatchAnswers(use, m, tracer).Answer(ctx, rag.Principal{Subject: marker}, rag.Question{Query: q}, nil)
	_, _ = WatchIngests(use, m, tracer).Put(ctx, rag.Principal{Subject: marker}, rag.Incoming{URI: marker, Title: marker, Data: []byte(marker)})
	m.FollowerError(marker, marker)
	for key := range values(t, m) {
		if strings.Contains(key, marker) {
			t.Errorf("metric %s tells content", key)
		}
	}
	for _, s := range exporter.GetSpans() {
		if strings.Contains(s.Name+s.Status.Description, marker) {
			t.Errorf("span %s tells content", s.Name)
		}
		for _, a := range s.Attributes {
			if strings.Contains(a.Value.String(), marker) {
				t.Errorf("span %s tells content in %s", s.Name, a.Key)
			}
		}
	}
}

func TestLoggerAddsSpan(t *testing.T) {
	provider, _ := recordingTracer()
	ctx, span := provider.Tracer("").Start(context.Background(), "x")
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		log, err := NewLogger(&out, format, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		log.With("event", "start").InfoContext(ctx, "hello")
		log.Debug("hidden")
		if !strings.Contains(out.String(), span.SpanContext().TraceID().String()) || !strings.Contains(out.String(), "start") {
			t.Errorf("%s: %s", format, out.String())
		}
		if strings.Contains(out.String(), "hidden") {
			t.Errorf("%s: a line below the level is written", format)
		}
	}
	if _, err := NewLogger(&bytes.Buffer{}, "xml", slog.LevelInfo); err == nil {
		t.Error("an unknown format is accepted")
	}
}
