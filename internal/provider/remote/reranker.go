package remote

import (
	"context"
	"fmt"
	"math"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/internal/rag"
)

// Reranker scores passages by asking a server. Safe for concurrent use.
type Reranker struct {
	caller  *caller
	options Options
	vendor  vendor
}

var _ rag.Reranker = (*Reranker)(nil)

// NewReranker returns a reranker. It asks nothing of the server. The error
// lists every faulty option; Dim is not used.
func NewReranker(o Options) (*Reranker, error) {
	v, ok := vendors[o.Kind]
	if !ok || v.rerank == nil {
		return nil, unknownKind(o.Kind, RerankerKinds())
	}
	o = o.withDefaults(v)
	if err := o.validate(v, false); err != nil {
		return nil, err
	}
	return &Reranker{caller: newCaller(o, v), options: o, vendor: v}, nil
}

// Close lets idle connections go.
func (r *Reranker) Close() error { r.caller.close(); return nil }

// Provider is the kind of server.
func (r *Reranker) Provider() string { return r.options.Kind }

// Name implements rag.Reranker.
func (r *Reranker) Name() string { return nameOf(r.options) }

// Rerank implements rag.Reranker. Passages longer than MaxTokens by the
// estimate are cut. Errors are *rag.Error, but for the context's.
func (r *Reranker) Rerank(ctx context.Context, query string, passages []string) ([]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	query = r.options.prepare(true, query)
	prepared := make([]string, len(passages))
	for i, text := range passages {
		prepared[i] = r.options.prepare(false, text)
	}
	out := make([]float32, len(passages))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Concurrency)
	for _, at := range batches(prepared, r.options.MaxBatch, r.options.MaxBatchTokens) {
		group.Go(func() error { return r.batch(within, query, prepared[at[0]:at[1]], out[at[0]:at[1]]) })
	}
	err := group.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, coded("reranking", r.options.Kind, err)
	}
	return out, nil
}

// batch scores passages in one request, into out.
func (r *Reranker) batch(ctx context.Context, query string, passages []string, out []float32) error {
	tokens := estimate(query) * len(passages)
	for _, text := range passages {
		tokens += estimate(text)
	}
	wire := r.vendor.rerank
	return r.caller.do(ctx, request{
		operation: OpRerank, path: wire.path, body: wire.body(r.options, query, passages),
		items: len(passages), estimated: tokens, limit: int64(len(passages))*(16<<10) + 1<<20,
		read: func(h http.Header, body []byte) (int, error) {
			res, err := wire.read(body)
			if err != nil {
				return 0, err
			}
			if err := place(res.scores, out); err != nil {
				return 0, err
			}
			return billed(h, res.tokens), nil
		},
	})
}

// place puts scores, which come best first, where their passages stood.
func place(scores []passageScore, out []float32) error {
	if len(scores) != len(out) {
		return fmt.Errorf("%d scores for %d passages", len(scores), len(out))
	}
	seen := make([]bool, len(out))
	for _, s := range scores {
		if s.index < 0 || s.index >= len(out) || seen[s.index] {
			return fmt.Errorf("index %d is out of range or comes twice", s.index)
		}
		if math.IsNaN(float64(s.score)) || math.IsInf(float64(s.score), 0) {
			return fmt.Errorf("score %d is not finite", s.index)
		}
		seen[s.index] = true
		out[s.index] = s.score
	}
	return nil
}
