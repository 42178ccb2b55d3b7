package retrieve

import (
	"context"
	"time"

	"github.com/quarry-search/quarry/internal/fuse"
	"github.com/quarry-search/quarry/internal/policy"
	"github.com/quarry-search/quarry/internal/rag"
)

// DefaultDenseWeight is the dense leg's share where neither the query nor the
// collection sets one.
const DefaultDenseWeight = fuse.DefaultDenseWeight

// Catalog is what a search reads of the catalog.
type Catalog interface {
	Head(ctx context.Context) (uint64, error)
	// SeqAt is the last change committed by a time, 0 for none.
	SeqAt(ctx context.Context, at time.Time) (uint64, error)
	Collection(ctx context.Context, s rag.Scope, name string) (rag.Collection, error)
	ListCollections(ctx context.Context, s rag.Scope) ([]rag.Collection, error)
	Chunks(ctx context.Context, s rag.Scope, keys []rag.ChunkKey) ([]rag.StoredChunk, error)
}

// Embedder is what a search needs of a model.
type Embedder interface {
	Fingerprint() string
	Embed(ctx context.Context, role rag.EmbedRole, texts []string) ([][]float32, error)
}

// Freshness tells how far the followers have read. Both methods return at
// once when they are there already, and ctx's error when it ends first.
type Freshness interface {
	WaitApplied(ctx context.Context, seq uint64) error // the index shows everything up to seq
	WaitVectors(ctx context.Context, seq uint64) error // and the vectors of its texts
}

// Options limit and tune searches. Zero fields take the defaults.
type Options struct {
	Candidates     int           // per leg (100)
	DenseWeight    float64       // where a collection sets none (DefaultDenseWeight)
	Wait           time.Duration // for min_seq, when the query does not say (5 s)
	MaxWait        time.Duration // what a query may ask for (60 s)
	EmbedDeadline  time.Duration // of the query's embedding (2 s)
	RerankDeadline time.Duration // of the rescoring (2 s)
	RerankWeight   float64       // share of the sentence in the rescored score (0.4)
	ModelWeight    float64       // the same of the reranker's score (1)
	RerankDepth    int           // hits that are rescored (50)
	Fanout         int           // collections searched at a time (8)
}

func (o Options) withDefaults() Options {
	setDefault(&o.Candidates, 100)
	setDefault(&o.DenseWeight, DefaultDenseWeight)
	setDefault(&o.Wait, 5*time.Second)
	setDefault(&o.MaxWait, time.Minute)
	setDefault(&o.EmbedDeadline, 2*time.Second)
	setDefault(&o.RerankDeadline, 2*time.Second)
	setDefault(&o.RerankWeight, 0.4)
	setDefault(&o.ModelWeight, 1)
	setDefault(&o.RerankDepth, 50)
	setDefault(&o.Fanout, 8)
	return o
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// Deps are the parts a Retriever works with.
type Deps struct {
	Index     rag.Searcher
	Catalog   Catalog
	Embedder  Embedder
	Freshness Freshness
	Sentences *SentenceVectors // serves rag.RerankSentences
	Reranker  rag.Reranker     // serves rag.RerankModel; nil without
}

// Retriever searches. It is safe for concurrent use and starts no goroutine
// that outlives a call.
type Retriever struct {
	deps Deps
	opts Options
}

// New returns a Retriever.
func New(deps Deps, opts Options) *Retriever {
	return &Retriever{deps: deps, opts: opts.withDefaults()}
}

// Names of the stages that can be left out of a result: SearchResult.Degraded.
const (
	degradedDense  = "dense"
	degradedRerank = "rerank"
	degradedIndex  = "index" // a damaged part of it is being put back
)

// Search returns the hits that p may see, best first, or in the order of the
// query's Sort.
//
// Errors: CodeInvalid with the faulty field; CodeNotFound for a collection
// that p cannot see; CodeFilter and CodeUnknownField from the index; CodeStale
// when min_seq was not reached in time; CodeUnavailable when mode dense or
// exact finds no embedding. A hybrid search without an embedding is lexical
// and says so in Degraded.
func (r *Retriever) Search(ctx context.Context, p rag.Principal, q rag.Query) (rag.SearchResult, error) {
	q, err := r.validate(q)
	if err != nil {
		return rag.SearchResult{}, err
	}
	run := &run{Retriever: r, query: q, scope: policy.Scope(p)}

	run.begin("scope")
	if err := run.resolveCollections(ctx); err != nil {
		return rag.SearchResult{}, err
	}
	run.end()
	if err := run.resolveMoment(ctx); err != nil {
		return rag.SearchResult{}, err
	}
	if err := run.waitFresh(ctx); err != nil {
		return rag.SearchResult{}, err
	}
	run.begin("embed_query")
	if err := run.embedQuery(ctx); err != nil {
		return rag.SearchResult{}, err
	}
	run.end()
	candidates, err := run.searchLegs(ctx)
	if err != nil {
		return rag.SearchResult{}, err
	}
	run.begin("fuse")
	if len(q.Sort) > 0 {
		run.order(candidates)
	} else {
		run.rank(fuse.Fuse(candidates, q.Candidates, run.denseWeight))
	}
	run.end()
	if q.Rerank != rag.RerankNone {
		run.begin("rerank")
		if err := run.rerank(ctx); err != nil {
			return rag.SearchResult{}, err
		}
		run.end()
	}
	if err := run.selectHits(ctx); err != nil {
		return rag.SearchResult{}, err
	}
	return run.result, nil
}

// run is the state of one search as it goes down the pipeline.
type run struct {
	*Retriever
	query       rag.Query
	scope       rag.Scope
	collections []rag.Collection
	vector      []float32 // of the query; nil without
	asOf        uint64    // change to read as of; 0 for now
	ranking     []ranked
	stored      map[rag.ChunkKey]rag.StoredChunk // read so far; zero: not visible
	groups      map[string]int                   // hits by document, when they are grouped
	result      rag.SearchResult

	stage   string
	started time.Time
}

// ranked is a fused candidate with what the rescoring made of it.
type ranked struct {
	fuse.Ranked
	score       float64 // by which the hits are ordered
	fusedRank   int     // from 1
	rerankScore *float64
	rerankRank  int
}

func (r *run) rank(fused []fuse.Ranked) {
	r.ranking = make([]ranked, len(fused))
	for i, f := range fused {
		r.ranking[i] = ranked{Ranked: f, score: f.Score, fusedRank: i + 1}
	}
	r.result.Candidates = len(fused)
}

func (r *run) begin(stage string) { r.stage, r.started = stage, time.Now() }

func (r *run) end() { r.took(r.stage, time.Since(r.started)) }

func (r *run) took(stage string, d time.Duration) {
	r.result.Stages = append(r.result.Stages, rag.Stage{Name: stage, Took: d})
}
