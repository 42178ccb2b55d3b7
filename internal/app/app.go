package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quarry-search/quarry/internal/answer"
	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/chunk"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/httpapi"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/policy"
	"github.com/quarry-search/quarry/internal/rag"
	"github.com/quarry-search/quarry/internal/retrieve"
	"github.com/quarry-search/quarry/internal/telemetry"
)

// Options are what a command says beside the configuration.
type Options struct {
	Folders []Folder     // ingested and watched while it runs
	Logger  *slog.Logger // default: discards
	// Executable is this program, started again as the PDF worker; default:
	// the running one.
	Executable string
}

// App is one Quarry process.
type App struct {
	config config.Config
	opts   Options
	log    *slog.Logger

	lock      *lock
	listener  net.Listener
	principal rag.Principal

	catalog  *sqlite.Catalog
	embedder rag.Embedder
	reranker rag.Reranker // nil without
	index    *local.Index
	parsers  *parsers
	metrics  *telemetry.Metrics
	tracing  *telemetry.Tracing

	service   *ingest.Service
	jobs      *ingest.Jobs
	indexer   *ingest.Indexer
	follower  *ingest.Embedder
	eraser    *ingest.Eraser
	retriever *retrieve.Retriever
	answerer  *answer.Answerer
	maintain  *maintenance
	server    *http.Server
	folders   []*watched
	startHead uint64 // of the log when the process started
	gauges    *gauges
	draining  atomic.Bool
}

// sentenceCacheBytes bounds the cache of sentence vectors.
const sentenceCacheBytes = 64 << 20

// New takes the data directory and the address, and builds every part. It
// starts nothing; Close what it returned, whether it ran or not.
//
// Errors with a code are for people: CodeConflict when the data directory or
// the address is in use, CodeInvalid for an address that is not loopback.
func New(c config.Config, o Options) (*App, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &App{config: c, opts: o, log: o.Logger}
	if err := a.build(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) build() error {
	steps := []func() error{a.open, a.watch, a.connect, a.assemble, a.openFolders, a.serve}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// open takes directory, address and catalog.
func (a *App) open() (err error) {
	if err := os.MkdirAll(a.config.Data, 0o700); err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	if a.lock, err = acquire(a.config.Data); err != nil {
		return err
	}
	if a.listener, err = listen(a.config.Listen); err != nil {
		return err
	}
	if a.principal, err = localPrincipal(a.listener); err != nil {
		return err
	}
	if a.catalog, err = sqlite.Open(a.config.Data, sqlite.Options{}); err != nil {
		return err
	}
	a.startHead, err = a.catalog.Head(context.Background())
	return err
}

// Close releases everything, in the opposite order. Call it once Run returned.
func (a *App) Close() error {
	var errs []error
	closing := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, w := range a.folders {
		closing(w.source.Close())
	}
	if a.parsers != nil {
		closing(a.parsers.Close())
	}
	if a.index != nil {
		closing(a.index.Close())
	}
	closing(a.closeProviders())
	if a.catalog != nil {
		closing(a.catalog.Close())
	}
	if a.tracing != nil {
		ctx, cancel := context.WithTimeout(context.Background(), a.config.ShutdownTimeout)
		closing(a.tracing.Close(ctx))
		cancel()
	}
	if a.listener != nil {
		if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
			closing(err)
		}
	}
	if a.lock != nil {
		closing(a.lock.release())
	}
	return errors.Join(errs...)
}

// connect builds what stands between catalog, model and index.
func (a *App) connect() (err error) {
	if err := a.openIndex(); err != nil {
		return err
	}
	events := a.events()
	a.parsers = newParsers(a.opts.Executable, a.config)
	a.service = ingest.New(ingest.Deps{
		Catalog: a.catalog,
		Parse:   a.parsers.parse,
		Chunk: chunk.Options{
			MaxTokens: min(a.embedder.MaxTokens()-specialTokens, maxChunkTokens),
			Count:     a.embedder.CountTokens,
		},
		Events: events,
	}, ingest.Options{
		Workers:       a.config.IngestWorkers,
		MaxBytes:      int64(a.config.MaxDocumentBytes),
		InflightBytes: int64(a.config.InflightBytes),
	})
	a.jobs = ingest.NewJobs(ingest.JobDeps{Service: a.service, Open: a.openSource})
	a.indexer = ingest.NewIndexer(a.catalog, a.catalog, a.index, a.embedder.Fingerprint(), events)
	a.indexer.Heal(a.index, present{a.catalog})
	a.follower = ingest.NewEmbedder(a.catalog, a.catalog, a.embedder, events)
	a.eraser = ingest.NewEraser(a.catalog, a.index, a.indexer, events)
	return a.refingerprint(context.Background())
}

// specialTokens begin and end each text that a BERT model embeds.
const specialTokens = 2

// assemble builds the use cases of the edge.
func (a *App) assemble() error {
	sentences := retrieve.NewSentenceVectors(a.embedder, sentenceCacheBytes)
	a.retriever = retrieve.New(retrieve.Deps{
		Index: a.index, Catalog: a.catalog, Embedder: a.embedder,
		Freshness: a.freshness(),
		Sentences: sentences,
		Reranker:  a.reranker,
	}, retrieve.Options{})
	rerankers := []rag.Reranker{retrieve.NewBySentence(a.embedder, sentences)}
	if a.reranker != nil {
		rerankers = slices.Insert(rerankers, 0, a.reranker)
	}
	a.maintain = newMaintenance(a)
	tracer := a.tracing.Tracer()
	search := telemetry.WatchSearches(a.retriever, a.metrics, tracer)
	a.answerer = answer.New(answer.Deps{
		Search: search, Texts: a.catalog, Embedder: a.embedder, Vectors: sentences, Analyze: bm25.Terms,
	}, answer.Options{})
	handler, err := httpapi.New(httpapi.Options{
		Catalog:      a.catalog,
		Index:        a.index,
		Searcher:     search,
		Answerer:     telemetry.WatchAnswers(a.answerer, a.metrics, tracer),
		Ingester:     telemetry.WatchIngests(a.service, a.metrics, tracer),
		Jobs:         runner{a},
		Eraser:       a.eraser,
		Maintainer:   a.maintain,
		Authenticate: authenticator(a.principal),
		Scope:        policy.Scope,
		Ready:        a.ready,
		Fingerprint:  a.embedder.Fingerprint(),
		Version:      versionOf(a.embedder, a.reranker),
		Embeddings:   embeddingsOf(a.embedder),
		Rerankers:    rerankers,
		Metrics:      a.metrics.Handler(),
		Console:      a.console(),
		AllowedHosts: a.config.AllowedHosts,
		Logger:       a.log,
		Observer:     a.metrics,
		Tracer:       tracer,
	})
	if err != nil {
		return err
	}
	a.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	return nil
}

// serve tells others where this process can be asked.
func (a *App) serve() error { return a.lock.serve(a.URL()) }

// URL is the base URL of the API and the console.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }
