package app

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/httpapi"
	provider "github.com/quarry-search/quarry/internal/provider/local"
	"github.com/quarry-search/quarry/internal/provider/remote"
	"github.com/quarry-search/quarry/internal/rag"
	"github.com/quarry-search/quarry/internal/telemetry"
)

// localReranker is the kind of a reranker that runs in this process.
const localReranker = "local"

// maxChunkTokens bounds chunks however much a model can read: a hit is a
// passage to read and to cite, not a chapter.
const maxChunkTokens = 512

// newEmbedder makes the embedder that is configured: another server's model, or
// one of this machine. It asks the server nothing. observe may be nil.
func newEmbedder(c config.Config, observe func(remote.Call)) (rag.Embedder, error) {
	if c.Embedder.Kind != "" {
		e, err := remote.NewEmbedder(remoteOptions(c.Embedder, observe))
		if err != nil {
			return nil, fmt.Errorf("embedder: %w", err)
		}
		return e, nil
	}
	e, err := openEmbedder(c)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// newReranker makes the reranker that is configured; nil without.
func newReranker(c config.Config, observe func(remote.Call)) (rag.Reranker, error) {
	switch c.Reranker.Kind {
	case "":
		return nil, nil
	case localReranker:
		return openReranker(c)
	}
	r, err := remote.NewReranker(remoteOptions(c.Reranker, observe))
	if err != nil {
		return nil, fmt.Errorf("reranker: %w", err)
	}
	return r, nil
}

func openReranker(c config.Config) (rag.Reranker, error) {
	if c.Reranker.Model == "" {
		return nil, errors.New("reranker: model: the name of an installed cross-encoder is missing")
	}
	m, err := NewModels(c).Open(c.Reranker.Model)
	if err != nil {
		return nil, fmt.Errorf("open reranker: %w", err)
	}
	return provider.NewReranker(m)
}

func remoteOptions(p config.Provider, observe func(remote.Call)) remote.Options {
	return remote.Options{
		Kind: p.Kind, Model: p.Model, BaseURL: p.BaseURL, Key: remote.Key(p.Key),
		Dim: p.Dim, MaxTokens: p.MaxTokens, QueryPrompt: p.QueryPrompt, PassagePrompt: p.PassagePrompt,
		MaxBatch: p.MaxBatch, MaxBatchTokens: p.MaxBatchTokens, Concurrency: p.Concurrency, Timeout: p.Timeout,
		PricePerMillionTokens: p.PricePerMillionTokens, Observe: observe,
	}
}

// called turns a call to another server into metrics.
func (a *App) called(c remote.Call) {
	failures := make([]string, len(c.Failures))
	for i, f := range c.Failures {
		failures[i] = string(f)
	}
	a.metrics.ProviderCall(telemetry.ProviderCall{
		Provider: c.Provider, Model: c.Model, Operation: c.Operation, Error: string(c.Error), Canceled: c.Canceled,
		Failures: failures, Took: c.Took, Waited: c.Waited, Tokens: c.Tokens, CostUSD: c.CostUSD,
	})
}

// watchProviders names the configured servers to the metrics.
func (a *App) watchProviders() {
	for _, part := range []any{a.embedder, a.reranker} {
		if p, ok := part.(interface{ Provider() string }); ok {
			a.metrics.Provider(p.Provider(), part.(interface{ Name() string }).Name())
		}
	}
}

// closeProviders lets connections to other servers go.
func (a *App) closeProviders() error {
	var errs []error
	for _, part := range []any{a.embedder, a.reranker} {
		if c, ok := part.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// embeddingsOf says what of an embedder the embeddings route can use.
func embeddingsOf(e rag.Embedder) httpapi.Embeddings {
	out := httpapi.Embeddings{Model: e, MaxTokens: e.MaxTokens() - specialTokens}
	switch e := e.(type) {
	case *provider.Embedder:
		out.MaxTokens, out.Tokens = e.TextTokens(), e.EmbedTokens
		out.Matryoshka, out.Truncate = e.Matryoshka(), e.Truncate
	case *remote.Embedder:
		out.MaxTokens, out.Matryoshka = e.MaxTokens(), e.Matryoshka()
	}
	return out
}

// outside says to people where texts go, "" for nowhere.
func outside(c config.Config) string {
	said := ""
	for _, p := range []config.Provider{c.Embedder, c.Reranker} {
		if p.Kind == "" || p.Kind == localReranker {
			continue
		}
		at := p.Kind
		if u, err := url.Parse(p.BaseURL); err == nil && u.Host != "" {
			at += " at " + u.Host
		}
		if said != "" {
			said += " and "
		}
		said += at
	}
	return said
}
