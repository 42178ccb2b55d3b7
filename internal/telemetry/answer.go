package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/quarry-search/quarry/internal/rag"
)

func (m *Metrics) registerAnswer() {
	m.answerDuration = m.histograms("answer_duration_seconds", "Duration of answers.", buckets, "generator", "outcome")
	zeroHistogram(m.answerDuration, generators, outcomes)
	m.answerFirst = m.histograms("answer_first_token_seconds", "Time to an answer's first words.", buckets, "generator", "outcome")
	zeroHistogram(m.answerFirst, generators, outcomes)
	m.answerStage = m.histograms("answer_stage_duration_seconds", "Duration of each stage of an answer.", buckets, "stage")
	zeroHistogram(m.answerStage, answerStages)
	m.answerResults = m.counters("answer_results_total", "How answers ended, and why there was none.", "result", "reason")
	zero(m.answerResults, results, whyNot)
	m.sentences = m.counters("answer_sentences_total", "Sentences answered, by verdict.", "verdict")
	zero(m.sentences, verdicts)
}

// Answer records one answer. first is the time to its first words, 0 if none
// came.
func (m *Metrics) Answer(ctx context.Context, a rag.Answer, err error, first, took time.Duration) {
	generator := a.Generator
	if generator == "" {
		generator = "extractive"
	}
	generator = m.among(generators, generator, "answer_duration_seconds")
	outcome := outcomeOf(err, len(a.Search.Degraded) > 0)
	observe(ctx, m.answerDuration.WithLabelValues(generator, outcome), took)
	if first > 0 {
		observe(ctx, m.answerFirst.WithLabelValues(generator, outcome), first)
	}
	if err != nil {
		m.answerResults.WithLabelValues("error", "none").Inc()
		return
	}
	m.answerResults.WithLabelValues(
		m.among(results, string(a.Result), "answer_results_total"), m.among(whyNot, none(a.Reason), "answer_results_total")).Inc()
	for _, s := range a.Stages {
		m.answerStage.WithLabelValues(m.among(answerStages, s.Name, "answer_stage_duration_seconds")).Observe(s.Took.Seconds())
	}
	for _, s := range a.Sentences {
		m.sentences.WithLabelValues(m.among(verdicts, string(s.Verdict), "answer_sentences_total")).Inc()
	}
}

// Answerer answers a question.
type Answerer interface {
	Answer(ctx context.Context, p rag.Principal, q rag.Question, send func(rag.Event) error) (rag.Answer, error)
}

// WatchAnswers wraps an Answerer with metrics and spans.
func WatchAnswers(next Answerer, m *Metrics, t trace.Tracer) Answerer {
	return answerer{next, m, t}
}

type answerer struct {
	next    Answerer
	metrics *Metrics
	tracer  trace.Tracer
}

// Answer implements Answerer.
func (a answerer) Answer(ctx context.Context, p rag.Principal, q rag.Question, send func(rag.Event) error) (rag.Answer, error) {
	start := time.Now()
	ctx, span := a.tracer.Start(ctx, "answer", trace.WithTimestamp(start))
	var first time.Duration
	answer, err := a.next.Answer(ctx, p, q, func(e rag.Event) error {
		if first == 0 && e.Type == rag.EventDelta {
			first = time.Since(start)
		}
		return send(e)
	})
	a.metrics.Answer(ctx, answer, err, first, time.Since(start))
	given := make([]string, len(answer.Sentences))
	for i, s := range answer.Sentences {
		given[i] = string(s.Verdict)
	}
	span.SetAttributes(attribute.String("quarry.result", string(answer.Result)), attribute.StringSlice("quarry.verdicts", given))
	for _, s := range answer.Stages {
		if s.Name == "retrieval" { // has a span of its own: search
			start = start.Add(s.Took)
			continue
		}
		stageSpans(ctx, a.tracer, start, []rag.Stage{s})
		start = start.Add(s.Took)
	}
	end(span, err)
	return answer, err
}
