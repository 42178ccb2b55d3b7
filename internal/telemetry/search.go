package telemetry

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/quarry-search/quarry/internal/rag"
)

// degradable is what a search can go without: a stage, or a part of the index.
var degradable = append(slices.Clone(searchStages), "index")

func (m *Metrics) registerSearch() {
	m.searchDuration = m.histograms("search_duration_seconds", "Duration of searches.", buckets, "mode", "outcome", "collection")
	zeroHistogram(m.searchDuration, modes, outcomes, []string{other})
	m.searchStage = m.histograms("search_stage_duration_seconds", "Duration of each stage of a search.", buckets, "stage")
	zeroHistogram(m.searchStage, searchStages)
	m.degradedStages = m.counters("search_degraded_total", "Stages left out of searches.", "stage")
	zero(m.degradedStages, degradable)
	m.empty = m.counters("search_empty_total", "Searches without a hit.", "mode")
	zero(m.empty, modes)
	m.paths = m.counters("search_path_total", "How dense legs ran.", "path")
	zero(m.paths, densePaths)
}

// Search records one search.
func (m *Metrics) Search(ctx context.Context, q rag.Query, r rag.SearchResult, err error, took time.Duration) {
	mode := m.among(modes, modeOf(q, r), "search_duration_seconds")
	observe(ctx, m.searchDuration.WithLabelValues(mode, outcomeOf(err, len(r.Degraded) > 0), m.collectionOf(q)), took)
	if err != nil {
		return
	}
	for _, s := range r.Stages {
		m.searchStage.WithLabelValues(m.among(searchStages, s.Name, "search_stage_duration_seconds")).Observe(s.Took.Seconds())
	}
	for _, stage := range r.Degraded {
		m.degradedStages.WithLabelValues(m.among(degradable, stage, "search_degraded_total")).Inc()
	}
	for _, path := range r.DensePaths {
		if path != "" {
			m.paths.WithLabelValues(m.among(densePaths, path, "search_path_total")).Inc()
		}
	}
	if len(r.Hits) == 0 {
		m.empty.WithLabelValues(mode).Inc()
	}
}

func modeOf(q rag.Query, r rag.SearchResult) string {
	switch {
	case r.Mode != "":
		return string(r.Mode)
	case q.Mode != "":
		return string(q.Mode)
	}
	return string(rag.Hybrid)
}

// collectionOf is the collection when it is one and listed.
func (m *Metrics) collectionOf(q rag.Query) string {
	if len(q.Collections) == 1 && len(m.collections) > 0 {
		return m.among(m.collections, q.Collections[0], "search_duration_seconds")
	}
	return other
}

// Searcher runs a search.
type Searcher interface {
	Search(ctx context.Context, p rag.Principal, q rag.Query) (rag.SearchResult, error)
}

// WatchSearches wraps a Searcher with metrics and spans.
func WatchSearches(next Searcher, m *Metrics, t trace.Tracer) Searcher {
	return searcher{next, m, t}
}

type searcher struct {
	next    Searcher
	metrics *Metrics
	tracer  trace.Tracer
}

// Search implements Searcher.
func (s searcher) Search(ctx context.Context, p rag.Principal, q rag.Query) (rag.SearchResult, error) {
	start := time.Now()
	ctx, span := s.tracer.Start(ctx, "search", trace.WithTimestamp(start), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "retrieval"), attribute.Int("gen_ai.retrieval.top_k", q.TopK)))
	r, err := s.next.Search(ctx, p, q)
	s.metrics.Search(ctx, q, r, err, time.Since(start))
	span.SetAttributes(attribute.String("quarry.mode", closed(modes, modeOf(q, r))[0]), attribute.Int64("quarry.seq", int64(r.Seq)),
		attribute.StringSlice("quarry.degraded", closed(searchStages, r.Degraded...)), attribute.Int("quarry.hits", len(r.Hits)))
	stageSpans(ctx, s.tracer, start, r.Stages)
	end(span, err)
	return r, err
}

// stageSpans makes spans of the stages that a use case returned: one after the
// other, as they ran, but for the two legs of a search, which run side by side.
func stageSpans(ctx context.Context, t trace.Tracer, start time.Time, stages []rag.Stage) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	var denseTook time.Duration
	for _, s := range stages {
		if s.Name == "lexical" {
			start = start.Add(-denseTook)
		}
		_, span := t.Start(ctx, s.Name, trace.WithTimestamp(start))
		start = start.Add(s.Took)
		span.End(trace.WithTimestamp(start))
		switch s.Name {
		case "dense":
			denseTook = s.Took
		case "lexical":
			start = start.Add(max(0, denseTook-s.Took))
		}
	}
}

// end closes a span; of an error it tells the code.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetAttributes(attribute.String("error.type", string(rag.CodeOf(err))))
		span.SetStatus(otelcodes.Error, "")
	}
	span.End()
}
