package local

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// Index is an index in this process. Safe for concurrent use.
type Index struct {
	engine *engine.Engine
	closed atomic.Bool
}

var _ rag.Index = (*Index)(nil)

// Open makes an index that lives in memory: it is empty, and follows the log
// from its start.
func Open() (*Index, error) {
	return &Index{engine: engine.Open(engine.Options{KnownField: rag.ReservedKey})}, nil
}

// Kernels names the processor kernels that the dense leg runs.
func Kernels() string { return engine.Kernels() }

// Applied is the seq of the last entry that is visible.
func (x *Index) Applied() uint64 { return x.engine.Applied() }

// Close ends the index. Searches under way finish.
func (x *Index) Close() error {
	x.closed.Store(true)
	return nil
}

func (x *Index) open() error {
	if x.closed.Load() {
		return &rag.Error{Code: rag.CodeUnavailable, Message: "the index is closed"}
	}
	return nil
}

// Apply implements rag.Index.
func (x *Index) Apply(ctx context.Context, changes []rag.IndexChange) error {
	if err := errors.Join(x.open(), ctx.Err()); err != nil {
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
	if err := x.open(); err != nil {
		return rag.Candidates{}, err
	}
	result, err := x.engine.Search(ctx, engine.Query{
		Collection: q.Collection,
		Scope:      engine.Scope{All: s.All(), Labels: s.Labels()},
		Filter:     q.Filter,
		Text:       q.Text,
		Vector:     q.Vector,
		Limit:      q.Limit,
		Exact:      q.Exact,
	})
	if err != nil {
		return rag.Candidates{}, coded(err, q.Collection)
	}
	out := rag.Candidates{
		Seq: result.Seq, DenseTook: result.DenseTook, LexicalTook: result.LexicalTook,
		DensePath: result.DensePath, Allowed: result.Allowed,
		Candidates: make([]rag.Candidate, len(result.Candidates)),
	}
	for i, c := range result.Candidates {
		out.Candidates[i] = rag.Candidate{
			Collection: q.Collection,
			Key:        rag.ChunkKey{DocumentID: c.DocID, Version: c.Version, Ordinal: c.Ordinal},
			TextHash:   c.Hash,
			Dense:      rag.LegScore{Score: c.Dense.Value, Rank: c.Dense.Rank, Known: c.Dense.Known},
			Lexical:    rag.LegScore{Score: c.Lexical.Value, Rank: c.Lexical.Rank, Known: c.Lexical.Known},
		}
	}
	return out, nil
}

// Stats implements rag.Index.
func (x *Index) Stats(_ context.Context, collection string) (rag.IndexStats, error) {
	s, err := x.engine.Stats(collection)
	if err != nil {
		return rag.IndexStats{}, coded(err, collection)
	}
	return rag.IndexStats{Chunks: s.Rows, Vectors: s.Vectors, Segments: s.Segments, MemoryBytes: s.MemoryBytes}, nil
}

// coded gives the engine's errors their codes.
func coded(err error, collection string) error {
	var field *engine.FieldError
	var vector *engine.VectorError
	var bad *filter.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrNoCollection):
		return rag.NotFound("collection \"" + collection + "\"")
	case errors.As(err, &field):
		return &rag.Error{Code: rag.CodeUnknownField, Field: field.Key, Message: "no document has the field \"" + field.Key + "\""}
	case errors.As(err, &bad):
		return &rag.Error{Code: rag.CodeFilter, Field: bad.Pointer, Message: "the filter " + bad.Message}
	case errors.As(err, &vector):
		return &rag.Error{Code: rag.CodeInvalid, Field: "/vector", Message: "the vector cannot be used: " + vector.Reason, Err: err}
	}
	return err
}
