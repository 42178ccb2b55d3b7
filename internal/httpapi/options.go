package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// Catalog is what the edge reads and writes of the catalog directly.
type Catalog interface {
	rag.Collections
	rag.Documents
	rag.Log
	rag.Jobs
	rag.Keys
}

// Index tells what the index holds.
type Index interface {
	Applied() uint64
	Stats(ctx context.Context, collection string) (rag.IndexStats, error)
}

// Searcher runs a search.
type Searcher interface {
	Search(ctx context.Context, p rag.Principal, q rag.Query) (rag.SearchResult, error)
}

// Answerer answers a question, sending events as they come. An error from
// send ends the answer.
type Answerer interface {
	Answer(ctx context.Context, p rag.Principal, q rag.Question, send func(rag.Event) error) (rag.Answer, error)
}

// Ingester takes one document in. Its errors are faults of the request or of
// the server; a document that was skipped or failed is an Outcome. When
// Incoming names a job, the item's result is recorded in it by the time Put
// returns an Outcome.
type Ingester interface {
	Put(ctx context.Context, p rag.Principal, in rag.Incoming) (rag.Outcome, error)
}

// JobRunner starts and cancels jobs. Errors: CodeNotFound, CodeForbidden for a
// folder that the server was not started with.
type JobRunner interface {
	StartFolderJob(ctx context.Context, p rag.Principal, collection, path string) (rag.Job, error)
	// StartBatch makes a running job of source "batch" that the edge feeds and
	// finishes.
	StartBatch(ctx context.Context, p rag.Principal, collection string) (rag.Job, error)
	CancelJob(ctx context.Context, id string) error
}

// Eraser erases versions of documents, and returns when no file holds them.
type Eraser interface {
	Erase(ctx context.Context, s rag.Scope, id string, whole bool, ifSeq uint64) (rag.Erased, error)
}

// Observer is told of every request; package telemetry makes metrics of it.
type Observer interface {
	// RequestStarted is called before a request runs; done when it is over.
	// kind is "unary" or "stream".
	RequestStarted(kind string) (done func())
	// RequestDone reports a finished request: the route's pattern ("_other"
	// for none), the operation (search, answer, ingest, read, admin, "" for
	// probes), the outcome (ok, degraded, client_error, error, canceled) and
	// the problem's code, "" for none.
	RequestDone(method, route string, status int, operation, outcome, code string, took time.Duration)
	Panicked()
}

// Options are what the handler is made of. Fields without a default are
// required.
type Options struct {
	Catalog  Catalog
	Index    Index
	Searcher Searcher
	Answerer Answerer
	Ingester Ingester
	Jobs     JobRunner
	Eraser   Eraser

	Maintainer Maintainer
	// Authenticate says who asks. Errors: CodeUnauthorized.
	Authenticate func(*http.Request) (rag.Principal, error)
	// Scope says what a principal may see: policy.Scope.
	Scope func(rag.Principal) rag.Scope
	// Ready reports health; its checks are shown to operators only.
	Ready       func(context.Context) api.Ready
	Fingerprint string // of the embedding model that new collections get
	Version     api.VersionInfo

	Embeddings Embeddings     // at /openai/v1/embeddings; the zero value serves no model
	Rerankers  []rag.Reranker // at /v1/rerank and /cohere/v2/rerank, by name; the first is the default

	Metrics      http.Handler // at /metrics; nil: not there
	Console      http.Handler // for every path that is not the API's; nil: not there
	AllowedHosts []string     // host names beside loopback that requests may name

	Logger   *slog.Logger // default: discards
	Observer Observer     // default: none
	Tracer   trace.Tracer // default: makes no spans

	CursorKey     []byte           // authenticates cursors; default: random, so that they end with the process
	SearchSlots   int              // searches and answers at once; default: 4 per CPU
	SearchQueue   int              // of them waiting for a slot; default: 256
	BatchSlots    int              // documents of one batch at once; default: one per CPU
	LineBytes     int              // the longest line of a batch, which may hold twice as much in work; default: 64 MiB
	ReadTimeout   time.Duration    // of a JSON body; default: 10 s
	UploadTimeout time.Duration    // of a document's body, and between bytes of a batch; default: 5 min
	WriteTimeout  time.Duration    // of one message of a stream; default: 30 s
	Heartbeat     time.Duration    // between comments of an idle event stream; default: 10 s
	ResumeGrace   time.Duration    // how long a resumable answer goes on without its client; default: 10 s
	ResumeKeep    time.Duration    // how long its events are kept after its end; default: 60 s
	Now           func() time.Time // default: time.Now
}

func (o Options) withDefaults() Options {
	setDefault(&o.Logger, slog.New(slog.DiscardHandler))
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	if o.Tracer == nil {
		o.Tracer = noop.NewTracerProvider().Tracer("")
	}
	if o.CursorKey == nil {
		o.CursorKey = make([]byte, 32)
		rand.Read(o.CursorKey)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	setDefault(&o.SearchSlots, 4*runtime.GOMAXPROCS(0))
	setDefault(&o.SearchQueue, 256)
	setDefault(&o.BatchSlots, runtime.GOMAXPROCS(0))
	setDefault(&o.LineBytes, 64<<20)
	setDefault(&o.ReadTimeout, 10*time.Second)
	setDefault(&o.UploadTimeout, 5*time.Minute)
	setDefault(&o.WriteTimeout, 30*time.Second)
	setDefault(&o.Heartbeat, 10*time.Second)
	setDefault(&o.ResumeGrace, 10*time.Second)
	setDefault(&o.ResumeKeep, time.Minute)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate lists every missing part.
func (o Options) validate() error {
	var faults []error
	for name, missing := range map[string]bool{
		"Catalog": o.Catalog == nil, "Index": o.Index == nil, "Searcher": o.Searcher == nil,
		"Answerer": o.Answerer == nil, "Ingester": o.Ingester == nil, "Jobs": o.Jobs == nil, "Eraser": o.Eraser == nil, "Maintainer": o.Maintainer == nil,
		"Authenticate": o.Authenticate == nil, "Scope": o.Scope == nil, "Ready": o.Ready == nil,
	} {
		if missing {
			faults = append(faults, errors.New("httpapi: Options."+name+" is missing"))
		}
	}
	return errors.Join(faults...)
}

type unobserved struct{}

func (unobserved) RequestStarted(string) func() { return func() {} }
func (unobserved) RequestDone(string, string, int, string, string, string, time.Duration) {
}
func (unobserved) Panicked() {}
