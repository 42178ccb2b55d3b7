package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/engine/vfs"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// Index is an index in this process. Safe for concurrent use.
type Index struct {
	engine *engine.Engine
}

var _ rag.Index = (*Index)(nil)

// Open makes an index that lives in memory: it is empty, and follows the log
// from its start.
func Open() (*Index, error) { return open(engine.Options{}) }

// OpenWithHistory is Open for an index that keeps former versions.
func OpenWithHistory() (*Index, error) { return open(engine.Options{KeepHistory: true}) }

// Log is what an index in a folder follows.
type Log struct {
	ID          string // of the catalog
	Head        uint64 // seq of its last entry
	Fingerprint string // of the model whose vectors the index gets; "" leaves that unchecked
	// RecallSample is the fraction of searches by meaning that Run repeats
	// exactly, to see what they missed.
	RecallSample float64
	// Task is told of each flush, merge and graph of Run that ended; nil for
	// nobody. It must return quickly.
	Task func(task string, took time.Duration, err error)
	// KeepHistory keeps former versions, for reads as of a change, until Forget
	// or Purge, of collections whose settings do not say otherwise.
	KeepHistory bool
}

// OpenDir opens the index in the folder dir, which it owns, or makes an empty
// one: it follows the log from Applied. Run writes it; Close does once more.
//
// An index that follows another log, holds vectors of another model, is of
// another version or has lost its manifest is emptied, for the log to fill it
// anew: Recovered tells why. Files that are damaged are left out and told to
// damaged, which may be nil, here or whenever the damage is met: Lost says what
// is to be put back.
func OpenDir(dir string, log Log, damaged func(rag.Problem)) (*Index, error) {
	return openDir(dir, log, damaged, false)
}

// OpenDirReadOnly is OpenDir that leaves the folder as it is: what is applied
// stays in memory. Without the folder it is Open.
func OpenDirReadOnly(dir string, log Log, damaged func(rag.Problem)) (*Index, error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return Open()
	}
	return openDir(dir, log, damaged, true)
}

func openDir(dir string, log Log, damaged func(rag.Problem), readOnly bool) (*Index, error) {
	fs, err := vfs.OpenDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	o := engine.Options{FS: fs, Head: &log.Head, Log: log.ID, RecallSample: log.RecallSample, Fingerprint: log.Fingerprint, KeepHistory: log.KeepHistory, Task: log.Task, ReadOnly: readOnly}
	if damaged != nil {
		o.Damaged = func(p *engine.Problem) { damaged(problem(p)) }
	}
	return open(o)
}

func problem(p *engine.Problem) rag.Problem {
	return rag.Problem{Invariant: "index_segment", Subject: p.Collection + "/" + p.File, Detail: p.Err.Error()}
}

func open(o engine.Options) (*Index, error) {
	o.KnownField = rag.ReservedKey
	e, err := engine.Open(o)
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	return &Index{engine: e}, nil
}

// Recovered is why the index began empty instead of with what was in its
// folder; nil if it did not.
func (x *Index) Recovered() error { return x.engine.Recovered() }

// Run writes and merges in the background until ctx ends. What fails, as on a
// full disk, goes to report, and is tried again.
func (x *Index) Run(ctx context.Context, report func(error)) { x.engine.Run(ctx, report) }

// Recall tells, by path, how many chunks sampled searches should have found and
// did.
func (x *Index) Recall() map[string]engine.Recall { return x.engine.Recall() }

// Usage is what the index takes, over all collections.
func (x *Index) Usage() engine.Usage { return x.engine.Usage() }

// Forget drops the versions that were replaced or deleted at or before seq.
func (x *Index) Forget(seq uint64) error { return coded(x.engine.Forget(seq), "") }

// ForgetIn is Forget for one collection.
func (x *Index) ForgetIn(collection string, seq uint64) error {
	return coded(x.engine.ForgetIn(collection, seq), collection)
}

// DropPast drops the former versions of a collection.
func (x *Index) DropPast(collection string) error {
	return coded(x.engine.DropPast(collection), collection)
}

// Purge drops every former version of a document, as if it had never been.
func (x *Index) Purge(collection, id string) error {
	return coded(x.engine.Purge(collection, id), collection)
}

// Scrub removes from the files what they still hold of dead versions of
// documents: former ones that were erased or purged, and replaced ones.
func (x *Index) Scrub(ctx context.Context, collection string, ids []string) error {
	return coded(x.engine.Scrub(ctx, collection, ids), collection)
}

// CompactCollection is Compact for one collection, while the index is in use.
func (x *Index) CompactCollection(ctx context.Context, collection string) error {
	return coded(x.engine.CompactCollection(ctx, collection), collection)
}

// Compact rewrites every collection as one segment without the dead.
func (x *Index) Compact(ctx context.Context) error { return x.engine.Compact(ctx) }

