package rag

import (
	"context"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
)

// Mode chooses the legs of a search.
type Mode string

// The modes. Exact is the dense leg by exhaustive exact scan.
const (
	Hybrid  Mode = "hybrid"
	Dense   Mode = "dense"
	Lexical Mode = "lexical"
	Exact   Mode = "exact"
	// Browse is the mode of a result without a query text: no leg ran. It
	// cannot be asked for.
	Browse Mode = "browse"
)

// Rerank chooses the rescoring stage after fusion.
type Rerank string

// The rerank stages. Sentences rescores by the best sentence of each passage,
// model by the configured Reranker. None chosen ("") takes model where there is
// a Reranker.
const (
	RerankNone      Rerank = "none"
	RerankSentences Rerank = "sentences"
	RerankModel     Rerank = "model"
)

// Query is a structured search request. What passes is what scope and filter
// let pass; with Sort and a Text, only chunks that hold one of its words.
type Query struct {
	Text        string    // "" with Sort or Facets browses, and with a Vector searches by meaning alone
	Vector      []float32 // in place of the one that the model makes of Text; nil without
	Collections []string  // none means every collection in scope
	Filter      filter.Filter
	TopK        int
	Mode        Mode
	Rerank      Rerank
	MinSeq      uint64        // wait until the index has applied it
	WaitVectors bool          // and until its vectors are searchable
	Wait        time.Duration // how long to wait at most; 0 takes the default
	Explain     bool
	Candidates  int      // per leg; 0 takes the default
	DenseWeight *float64 // overrides the collection's

	// AsOf asks for the documents as they stood then; nil for now. Who may see
	// them is decided by the access lists of now.
	AsOf *Moment

	Facets    []Facet   // values to count among the documents that pass
	Sort      []SortKey // order by attributes instead of by score
	GroupSize int       // 0, or how many hits of one document; TopK then counts documents
}

// Moment is a point of the log: after the change Seq or, when that is 0, after
// the last change committed by Time.
type Moment struct {
	Seq  uint64
	Time time.Time
}

// Facet asks for the values of an attribute among the documents that pass.
type Facet struct {
	Field string
	Limit int // values wanted, the most frequent first; 0 takes all in a LegQuery, the default in a Query
}

// FacetCounts answers a Facet. All counts are exact, and of documents of which
// at least one chunk passes.
type FacetCounts struct {
	Field    string
	Values   []ValueCount // by falling count, then by filter.Order
	Distinct int          // values that there are
	Missing  int          // documents without the attribute
}

// ValueCount is how many documents hold a value; a list counts once for each of
// its elements.
type ValueCount struct {
	Value     filter.Value
	Documents int
}

// SortKey orders documents by an attribute: values of one kind by filter.Order,
// a list by its first element in that order, documents without a value last.
type SortKey struct {
	Field      string
	Descending bool
}

// LegQuery is what an index is asked: both legs, one collection, one snapshot.
type LegQuery struct {
	Collection string
	// Text is in the query language (package clause); "" skips the lexical
	// leg. What it requires and excludes holds for both legs.
	Text        string
	SkipLexical bool      // do not rank by Text: it only constrains the dense leg
	Vector      []float32 // [dim], of unit length for cosines; nil skips the dense leg
	Filter      filter.Filter
	Limit       int  // candidates per leg
	Exact       bool // scan everything with exact scores

	// AsOf, when not 0, searches the documents as they stood after this change;
	// access lists are those of now. An index that does not keep them so far
	// back says CodeInvalid for /as_of, with the oldest change that it keeps.
	AsOf uint64

	Facets []Facet
	// Sort orders the candidates by attributes, ties by key. No leg runs; a
	// Text, if there is one, keeps the chunks that hold one of its words.
	Sort []SortKey
	// GroupSize, when not 0, is how many chunks of one document a leg or an
	// order holds; Limit counts chunks all the same.
	GroupSize int
}

