package eval

import (
	"context"
	"fmt"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// Collections makes the collection that a set goes into.
type Collections interface {
	CreateCollection(ctx context.Context, c rag.Collection) (rag.Collection, error)
}

// Ingester brings one document in.
type Ingester interface {
	Put(ctx context.Context, p rag.Principal, in rag.Incoming) (rag.Outcome, error)
}

// Freshness waits until what was put can be found by meaning.
type Freshness interface {
	WaitVectors(ctx context.Context, seq uint64) error
}

// Searcher finds hits.
type Searcher interface {
	Search(ctx context.Context, p rag.Principal, q rag.Query) (rag.SearchResult, error)
}

// Answerer answers questions.
type Answerer interface {
	Answer(ctx context.Context, p rag.Principal, q rag.Question, send func(rag.Event) error) (rag.Answer, error)
}

// Deps are the parts that are measured.
type Deps struct {
	Collections Collections
	Ingest      Ingester
	Freshness   Freshness
	Search      Searcher
	Answer      Answerer
	Principal   rag.Principal // writes and reads the sets' collections
	Fingerprint string        // of the embedding model, for new collections
	Progress    func(message string)
}

// Options say what to measure. Zero fields take the defaults.
type Options struct {
	Sets      []string   // folders
	Modes     []rag.Mode // dense, lexical, hybrid
	Rerank    rag.Rerank // of hybrid searches
	Questions int        // of each list, spread evenly; 0: all
	FilterBy  string     // metadata key: each question searches the documents with its own value
	Run       string     // file for TREC runs; "" writes none
	Answers   bool       // measure answers too, on sets whose questions carry metadata.answers
	OffTopic  string     // folder whose questions the sets cannot answer; for Answers
}

func (o Options) withDefaults() Options {
	if len(o.Modes) == 0 {
		o.Modes = []rag.Mode{rag.Dense, rag.Lexical, rag.Hybrid}
	}
	return o
}

// Run ingests each set into a collection "eval-<name>" (documents that are
// there already are left as they are), asks its questions and reports.
func Run(ctx context.Context, o Options, deps Deps) (Report, error) {
	o = o.withDefaults()
	var report Report
	for _, dir := range o.Sets {
		set, err := Load(dir)
		if err != nil {
			return report, err
		}
		if len(set.Questions) == 0 {
			return report, fmt.Errorf("set %s: no question has a judgement", set.Name)
		}
		r := runner{Deps: deps, opts: o, set: set, collection: collectionName(set.Name), uris: map[string]string{}}
		result, err := r.run(ctx)
		if err != nil {
			return report, fmt.Errorf("set %s: %w", set.Name, err)
		}
		report.Sets = append(report.Sets, result)
	}
	return report, nil
}

// runner measures one set.
type runner struct {
	Deps
	opts       Options
	set        Set
	collection string
	uris       map[string]string // of the corpus, by document id
}

func (r *runner) run(ctx context.Context) (SetReport, error) {
	started := time.Now()
	corpus, err := r.ingest(ctx)
	if err != nil {
		return SetReport{}, err
	}
	report := SetReport{Set: r.set.Name, Corpus: corpus, IngestSeconds: time.Since(started).Seconds()}
	questions := sample(r.set.Questions, r.opts.Questions)
	report.Questions = len(questions)
	for _, mode := range r.opts.Modes {
		r.progress("%s: %d questions, %s", r.set.Name, len(questions), mode)
		m, err := r.measure(ctx, mode, questions)
		if err != nil {
			return SetReport{}, err
		}
		report.Modes = append(report.Modes, m)
	}
	report.compare()
	if r.opts.Answers {
		if report.Answers, err = r.answers(ctx); err != nil {
			return SetReport{}, err
		}
	}
	report.Malformed = r.set.Malformed
	return report, nil
}

func (r *runner) progress(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}
