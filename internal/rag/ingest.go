package rag

import (
	"time"

	"github.com/quarry-search/quarry/internal/filter"
)

// Incoming is one document on its way in: bytes and what the caller says of
// them.
type Incoming struct {
	Collection string
	// ID names the document; "" derives it from Collection and URI
	// (DocumentID). At least one of ID and URI is given.
	ID        string
	URI       string
	MediaType string // "" guesses from URI and Data
	Title     string // "" takes the parser's
	Data      []byte
	// Chunks, when there are any, are the document, in place of Data: its text
	// is theirs, with an empty line between each two.
	Chunks     []GivenChunk
	Attributes map[string]filter.Value
	// Access is the access list: nil takes that of the current version, or
	// Everyone for a new document; empty but not nil is seen by admins only.
	Access     []string
	ModifiedAt time.Time // as the source says; zero if it does not
	// Job and Item, when Job is set, record the result in the job's balance.
	Job  string
	Item string
	// IfSeq, when non-zero, must be the document's Seq (CodePrecondition);
	// IfAbsent refuses to replace (CodeConflict).
	IfSeq    uint64
	IfAbsent bool
}

// GivenChunk is a chunk as the caller cut it. Vector is nil, or the chunk's
// vector where those of the collection are given.
type GivenChunk struct {
	Text   string
	Vector []float32
}

// Outcome is what became of one Incoming. Skipped and Failed carry a reason
// and a detail that is safe to show; the other results carry the document.
// An error beside it means that nothing was decided: the request was wrong
// (CodeInvalid, CodeNotFound, CodePrecondition, CodeConflict) or could not be
// carried out now.
type Outcome struct {
	Document  Document
	Result    Result
	Reason    Reason
	Detail    string
	Seq       uint64  // of the change, or of the existing version when unchanged
	NewChunks int     // chunks whose text the catalog had not seen before
	Stages    []Stage // "parse", "chunk", "commit"
}
