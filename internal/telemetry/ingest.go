package telemetry

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/quarry-search/quarry/internal/rag"
)

func (m *Metrics) registerIngest() {
	m.accepted = m.counters("ingest_accepted_total", "Documents accepted; those of a job when it ends.", "source")
	zero(m.accepted, sources)
	m.documentResults = m.counters("ingest_documents_total", "What became of documents, and why.", "result", "reason")
	for _, result := range documents {
		if result == "indexed" || result == "unchanged" {
			m.documentResults.WithLabelValues(result, "none")
			continue
		}
		zero(m.documentResults, []string{result}, reasons[1:])
	}
	m.chunks = m.counters("ingest_chunks_total", "Chunks of indexed documents.", "result")
	zero(m.chunks, []string{"new", "reused"})
	m.embedResult = m.counters("ingest_embeddings_total", "Embeddings of texts.", "model", "result")
	m.parseDuration = m.histograms("ingest_parse_duration_seconds", "Duration of parsing one document.", buckets, "kind", "outcome")
	zeroHistogram(m.parseDuration, kinds, []string{"ok", "error"})
	m.ingestStage = m.histograms("ingest_stage_duration_seconds", "Duration of each stage of ingestion: parse, chunk and commit of one document, embed and index of one batch.", buckets, "stage")
	zeroHistogram(m.ingestStage, ingestStages)
	m.followerErrors = m.counters("follower_errors_total", "Errors that followers got over or repeat.", "follower", "type")
	zero(m.followerErrors, followers, followerErrs)
	m.freshnessDuration = m.histograms("follower_freshness_seconds", "From commit until searchable by word or by vector, and from grant until enforced.", freshBuckets, "kind")
	zeroHistogram(m.freshnessDuration, freshness)
	m.jobsFinished = m.counters("job_finished_total", "Jobs ended.", "kind", "result")
	zero(m.jobsFinished, jobKinds, jobResults)
	m.pending.since = map[rag.Hash]time.Time{}
}

// Document records what became of one document. kind is "" when parsing did
// not get that far.
func (m *Metrics) Document(kind rag.Kind, result rag.Result, reason rag.Reason, chunks, newChunks int, stages []rag.Stage) {
	m.documentResults.WithLabelValues(
		m.among(documents, string(result), "ingest_documents_total"), m.among(reasons, none(string(reason)), "ingest_documents_total")).Inc()
	if result == rag.Indexed {
		m.chunks.WithLabelValues("new").Add(float64(newChunks))
		m.chunks.WithLabelValues("reused").Add(float64(max(0, chunks-newChunks)))
	}
	for _, s := range stages {
		m.ingestStage.WithLabelValues(m.among(ingestStages, s.Name, "ingest_stage_duration_seconds")).Observe(s.Took.Seconds())
		if s.Name == "parse" {
			m.parseDuration.WithLabelValues(parseKind(kind), parseOutcome(result)).Observe(s.Took.Seconds())
		}
	}
}

func parseKind(kind rag.Kind) string {
	if slices.Contains(kinds, string(kind)) {
		return string(kind)
	}
	return "other"
}

func parseOutcome(result rag.Result) string {
	if result == rag.Failed {
		return "error"
	}
	return "ok"
}

// Embedded records a batch of the embedder.
func (m *Metrics) Embedded(model string, computed, reused, failed int, took time.Duration) {
	for i, n := range []int{computed, reused, failed} {
		m.embedResult.WithLabelValues(model, embeddings[i]).Add(float64(n))
	}
	if computed+failed > 0 {
		m.ingestStage.WithLabelValues("embed").Observe(took.Seconds())
	}
}

// Applied records a batch of changes that became visible: how long ago they
// were committed. Changes from before the process started are a replay, which
// says nothing about freshness.
func (m *Metrics) Applied(changes []rag.IndexChange, took time.Duration) {
	m.ingestStage.WithLabelValues("index").Observe(took.Seconds())
	now := time.Now()
	m.pending.mu.Lock()
	defer m.pending.mu.Unlock()
	for _, c := range changes {
		if c.Time.Before(m.started) {
			continue
		}
		switch c.Kind {
		case rag.ChangePublished:
			m.freshnessDuration.WithLabelValues("keyword").Observe(now.Sub(c.Time).Seconds())
			m.awaitVectors(c)
		case rag.ChangeAccess:
			m.freshnessDuration.WithLabelValues("access").Observe(now.Sub(c.Time).Seconds())
		case rag.ChangeVectors:
			for _, h := range c.TextHashes {
				if since, ok := m.pending.since[h]; ok {
					delete(m.pending.since, h)
					m.freshnessDuration.WithLabelValues("vector").Observe(now.Sub(since).Seconds())
				}
			}
		}
	}
}

// awaitVectors remembers the texts whose vectors are to come. m.pending.mu is
// held.
func (m *Metrics) awaitVectors(c rag.IndexChange) {
	for _, chunk := range c.Chunks {
		if _, there := c.Vectors[chunk.TextHash]; there {
			continue
		}
		if len(m.pending.since) >= maxPending {
			m.dropped.WithLabelValues("freshness").Inc()
			continue
		}
		if _, waiting := m.pending.since[chunk.TextHash]; !waiting {
			m.pending.since[chunk.TextHash] = c.Time
		}
	}
}

// FollowerError records an error of a follower.
func (m *Metrics) FollowerError(follower, kind string) {
	m.followerErrors.WithLabelValues(
		m.among(followers, follower, "follower_errors_total"), m.among(followerErrs, kind, "follower_errors_total")).Inc()
}

// JobDone records the end of an ingestion and the documents it accepted.
func (m *Metrics) JobDone(j rag.Job) {
	result := "ok"
	switch {
	case j.State == rag.JobCanceled:
		result = "canceled"
	case j.State == rag.JobFailed:
		result = "failed"
	case j.Counts.Failed > 0:
		result = "partial"
	}
	m.jobsFinished.WithLabelValues("ingest", result).Inc()
	source := "api"
	if j.Source == "folder" {
		source = "connector"
	}
	m.accepted.WithLabelValues(source).Add(float64(j.Counts.Accepted))
}

// Ingester takes one document in.
type Ingester interface {
	Put(ctx context.Context, p rag.Principal, in rag.Incoming) (rag.Outcome, error)
}

// WatchIngests wraps an Ingester with spans, and counts documents that come
// without a job.
func WatchIngests(next Ingester, m *Metrics, t trace.Tracer) Ingester {
	return ingester{next, m, t}
}

type ingester struct {
	next    Ingester
	metrics *Metrics
	tracer  trace.Tracer
}

// Put implements Ingester. Each document is a trace of its own, linked to what
// brought it.
func (i ingester) Put(ctx context.Context, p rag.Principal, in rag.Incoming) (rag.Outcome, error) {
	start := time.Now()
	own, span := i.tracer.Start(ctx, "ingest.document", trace.WithNewRoot(), trace.WithTimestamp(start),
		trace.WithLinks(trace.LinkFromContext(ctx)))
	out, err := i.next.Put(own, p, in)
	if err == nil && in.Job == "" {
		i.metrics.accepted.WithLabelValues("api").Inc()
	}
	span.SetAttributes(attribute.String("quarry.document_id", out.Document.ID), attribute.String("quarry.kind", string(out.Document.Version.Kind)),
		attribute.String("quarry.result", string(out.Result)), attribute.String("quarry.reason", string(out.Reason)), attribute.Int64("quarry.seq", int64(out.Seq)))
	stageSpans(own, i.tracer, start, out.Stages)
	end(span, err)
	return out, err
}
