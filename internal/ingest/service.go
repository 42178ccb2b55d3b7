package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/quarry-search/quarry/internal/chunk"
	"github.com/quarry-search/quarry/internal/policy"
	"github.com/quarry-search/quarry/internal/rag"
)

// Deps are the parts that Service works with.
type Deps struct {
	Catalog rag.Catalog
	// Parse makes text of a document's Data. Its errors are *rag.Refusal, or
	// the context's; anything else is failed(parse).
	Parse  func(ctx context.Context, in rag.Incoming) (rag.Parsed, error)
	Chunk  chunk.Options
	Events Events
}

// Options limit a Service. Zero fields take the defaults.
type Options struct {
	Workers       int   // documents parsed at once; GOMAXPROCS
	MaxBytes      int64 // larger documents are skipped; 64 MiB
	InflightBytes int64 // source bytes of documents in Put, together; 128 MiB
}

// Service puts documents. Safe for concurrent use.
type Service struct {
	deps  Deps
	opts  Options
	bytes *semaphore.Weighted
	slots chan struct{} // one for each document being parsed
}

// New returns a Service.
func New(deps Deps, opts Options) *Service {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = 64 << 20
	}
	opts.InflightBytes = max(opts.InflightBytes, 128<<20, opts.MaxBytes)
	return &Service{
		deps: deps, opts: opts,
		bytes: semaphore.NewWeighted(opts.InflightBytes),
		slots: make(chan struct{}, opts.Workers),
	}
}

// Put brings one document in: parse, cut against the former version, commit.
// When it returns an Outcome without an error, the result is committed and,
// if the document belongs to a job, counted there. It blocks while too many
// documents or bytes are in work.
//
// Errors: CodeForbidden without the writer role; CodeInvalid; CodeNotFound for
// the collection; CodePrecondition, CodeConflict and CodeUnavailable from the
// catalog; the context's.
func (s *Service) Put(ctx context.Context, p rag.Principal, in rag.Incoming) (rag.Outcome, error) {
	if !p.Has(rag.RoleWriter) {
		return rag.Outcome{}, &rag.Error{Code: rag.CodeForbidden, Message: "putting documents needs the writer role"}
	}
	if err := validate(in); err != nil {
		return rag.Outcome{}, err
	}
	w := &work{Service: s, scope: policy.Scope(p), in: in}
	out, err := w.run(ctx)
	var refusal *rag.Refusal
	if errors.As(err, &refusal) {
		out, err = w.refuse(ctx, refusal)
	}
	if err != nil {
		return rag.Outcome{}, err
	}
	out.Stages = w.stages
	s.deps.Events.document(DocumentEvent{
		Job: in.Job, Kind: w.parsed.Kind, Result: out.Result, Reason: out.Reason,
		Chunks: len(w.chunks), NewChunks: out.NewChunks, SizeBytes: int64(len(in.Data)), Stages: w.stages,
	})
	return out, nil
}

func validate(in rag.Incoming) error {
	if in.Collection == "" {
		return rag.Invalid("/collection", "a document needs a collection")
	}
	if in.ID == "" && in.URI == "" {
		return rag.Invalid("/uri", "a document needs a uri or an id")
	}
	for key := range in.Attributes {
		if rag.ReservedKey(key) {
			return rag.Invalid("/attributes/"+key, fmt.Sprintf("the attribute %q is computed by the server", key))
		}
	}
	return nil
}

// work is one document on its way through Put.
type work struct {
	*Service
	scope  rag.Scope
	in     rag.Incoming
	parsed rag.Parsed
	chunks []rag.Chunk
	given  [][]float32 // vectors of chunks, in their order, where they are given
	stages []rag.Stage
}

func (w *work) run(ctx context.Context) (rag.Outcome, error) {
	collection, err := w.deps.Catalog.Collection(ctx, w.scope, w.in.Collection)
	if err != nil {
		return rag.Outcome{}, err
	}
	if len(w.in.Chunks) > 0 {
		if err := w.takeChunks(collection); err != nil {
			return rag.Outcome{}, err
		}
	}
	size := int64(len(w.in.Data))
	if size > w.opts.MaxBytes {
		return rag.Outcome{}, rag.Skip(rag.ReasonTooLarge, fmt.Sprintf("%d bytes are more than the limit of %d", size, w.opts.MaxBytes))
	}
	if err := w.bytes.Acquire(ctx, size); err != nil {
		return rag.Outcome{}, err
	}
	defer w.bytes.Release(size)
	if w.in.ID == "" {
		w.in.ID = rag.DocumentID(w.in.Collection, w.in.URI)
	}
	former, err := w.former(ctx)
	if err != nil {
		return rag.Outcome{}, err
	}
	if len(w.in.Chunks) == 0 {
		if err := w.parseAndChunk(ctx, former); err != nil {
			return rag.Outcome{}, err
		}
	}
	return w.commit(ctx, former)
}

// former returns the document as it is now, zero when there is none.
func (w *work) former(ctx context.Context) (rag.Document, error) {
	d, err := w.deps.Catalog.Document(ctx, w.scope, w.in.ID, 0)
	if rag.CodeOf(err) == rag.CodeNotFound {
		return rag.Document{}, nil
	}
	return d, err
}

