package local

import (
	"context"
	"fmt"

	"github.com/quarry-search/quarry/internal/model"
	"github.com/quarry-search/quarry/internal/rag"
)

// Embedder embeds with one local model.
type Embedder struct{ m *model.Model }

var _ rag.Embedder = (*Embedder)(nil)

// Builtin returns an embedder over the model inside the program.
func Builtin() (*Embedder, error) {
	m, err := model.Builtin()
	if err != nil {
		return nil, err
	}
	return New(m), nil
}

// New returns an embedder over m.
func New(m *model.Model) *Embedder { return &Embedder{m: m} }

// Info describes the model, for people and for telemetry.
func (e *Embedder) Info() model.Info { return e.m.Info() }

// Fingerprint implements rag.Embedder.
func (e *Embedder) Fingerprint() string { return e.m.Info().Fingerprint }

// Name implements rag.Embedder.
func (e *Embedder) Name() string { return e.m.Info().Name }

// Dim implements rag.Embedder.
func (e *Embedder) Dim() int { return e.m.Info().Dim }

// MaxTokens implements rag.Embedder.
func (e *Embedder) MaxTokens() int { return e.m.Info().MaxTokens }

// CountTokens implements rag.Embedder.
func (e *Embedder) CountTokens(text string) int { return e.m.CountTokens(text) }

// Embed implements rag.Embedder. Texts longer than MaxTokens are cut.
func (e *Embedder) Embed(ctx context.Context, role rag.EmbedRole, texts []string) ([][]float32, error) {
	r, err := roleOf(role)
	if err != nil {
		return nil, err
	}
	return e.m.Embed(ctx, r, texts)
}

func roleOf(role rag.EmbedRole) (model.Role, error) {
	switch role {
	case rag.EmbedQuery:
		return model.Query, nil
	case rag.EmbedPassage:
		return model.Passage, nil
	case rag.EmbedBackground:
		return model.Background, nil
	}
	return 0, fmt.Errorf("embed: role %d is unknown", role)
}
