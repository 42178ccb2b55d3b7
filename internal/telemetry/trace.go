package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// sampled is the share of traces without a parent that are recorded; with a
// parent, its decision holds.
const sampled = 0.1

// Tracing makes spans and sends them. The zero Tracing makes none.
type Tracing struct {
	provider *sdktrace.TracerProvider
}

// OpenTracing sends spans to an OTLP/HTTP endpoint such as
// "http://collector:4318". With an empty endpoint there are no spans and no
// network. Spans that could not be sent are counted by m. Close ends its
// goroutine.
func OpenTracing(ctx context.Context, endpoint, version string, m *Metrics) (*Tracing, error) {
	if endpoint == "" {
		return &Tracing{}, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("open trace exporter: %w", err)
	}
	return newTracing(exporter, version, m), nil
}

func newTracing(exporter sdktrace.SpanExporter, version string, m *Metrics) *Tracing {
	return &Tracing{sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(countingExporter{exporter, m}),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(sampled))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "quarry"), attribute.String("service.version", version))),
	)}
}

// Tracer makes spans.
func (t *Tracing) Tracer() trace.Tracer {
	if t.provider == nil {
		return noop.NewTracerProvider().Tracer("")
	}
	return t.provider.Tracer("github.com/quarry-search/quarry")
}

// Close sends what is left, until ctx ends.
func (t *Tracing) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("close tracing: %w", err)
	}
	return nil
}

// countingExporter counts the spans that could not be sent, instead of letting
// the SDK print about them.
type countingExporter struct {
	sdktrace.SpanExporter
	metrics *Metrics
}

// ExportSpans implements sdktrace.SpanExporter.
func (c countingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := c.SpanExporter.ExportSpans(ctx, spans); err != nil {
		c.metrics.dropped.WithLabelValues("traces").Add(float64(len(spans)))
	}
	return nil
}
