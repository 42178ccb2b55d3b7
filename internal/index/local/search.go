package local

import (
	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/rag"
)

// queryOf turns a query into the engine's.
func queryOf(s rag.Scope, q rag.LegQuery) engine.Query {
	out := engine.Query{
		Collection: q.Collection,
		Scope:      engine.Scope{All: s.All(), Labels: s.Labels()},
		Filter:     q.Filter,
		Text:       q.Text, SkipLexical: q.SkipLexical,
		Vector:    q.Vector,
		Limit:     q.Limit,
		Exact:     q.Exact,
		AsOf:      q.AsOf,
		GroupSize: q.GroupSize,
	}
	for _, f := range q.Facets {
		out.Facets = append(out.Facets, engine.Facet(f))
	}
	for _, key := range q.Sort {
		out.Sort = append(out.Sort, engine.SortKey(key))
	}
	return out
}

// candidatesOf turns the engine's result into candidates.
func candidatesOf(r engine.Result, collection string) rag.Candidates {
	out := rag.Candidates{
		Seq: r.Seq, DenseTook: r.DenseTook, LexicalTook: r.LexicalTook, DensePath: r.DensePath,
		Allowed: r.Allowed, Incomplete: r.Incomplete, Documents: r.Documents, UnknownFields: r.Unknown,
		Candidates: make([]rag.Candidate, len(r.Candidates)),
	}
	for i, c := range r.Candidates {
		out.Candidates[i] = rag.Candidate{
			Collection: collection,
			Key:        rag.ChunkKey{DocumentID: c.DocID, Version: c.Version, Ordinal: c.Ordinal},
			TextHash:   c.Hash,
			Dense:      rag.LegScore{Score: c.Dense.Value, Rank: c.Dense.Rank, Known: c.Dense.Known},
			Lexical:    rag.LegScore{Score: c.Lexical.Value, Rank: c.Lexical.Rank, Known: c.Lexical.Known},
			SortValues: c.SortValues,
		}
	}
	for _, f := range r.Facets {
		counts := rag.FacetCounts{Field: f.Field, Distinct: f.Distinct, Missing: f.Missing}
		for _, v := range f.Values {
			counts.Values = append(counts.Values, rag.ValueCount{Value: v.Value, Documents: v.Docs})
		}
		out.Facets = append(out.Facets, counts)
	}
	return out
}
