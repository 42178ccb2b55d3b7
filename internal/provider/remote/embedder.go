package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/internal/rag"
)

// Embedder embeds by asking a server. Safe for concurrent use.
type Embedder struct {
	caller      *caller
	options     Options
	vendor      vendor
	fingerprint string
}

var _ rag.Embedder = (*Embedder)(nil)

// NewEmbedder returns an embedder. It asks nothing of the server. The error
// lists every faulty option.
func NewEmbedder(o Options) (*Embedder, error) {
	v, ok := vendors[o.Kind]
	if !ok || v.embed == nil {
		return nil, unknownKind(o.Kind, EmbedderKinds())
	}
	o = o.withDefaults(v)
	if err := o.validate(v, true); err != nil {
		return nil, err
	}
	return &Embedder{caller: newCaller(o, v), options: o, vendor: v, fingerprint: fingerprint(o)}, nil
}

// fingerprint names everything that decides the vectors and can be known from
// here. What a server changes behind the same name cannot be seen.
func fingerprint(o Options) string {
	h := sha256.New()
	for _, part := range []string{"remote embedder 1", o.Kind, o.Model, o.host(), fmt.Sprint(o.Dim), o.QueryPrompt, o.PassagePrompt} {
		fmt.Fprintf(h, "%d:%s\n", len(part), part)
	}
	return "remote-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// Close lets idle connections go.
func (e *Embedder) Close() error { e.caller.close(); return nil }

// Provider is the kind of server.
func (e *Embedder) Provider() string { return e.options.Kind }

// Fingerprint implements rag.Embedder.
func (e *Embedder) Fingerprint() string { return e.fingerprint }

// Name implements rag.Embedder: the model's name, or the kind's where requests
// name no model.
func (e *Embedder) Name() string { return nameOf(e.options) }

func nameOf(o Options) string {
	if o.Model == "" {
		return o.Kind
	}
	return o.Model
}

// Dim implements rag.Embedder.
func (e *Embedder) Dim() int { return e.options.Dim }

// MaxTokens implements rag.Embedder: the model's limit without what the prompt
// for passages takes, so that a chunk cut to it is embedded whole.
func (e *Embedder) MaxTokens() int { return e.options.MaxTokens - estimate(e.options.PassagePrompt) }

// CountTokens implements rag.Embedder by an estimate that is rather too high:
// see estimate.
func (e *Embedder) CountTokens(text string) int { return estimate(text) }

// Matryoshka reports whether a prefix of a vector is a vector as well.
func (e *Embedder) Matryoshka() bool { return e.vendor.models[e.options.Model].matryoshka }

// Embed implements rag.Embedder. Texts longer than MaxTokens by the estimate
// are cut. Errors are *rag.Error, but for the context's.
func (e *Embedder) Embed(ctx context.Context, role rag.EmbedRole, texts []string) ([][]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	query := role == rag.EmbedQuery
	prepared := make([]string, len(texts))
	for i, text := range texts {
		prepared[i] = e.options.prepare(query, text)
	}
	out := make([][]float32, len(texts))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(e.options.Concurrency)
	for _, r := range batches(prepared, e.options.MaxBatch, e.options.MaxBatchTokens) {
		group.Go(func() error {
			return e.batch(within, embedRequest{query: query, texts: prepared[r[0]:r[1]], dim: e.options.askDim(e.vendor)},
				role == rag.EmbedBackground, out[r[0]:r[1]])
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		err = ctx.Err() // rather than what it did to the requests
	}
	if err != nil {
		return nil, coded("embedding", e.options.Kind, err)
	}
	return out, nil
}

// batch embeds texts in one request, into out.
func (e *Embedder) batch(ctx context.Context, q embedRequest, background bool, out [][]float32) error {
	tokens := 0
	for _, text := range q.texts {
		tokens += estimate(text)
	}
	wire := e.vendor.embed
	return e.caller.do(ctx, request{
		operation: OpEmbeddings, path: wire.path(e.options), body: wire.body(e.options, q),
		background: background, items: len(q.texts), estimated: tokens,
		limit: int64(len(q.texts))*int64(32*e.options.Dim+16<<10) + 1<<20,
		read: func(h http.Header, body []byte) (int, error) {
			res, err := wire.read(body, len(q.texts))
			if err != nil {
				return 0, err
			}
			if err := checked(res.vectors, len(q.texts), e.options.Dim); err != nil {
				return 0, err
			}
			copy(out, res.vectors)
			return billed(h, res.tokens), nil
		},
	})
}
