package api

import "encoding/json"

// SearchRequest asks for hits.
type SearchRequest struct {
	Query       string          `json:"query" minLength:"1" maxLength:"8192"`
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