// parseAndChunk holds a worker's slot, so that at most Options.Workers
// documents are in it.
func (w *work) parseAndChunk(ctx context.Context, former rag.Document) error {
	prev, err := w.previous(ctx, former)
	if err != nil {
		return err
	}
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err = w.stage("parse", func() (err error) {
		w.parsed, err = w.deps.Parse(ctx, w.in)
		return err
	})
	var refusal *rag.Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return rag.Fail(rag.ReasonParse, "")
	}
	if w.in.Title != "" {
		w.parsed.Title = w.in.Title // chunks are embedded under the title that counts
	}
	err = w.stage("chunk", func() error {
		if prev.Text == "" {
			w.chunks = chunk.Split(w.parsed, w.deps.Chunk)
		} else {
			w.chunks = chunk.Resplit(prev, w.parsed, w.deps.Chunk)
		}
		return nil
	})
	if err == nil && len(w.chunks) == 0 {
		return rag.Skip(rag.ReasonNoText, "")
	}
	return err
}

// previous is the text that the chunker keeps its boundaries of.
func (w *work) previous(ctx context.Context, former rag.Document) (prev chunk.Previous, err error) {
	if former.ID == "" {
		return prev, nil
	}
	if prev.Text, err = w.deps.Catalog.Text(ctx, w.scope, former.ID, former.Version.Number); err != nil {
		return prev, fmt.Errorf("read former text: %w", err)
	}
	if prev.Chunks, err = w.deps.Catalog.DocumentChunks(ctx, w.scope, former.ID, former.Version.Number); err != nil {
		return prev, fmt.Errorf("read former chunks: %w", err)
	}
	return prev, nil
}

// stage times f and turns its panic into a failed document: input must never
// end the process.
func (w *work) stage(name string, f func() error) (err error) {
	began := time.Now()
	defer func() {
		w.stages = append(w.stages, rag.Stage{Name: name, Took: time.Since(began)})
		if v := recover(); v != nil {
			w.deps.Events.panicked(v)
			err = rag.Fail(rag.ReasonInternal, "the "+name+" stage broke off")
		}
	}()
	return f()
}

func (w *work) commit(ctx context.Context, former rag.Document) (out rag.Outcome, err error) {
	began := time.Now()
	published, err := w.deps.Catalog.Publish(ctx, w.publication(former))
	w.stages = append(w.stages, rag.Stage{Name: "commit", Took: time.Since(began)})
	if err != nil {
		return out, err
	}
	return rag.Outcome{
		Document: published.Document, Result: published.Result,
		Seq: published.Seq, NewChunks: published.NewChunks,
	}, nil
}

func (w *work) publication(former rag.Document) rag.Publication {
	in, p := w.in, w.parsed
	doc := rag.Document{ID: in.ID, Collection: in.Collection, URI: in.URI, Access: in.Access}
	if doc.URI == "" {
		doc.URI = former.URI
	}
	if doc.URI == "" {
		doc.URI = "quarry:" + in.ID
	}
	if doc.Access == nil {
		doc.Access = former.Access
	}
	if doc.Access == nil {
		doc.Access = []string{rag.Everyone}
	}
	doc.Version = rag.Version{
		SourceHash: rag.HashBytes(in.Data),
		TextHash:   rag.HashBytes([]byte(p.Text)),
		SizeBytes:  int64(len(in.Data)),
		TextBytes:  int64(len(p.Text)),
		Title:      title(in.Title, p.Title, doc.URI),
		Kind:       p.Kind,
		MediaType:  p.MediaType,
		Language:   p.Language,
		Attributes: in.Attributes,
		Access:     doc.Access,
		ModifiedAt: in.ModifiedAt,
		Chunks:     len(w.chunks),
		Pages:      len(p.Pages),
	}
	return rag.Publication{
		Document: doc, Source: in.Data, Text: p.Text, Chunks: w.chunks, Vectors: w.given,
		IfSeq: in.IfSeq, IfAbsent: in.IfAbsent, Job: in.Job, Item: in.Item,
	}
}

// maxTitleBytes cuts titles that parsers find: whole paragraphs marked as one.
const maxTitleBytes = 500

// title takes what the caller says, else what the document says, else the
// last element of the uri.
func title(given, parsed, uri string) string {
	if given != "" {
		return given
	}
	if parsed != "" {
		return strings.ToValidUTF8(parsed[:min(len(parsed), maxTitleBytes)], "")
	}
	u, err := url.Parse(uri)
	if err != nil || u.Path == "" {
		return uri
	}
	return path.Base(u.Path)
}

// refuse records a refusal in the document's job.
func (w *work) refuse(ctx context.Context, r *rag.Refusal) (rag.Outcome, error) {
	out := rag.Outcome{Result: r.Result, Reason: r.Reason, Detail: r.Detail}
	if w.in.Job == "" {
		return out, nil
	}
	item := rag.JobItem{Item: w.in.Item, Result: r.Result, Reason: r.Reason, Detail: r.Detail}
	if err := w.deps.Catalog.FinishJobItem(ctx, w.in.Job, item, int64(len(w.in.Data))); err != nil {
		return rag.Outcome{}, fmt.Errorf("record refusal: %w", err)
	}
	return out, nil
}
