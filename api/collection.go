package api

import "time"

// Collection is a named set of documents under one embedding model.
type Collection struct {
	Name        string    `json:"name" doc:"Unique name" example:"docs"`
	Description string    `json:"description"`
	Settings    Settings  `json:"settings"`
	Model       string    `json:"model" doc:"Fingerprint of the active embedding model"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Seq         uint64    `json:"seq" doc:"Of the last change to the collection itself; also its ETag"`
}

// Settings are what can be altered of a collection.
type Settings struct {
	DenseWeight *float64        `json:"dense_weight,omitempty" minimum:"0" maximum:"1" doc:"Share of the dense leg in fusion; absent takes the server's default"`
	Retention   string          `json:"retention,omitempty" maxLength:"32" example:"720h" doc:"How long former versions can be searched with as_of: none, or a duration of a second or more; absent takes the server's"`
	Vectors     *VectorSettings `json:"vectors,omitempty" doc:"Fixed when the collection is created, all but path"`
}

// VectorSettings say where a collection's vectors come from, and how they are
// compared and searched.
type VectorSettings struct {
	Source    string `json:"source,omitempty" enum:"model,given" doc:"model (the default): the server computes them; given: they come with the documents, and a search by meaning brings its own"`
	Metric    string `json:"metric,omitempty" enum:"cosine,dot,l2" doc:"Default cosine. Scores are the cosine, the dot product, and minus the squared Euclidean distance: more is nearer"`
	Dimension int    `json:"dimension,omitempty" minimum:"1" maximum:"4096" doc:"Of given vectors, which need it"`
	Path      string `json:"path,omitempty" enum:"auto,exact" doc:"Default auto. exact: every chunk that may be found is scored, always"`
}

// CreateCollection asks for a new collection.
type CreateCollection struct {
	Name        string    `json:"name" minLength:"1" maxLength:"63" pattern:"^[a-z0-9][a-z0-9_-]*$"`
	Description string    `json:"description,omitempty" maxLength:"1000"`
	Settings    *Settings `json:"settings,omitempty"`
}

// AlterCollection replaces what is given.
type AlterCollection struct {
	Description *string   `json:"description,omitempty" maxLength:"1000"`
	Settings    *Settings `json:"settings,omitempty"`
}

// CollectionStats are totals over what the caller may see.
type CollectionStats struct {
	Documents int64      `json:"documents"`
	Chunks    int64      `json:"chunks"`
	Embedded  int64      `json:"embedded" doc:"Chunks whose vector exists under the active model"`
	TextBytes int64      `json:"text_bytes"`
	Index     IndexStats `json:"index"`
	Seq       uint64     `json:"seq" doc:"Head of the log"`
	Applied   uint64     `json:"applied" doc:"What the index has applied"`
	Vectors   uint64     `json:"vectors" doc:"What the embedder has read"`
}

// IndexStats describe the collection in the index.
type IndexStats struct {
	Chunks      int64 `json:"chunks"`
	Vectors     int64 `json:"vectors"`
	Segments    int   `json:"segments"`
	MemoryBytes int64 `json:"memory_bytes"`
	DiskBytes   int64 `json:"disk_bytes"`

	RecallExpected int64 `json:"recall_expected" doc:"Of sampled searches by meaning, since the start: chunks that an exact search found"`
	RecallFound    int64 `json:"recall_found" doc:"And how many of them the search had found"`
}

// Page is one page of a list. Next is the opaque cursor of the following page,
// null on the last.
type Page[T any] struct {
	Data []T     `json:"data"`
	Next *string `json:"next"`
}

// Written answers a write that leaves nothing to show.
type Written struct {
	Seq    uint64 `json:"seq" doc:"Of the change: pass it as min_seq to read your write"`
	Erased int    `json:"erased,omitempty" doc:"Versions that were erased for good, where that was asked for"`
}
