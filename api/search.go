package api

import "encoding/json"

// SearchRequest asks for hits.
type SearchRequest struct {
	Query       string          `json:"query,omitempty" maxLength:"8192" doc:"Only a search with a vector, sort or facets needs none"`
	Vector      Vector          `json:"vector,omitempty" maxItems:"4096" doc:"Searched by in place of the model's vector of the query: needed where the collection's vectors are given"`
	Collections []string        `json:"collections,omitempty" maxItems:"100" doc:"None: every collection"`
	Filter      json.RawMessage `json:"filter,omitempty" doc:"Native, Qdrant or Mongo spelling: see the API guide"`
	TopK        int             `json:"top_k,omitempty" minimum:"1" maximum:"1000" default:"10"`
	Mode        string          `json:"mode,omitempty" enum:"hybrid,dense,lexical,exact" default:"hybrid"`
	Rerank      string          `json:"rerank,omitempty" enum:"none,sentences,model" doc:"Default: model where a reranker is configured, else none"`
	DenseWeight *float64        `json:"dense_weight,omitempty" minimum:"0" maximum:"1"`
	MinSeq      uint64          `json:"min_seq,omitempty" doc:"Wait until the index has applied this change"`
	Wait        string          `json:"wait,omitempty" enum:"vectors" doc:"vectors: and until its vectors are searchable"`
	WaitMS      int             `json:"wait_ms,omitempty" minimum:"1" maximum:"60000" doc:"How long to wait at most (default 5000)"`
	Explain     bool            `json:"explain,omitempty"`
	AsOf        string          `json:"as_of,omitempty" maxLength:"40" doc:"Search the documents as they stood after this change, or at this RFC 3339 time; who may see them is decided by the access lists of now"`
	Facets      []FacetRequest  `json:"facets,omitempty" maxItems:"16" doc:"Values to count among the documents that pass"`
	Sort        []SortKey       `json:"sort,omitempty" maxItems:"8" doc:"Order by attributes instead of by score; ties stand by document"`
	GroupBy     string          `json:"group_by,omitempty" enum:"document" doc:"document: top_k counts documents, and the hits of one stand together"`
	GroupSize   int             `json:"group_size,omitempty" minimum:"1" maximum:"100" doc:"Hits of one document at most (default 3)"`
}

// FacetRequest asks for the values of an attribute.
type FacetRequest struct {
	Field string `json:"field" minLength:"1" maxLength:"128" doc:"An attribute, or a computed field as in filters"`
	Limit int    `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"10" doc:"Values wanted, the most frequent first"`
}

// SortKey orders by an attribute.
type SortKey struct {
	Field string `json:"field" minLength:"1" maxLength:"128"`
	Order string `json:"order,omitempty" enum:"asc,desc" default:"asc" doc:"Documents without a value stand last in either"`
}

// SearchResponse holds hits, best first.
type SearchResponse struct {
	Hits       []Hit    `json:"hits"`
	Mode       string   `json:"mode"`
	Candidates int      `json:"candidates"`
	Seq        uint64   `json:"seq" doc:"Everything up to this change was searched"`
	Degraded   []string `json:"degraded" doc:"Stages that were left out"`
	TookMS     float64  `json:"took_ms"`
	Stages     []Stage  `json:"stages,omitempty"`
	Total      Total    `json:"total"`
	Facets     []Facet  `json:"facets,omitempty" doc:"One for each that was asked for"`
}

// Total is how much passes scope and filter, whether it became a hit or not.
// With sort and a query, only chunks that hold one of its words pass.
type Total struct {
	Documents int `json:"documents" doc:"Of which at least one chunk passes"`
	Chunks    int `json:"chunks"`
}

// Facet tells the values of an attribute. All counts are exact, and of
// documents of which at least one chunk passes.
type Facet struct {
	Field    string       `json:"field"`
	Values   []FacetValue `json:"values" doc:"By falling count; equal counts by value"`
	Distinct int          `json:"distinct" doc:"Values that there are, listed or not"`
	Missing  int          `json:"missing" doc:"Documents without the attribute"`
}

// FacetValue is how many documents hold a value; a list counts once for each
// of its elements.
type FacetValue struct {
	Value any `json:"value"`
	Count int `json:"count"`
}

// Stage is how long one stage took.
type Stage struct {
	Name string  `json:"name"`
	MS   float64 `json:"ms"`
}

// Hit is a chunk that answers a query.
type Hit struct {
	Rank        int            `json:"rank"`
	Score       float64        `json:"score"`
	DocumentID  string         `json:"document_id"`
	Collection  string         `json:"collection"`
	Version     int            `json:"version"`
	ChunkID     string         `json:"chunk_id"`
	URI         string         `json:"uri"`
	Title       string         `json:"title"`
	Kind        string         `json:"kind"`
	Span        Span           `json:"span"`
	Quote       string         `json:"quote" doc:"The stored text at span, byte for byte"`
	QuoteSHA256 string         `json:"quote_sha256"`
	Locator     Locator        `json:"locator"`
	Attributes  map[string]any `json:"attributes"`
	Explain     *Explain       `json:"explain,omitempty"`
}

// Explain tells each stage's rank and score of a hit.
type Explain struct {
	Dense       LegScore `json:"dense"`
	Lexical     LegScore `json:"lexical"`
	DenseWeight float64  `json:"dense_weight"`
	DenseZ      float64  `json:"dense_z" doc:"Normalised dense score"`
	LexicalZ    float64  `json:"lexical_z"`
	FusedScore  float64  `json:"fused_score"`
	FusedRank   int      `json:"fused_rank"`
	RerankScore *float64 `json:"rerank_score,omitempty"`
	RerankRank  int      `json:"rerank_rank,omitempty"`
	Duplicates  []string `json:"duplicates,omitempty" doc:"Near-duplicate chunks this hit stands for"`
}

// LegScore is a standing in one leg; rank 0: not among its candidates.
type LegScore struct {
	Score float64 `json:"score"`
	Rank  int     `json:"rank"`
	Known bool    `json:"known" doc:"score is the true one even at rank 0; false when the index could not tell"`
}