// LegScore is a candidate's standing in one leg.
type LegScore struct {
	Score float32
	Rank  int  // from 1 among the leg's candidates; 0 when it was not among them
	Known bool // Score is true even if Rank is 0; false when the index could not tell
}

// Candidate is a chunk that at least one leg found. Its score in the other leg
// is its true score there, where the index can tell.
type Candidate struct {
	Collection string
	Key        ChunkKey
	TextHash   Hash
	Dense      LegScore // by the collection's Metric
	Lexical    LegScore // BM25

	SortValues []filter.Value // one for each of LegQuery.Sort, None where there is none
}

// Candidates are both legs' findings on one snapshot.
type Candidates struct {
	Seq         uint64 // everything up to this change is in the snapshot
	Candidates  []Candidate
	DenseTook   time.Duration
	LexicalTook time.Duration
	DensePath   string // how the dense leg ran: "scan8", "scan1", "graph", "fallback", "exact", ""
	Allowed     int    // chunks that pass
	Documents   int    // documents of which at least one chunk passes
	Facets      []FacetCounts
	// UnknownFields are those of Facets and Sort that no document in scope has.
	UnknownFields []string
	Incomplete    bool // a part of the index was damaged, and its documents are not back yet
}

// Searcher finds candidates in one collection. It applies scope and filter
// while searching: a chunk out of scope never takes a place, and BM25
// statistics count only what the scope sees. Errors: CodeUnknownField,
// CodeFilter, CodeNotFound for a collection the index does not know.
type Searcher interface {
	Search(ctx context.Context, s Scope, q LegQuery) (Candidates, error)
}

// IndexChange is a log entry with the vectors it makes available: for a
// published version those of its chunks that exist, for vectors_ready those it
// names.
type IndexChange struct {
	Change
	Vectors map[Hash][]float32
}

// Index is what a backend implements: a Searcher that follows the log.
// indextest is the conformance suite.
type Index interface {
	Searcher
	// Apply applies entries in log order; entries at or before Applied are
	// ignored. Either all of them become visible, at once, or none.
	Apply(ctx context.Context, changes []IndexChange) error
	// Applied is the seq of the last applied entry; 0 for an empty index.
	Applied() uint64
	Stats(ctx context.Context, collection string) (IndexStats, error)
	Close() error
}

// IndexStats describe one collection in an index.
type IndexStats struct {
	Chunks      int64 `json:"chunks"`
	Vectors     int64 `json:"vectors"`
	Segments    int   `json:"segments"`
	MemoryBytes int64 `json:"memory_bytes"`
	DiskBytes   int64 `json:"disk_bytes"`

	// Of sampled searches by meaning that were repeated exactly: chunks that
	// should have been found, and those that were.
	RecallExpected int64 `json:"recall_expected"`
	RecallFound    int64 `json:"recall_found"`
}

// Hit is a chunk in a result.
type Hit struct {
	Rank     int
	Score    float64
	Chunk    Chunk
	Document Document
	Explain  *Explanation // when asked
}

// Explanation tells each stage's rank and score of one hit.
type Explanation struct {
	Dense       LegScore
	Lexical     LegScore
	DenseWeight float64
	DenseZ      float64 // normalised scores
	LexicalZ    float64
	FusedScore  float64
	FusedRank   int
	RerankScore *float64
	RerankRank  int
	Duplicates  []ChunkKey // near-duplicates this hit stands for
}

// SearchResult is what a search returns.
type SearchResult struct {
	Hits       []Hit
	Seq        uint64 // of the snapshot
	Candidates int    // distinct candidates before the cut
	Degraded   []string
	Stages     []Stage
	Mode       Mode     // that ran
	DensePaths []string // how the dense leg ran, one for each collection searched
	Total      Total
	Facets     []FacetCounts // one for each that was asked for
}

// Total is how much passes, whether it became a hit or not.
type Total struct {
	Documents int // of which at least one chunk passes
	Chunks    int
}

// Stage is how long one stage took.
type Stage struct {
	Name string
	Took time.Duration
}
