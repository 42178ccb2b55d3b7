package httpapi

import (
	"cmp"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// This file turns what the core returns into wire types. Lists are never null.

func mapTo[A, B any](as []A, f func(A) B) []B {
	bs := make([]B, len(as))
	for i, a := range as {
		bs[i] = f(a)
	}
	return bs
}

func timePointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func attributesOf(m map[string]filter.Value) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v.Any()
	}
	return out
}

func collectionOf(c rag.Collection) api.Collection {
	settings := api.Settings{DenseWeight: c.Settings.DenseWeight, Vectors: vectorsOf(c.Settings.Vectors)}
	if c.Settings.Retention != nil {
		settings.Retention = c.Settings.Retention.String()
	}
	return api.Collection{
		Name: c.Name, Description: c.Description, Settings: settings,
		Model: c.Fingerprint, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Seq: c.Seq,
	}
}

// vectorsOf shows the settings that hold, with their defaults.
func vectorsOf(s rag.VectorSettings) *api.VectorSettings {
	return &api.VectorSettings{
		Source: cmp.Or(string(s.Source), "model"), Metric: string(cmp.Or(s.Metric, rag.MetricCosine)),
		Dimension: s.Dimension, Path: string(cmp.Or(s.Path, rag.PathAuto)),
	}
}

func documentOf(d rag.Document) api.Document {
	v := d.Version
	return api.Document{
		ID: d.ID, Collection: d.Collection, URI: d.URI, Version: v.Number,
		Title: v.Title, Kind: string(v.Kind), MediaType: v.MediaType, Language: v.Language,
		Attributes: attributesOf(v.Attributes), Access: append([]string{}, d.Access...),
		SizeBytes: v.SizeBytes, TextBytes: v.TextBytes,
		SourceHash: v.SourceHash.String(), TextHash: v.TextHash.String(),
		Chunks: v.Chunks, Pages: v.Pages, ModifiedAt: timePointer(v.ModifiedAt),
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, Seq: d.Seq, Gone: v.Gone,
	}
}

func versionOf(v rag.Version) api.Version {
	return api.Version{
		Version: v.Number, Title: v.Title,
		SourceHash: v.SourceHash.String(), TextHash: v.TextHash.String(),
		SizeBytes: v.SizeBytes, Chunks: v.Chunks, CreatedAt: v.CreatedAt, Seq: v.Seq, Gone: v.Gone,
	}
}

func spanOf(s rag.Span) api.Span { return api.Span(s) }

func locatorOf(l rag.Locator) api.Locator { return api.Locator(l) }

func chunkOf(c rag.Chunk) api.Chunk {
	return api.Chunk{
		ID: c.Key.String(), Ordinal: c.Key.Ordinal, TextHash: c.TextHash.String(),
		Context: c.Context, Text: c.Text, Span: spanOf(c.Span), Locator: locatorOf(c.Locator),
	}
}

func stageOf(s rag.Stage) api.Stage { return api.Stage{Name: s.Name, MS: milliseconds(s.Took)} }

func searchOf(r rag.SearchResult, took time.Duration) api.SearchResponse {
	return api.SearchResponse{
		Hits: mapTo(r.Hits, hitOf), Mode: string(r.Mode), Candidates: r.Candidates, Seq: r.Seq,
		Degraded: append([]string{}, r.Degraded...), TookMS: milliseconds(took), Stages: mapTo(r.Stages, stageOf),
		Total: api.Total(r.Total), Facets: mapTo(r.Facets, facetOf),
	}
}

func facetOf(f rag.FacetCounts) api.Facet {
	return api.Facet{Field: f.Field, Distinct: f.Distinct, Missing: f.Missing, Values: mapTo(f.Values, func(v rag.ValueCount) api.FacetValue {
		return api.FacetValue{Value: v.Value.Any(), Count: v.Documents}
	})}
}

func hitOf(h rag.Hit) api.Hit {
	d := h.Document
	return api.Hit{
		Rank: h.Rank, Score: h.Score, DocumentID: d.ID, Collection: d.Collection, Version: h.Chunk.Key.Version,
		ChunkID: h.Chunk.Key.String(), URI: d.URI, Title: d.Version.Title, Kind: string(d.Version.Kind),
		Span: spanOf(h.Chunk.Span), Quote: h.Chunk.Text, QuoteSHA256: rag.HashBytes([]byte(h.Chunk.Text)).String(),
		Locator: locatorOf(h.Chunk.Locator), Attributes: attributesOf(d.Version.Attributes), Explain: explainOf(h.Explain),
	}
}

func explainOf(e *rag.Explanation) *api.Explain {
	if e == nil {
		return nil
	}
	return &api.Explain{
		Dense: legOf(e.Dense), Lexical: legOf(e.Lexical), DenseWeight: e.DenseWeight,
		DenseZ: e.DenseZ, LexicalZ: e.LexicalZ, FusedScore: e.FusedScore, FusedRank: e.FusedRank,
		RerankScore: e.RerankScore, RerankRank: e.RerankRank,
		Duplicates: mapTo(e.Duplicates, rag.ChunkKey.String),
	}
}

func legOf(l rag.LegScore) api.LegScore {
	return api.LegScore{Score: float64(l.Score), Rank: l.Rank, Known: l.Known}
}

func answerOf(a rag.Answer, took time.Duration) api.AnswerResponse {
	return api.AnswerResponse{
		Answer: a.Text, Result: string(a.Result), Reason: a.Reason, Confidence: a.Confidence, Generator: a.Generator,
		Sentences: mapTo(a.Sentences, sentenceOf), Citations: mapTo(a.Citations, citationOf),
		Search: searchOf(a.Search, tookOf(a.Search.Stages)), TookMS: milliseconds(took), Stages: mapTo(a.Stages, stageOf),
	}
}

// tookOf is the time that the stages of a search took together.
func tookOf(stages []rag.Stage) time.Duration {
	var sum time.Duration
	for _, s := range stages {
		sum += s.Took
	}
	return sum
}

func sentenceOf(s rag.Sentence) api.Sentence {
	return api.Sentence{Text: s.Text, Citations: append([]int{}, s.Citations...), Verdict: string(s.Verdict)}
}

func citationOf(c rag.Citation) api.Citation {
	d := c.Document
	return api.Citation{
		Number: c.Number, DocumentID: d.ID, Collection: d.Collection, Version: c.Chunk.Version,
		ChunkID: c.Chunk.String(), URI: d.URI, Title: d.Version.Title, Kind: string(d.Version.Kind),
		Span: spanOf(c.Span), Quote: c.Quote, QuoteSHA256: c.QuoteSHA256.String(), Locator: locatorOf(c.Locator),
	}
}