// Check verifies every block of every file, what is listed by word, label and
// value against the documents, and looks for some chunks in each graph. What is
// damaged it takes out of the index: see Lost.
func (x *Index) Check(ctx context.Context) (rag.CheckReport, error) {
	segments, problems := x.engine.Check(ctx)
	reach, unreached := x.engine.CheckGraphs(ctx)
	return rag.CheckReport{
		Checked:  map[string]int64{"segments": int64(segments), "graph_samples": reach.Sampled, "graph_samples_found": reach.Found},
		Problems: problemsOf(slices.Concat(problems, unreached)),
	}, ctx.Err()
}

// ErrOtherModel is what Recovered wraps for an index that is not damaged, but
// holds vectors of another model.
var ErrOtherModel = engine.ErrOtherModel

// Lost returns the collections that lack documents which stood in a damaged
// segment, each with a number for Healed.
func (x *Index) Lost() map[string]uint64 { return x.engine.Lost() }

// Missing returns those of the documents that the collection does not hold.
func (x *Index) Missing(collection string, ids []string) ([]string, error) {
	missing, err := x.engine.Missing(collection, ids)
	return missing, coded(err, collection)
}

// Restore puts published documents back that a damaged segment held. Those that
// are there are left alone.
func (x *Index) Restore(ctx context.Context, documents []rag.IndexChange) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list := make([]engine.Change, len(documents))
	for i, c := range documents {
		list[i] = translate(c)
	}
	return coded(x.engine.Restore(list), "")
}

// Healed says that all was restored that the collection lacked at its loss
// number n.
func (x *Index) Healed(collection string, n uint64) { x.engine.Healed(collection, n) }

// Unwritten is why the index could not be written the last time, as on a full
// disk; nil when it could.
func (x *Index) Unwritten() error { return x.engine.Unwritten() }

// Kernels names the processor kernels that the dense leg runs.
func Kernels() string { return engine.Kernels() }

// Applied is the seq of the last entry that is visible.
func (x *Index) Applied() uint64 { return x.engine.Applied() }

// Close waits for searches under way, writes what is not written yet, and
// releases the files. Run must have returned.
func (x *Index) Close() error { return x.engine.Close() }

// Apply implements rag.Index. When more is in memory than should be and the
// disk does not take it, it fails with CodeUnavailable: try again later.
func (x *Index) Apply(ctx context.Context, changes []rag.IndexChange) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list := make([]engine.Change, len(changes))
	for i, c := range changes {
		list[i] = translate(c)
	}
	return coded(x.engine.Apply(list), "")
}

// Search implements rag.Searcher.
func (x *Index) Search(ctx context.Context, s rag.Scope, q rag.LegQuery) (rag.Candidates, error) {
	result, err := x.engine.Search(ctx, queryOf(s, q))
	if err != nil {
		return rag.Candidates{}, coded(err, q.Collection)
	}
	return candidatesOf(result, q.Collection), nil
}

// Stats implements rag.Index.
func (x *Index) Stats(_ context.Context, collection string) (rag.IndexStats, error) {
	s, err := x.engine.Stats(collection)
	if err != nil {
		return rag.IndexStats{}, coded(err, collection)
	}
	return rag.IndexStats{Chunks: s.Rows, Vectors: s.Vectors, Segments: s.Segments, MemoryBytes: s.MemoryBytes, DiskBytes: s.DiskBytes,
		RecallExpected: s.Recall.Expected, RecallFound: s.Recall.Found}, nil
}

// coded gives the engine's errors their codes.
func coded(err error, collection string) error {
	var field *engine.FieldError
	var vector *engine.VectorError
	var history *engine.HistoryError
	var bad *filter.Error
	var text *clause.Error
	var damage *segment.DamageError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrNoCollection):
		return rag.NotFound("collection \"" + collection + "\"")
	case errors.As(err, &history):
		return &rag.Error{Code: rag.CodeInvalid, Field: "/as_of", Message: fmt.Sprintf("collection %q keeps nothing from before change %d", collection, history.Oldest)}
	case errors.As(err, &field):
		return &rag.Error{Code: rag.CodeUnknownField, Field: field.Key, Message: "no document has the field \"" + field.Key + "\""}
	case errors.As(err, &bad):
		return &rag.Error{Code: rag.CodeFilter, Field: bad.Pointer, Message: "the filter " + bad.Message}
	case errors.As(err, &text):
		return &rag.Error{Code: rag.CodeInvalid, Field: "/query", Message: "the query cannot be searched for: " + text.Message}
	case errors.Is(err, engine.ErrClosed):
		return &rag.Error{Code: rag.CodeUnavailable, Message: "the index is closed"}
	case errors.Is(err, engine.ErrFlush):
		return &rag.Error{Code: rag.CodeUnavailable, Message: "the index cannot be written: is the disk full?", Err: err}
	case errors.As(err, &damage):
		return &rag.Error{Code: rag.CodeInternal, Message: "a part of the index is damaged", Err: err}
	case errors.As(err, &vector):
		return &rag.Error{Code: rag.CodeInvalid, Field: "/vector", Message: "the vector cannot be used: " + vector.Reason, Err: err}
	}
	return err
}
