package answer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quarry-search/quarry/internal/policy"
	"github.com/quarry-search/quarry/internal/rag"
)

// Searcher finds the hits that a principal may see.
type Searcher interface {
	Search(ctx context.Context, p rag.Principal, q rag.Query) (rag.SearchResult, error)
}

// Texts re-reads the stored, normalised text of a document version.
type Texts interface {
	Text(ctx context.Context, s rag.Scope, id string, version int) (string, error)
}

// Embedder embeds the question.
type Embedder interface {
	Embed(ctx context.Context, role rag.EmbedRole, texts []string) ([][]float32, error)
}

// SentenceVectors embeds sentences, from a cache where it can.
type SentenceVectors interface {
	Vectors(ctx context.Context, texts []string) ([][]float32, error)
}

// Deps are the parts an Answerer works with.
type Deps struct {
	Search   Searcher
	Texts    Texts
	Embedder Embedder
	Vectors  SentenceVectors
	Analyze  func(text string) []string // terms, as the index's analyser emits them
}

// Options limit and tune answers. Zero fields take the defaults.
type Options struct {
	MaxSentences  int           // quoted when the question does not say (3)
	Passages      int           // best hits that are read for sentences (10)
	EmbedDeadline time.Duration // of question and sentences together (3 s)
	Threshold     float64       // least confidence of an answer (DefaultThreshold)
}

// MaxSentences bounds what a question may ask for.
const MaxSentences = 10

func (o Options) withDefaults() Options {
	setDefault(&o.MaxSentences, 3)
	setDefault(&o.Passages, 10)
	setDefault(&o.EmbedDeadline, 3*time.Second)
	setDefault(&o.Threshold, DefaultThreshold)
	return o
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// Generator names the extractive answerer in rag.Answer.
const Generator = "extractive"

// Reasons of an abstention.
const (
	ReasonNoHits = "no_hits" // the search found nothing
	ReasonWeak   = "weak"    // no sentence fits well enough
)

// degradedVectors says in SearchResult.Degraded that sentences were judged by
// words alone.
const degradedVectors = "sentence_vectors"

// Answerer answers by quoting. It is safe for concurrent use and starts no
// goroutine.
type Answerer struct {
	deps Deps
	opts Options
	stop map[string]bool // terms that ask, but say nothing of the topic
}

// New returns an Answerer.
func New(deps Deps, opts Options) *Answerer {
	a := &Answerer{deps: deps, opts: opts.withDefaults(), stop: map[string]bool{}}
	for _, term := range deps.Analyze(questionWords) {
		a.stop[term] = true
	}
	return a
}

// Answer answers q under p's permissions. It passes every event to send, in
// the order of rag.EventType, as soon as it is known; send may be nil. An
// error of send ends the answer. Answer itself sends no error event: it
// returns the error, whose meaning is that of the search.
//
// SECURITY: each quote is re-read from the catalog under the caller's scope
// and compared byte for byte before it is sent. One that does not match, or
// whose document is no longer visible, is left out and the next takes its
// place.
func (a *Answerer) Answer(ctx context.Context, p rag.Principal, q rag.Question, send func(rag.Event) error) (rag.Answer, error) {
	if q.MaxSentences < 0 || q.MaxSentences > MaxSentences {
		return rag.Answer{}, rag.Invalid("/max_sentences", fmt.Sprintf("max_sentences must be between 1 and %d", MaxSentences))
	}
	setDefault(&q.MaxSentences, a.opts.MaxSentences)
	out := stream{send: send, answer: rag.Answer{Generator: Generator}}

	started := time.Now()
	explained := q.Query
	explained.Explain = true // judging reads the scores of the legs
	found, err := a.deps.Search.Search(ctx, p, explained)
	if err != nil {
		return rag.Answer{}, fmt.Errorf("search: %w", err)
	}
	out.took("retrieval", &started)
	if err := out.retrieved(found, q.Explain); err != nil {
		return rag.Answer{}, err
	}
	if len(found.Hits) == 0 {
		return out.abstain(ReasonNoHits)
	}

	judged, err := a.judge(ctx, q, found)
	if err != nil {
		return rag.Answer{}, err
	}
	if judged.degraded {
		out.degrade(degradedVectors)
	}
	out.answer.Confidence = judged.confidence
	out.took("generate", &started)
	if judged.confidence < a.opts.Threshold {
		return out.abstain(ReasonWeak)
	}

	quotes := quoter{texts: a.deps.Texts, scope: policy.Scope(p), read: map[rag.ChunkKey]string{}}
	quotes.hits = found.Hits
	picked := picker{units: judged.units}
	for len(out.answer.Sentences) < q.MaxSentences {
		u, ok := picked.next()
		if !ok {
			break
		}
		citation, err := quotes.cite(ctx, u, len(out.answer.Citations)+1)
		if errors.Is(err, errNotStored) {
			picked.refuse()
			out.answer.Dropped++
			continue
		}
		if err != nil {
			return rag.Answer{}, err
		}
		if err := out.quote(u, citation); err != nil {
			return rag.Answer{}, err
		}
	}
	out.took("verify", &started)
	if len(out.answer.Sentences) == 0 {
		return out.abstain(ReasonWeak)
	}
	return out.done(rag.Answered)
}
