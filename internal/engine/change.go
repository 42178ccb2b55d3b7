package engine

import (
	"fmt"
	"math"

	"github.com/quarry-search/quarry/internal/engine/quant"
	"github.com/quarry-search/quarry/internal/filter"
)

// Hash identifies the text of a row: equal hashes have equal vectors.
type Hash = [32]byte

// ChangeKind names what a Change does.
type ChangeKind uint8

// The kinds of change.
const (
	// Create makes an empty collection, in place of one of the same name.
	Create ChangeKind = iota
	// Alter sets the collection's fingerprint and settings. When the
	// fingerprint, metric or dimension differs from the one before, every
	// vector of the collection is dropped.
	Alter
	// Drop removes the collection.
	Drop
	// Put replaces a document and all its rows.
	Put
	// Delete removes a document, if it is there.
	Delete
	// SetAccess replaces a document's access list, if it is there.
	SetAccess
	// SetVectors gives vectors to rows of every collection that lack them.
	SetVectors
	// Unknown says that a document was replaced by something that is not told,
	// and will be by something that is: until then it stays as it was. Its past
	// cannot be read from before that.
	Unknown
	// Skip only advances the sequence number.
	Skip
	// Erase drops every former version of a document from its collection's
	// past, as if it had never been. What segments still hold of it, Scrub
	// removes.
	Erase
)

// Change is one entry of the log. Vectors that come with any kind of change
// reach the rows that lack them, of its collection or, without one, of all.
type Change struct {
	Seq         uint64
	Kind        ChangeKind
	Collection  string
	Document    Document       // Put; of Delete and SetAccess the ID, and the Access
	Fingerprint string         // of the vectors, or of the collection (Create, Alter)
	Settings    VectorSettings // Create, Alter
	History     History        // Create, Alter
	Vectors     map[Hash][]float32
}

// History says whether the former versions of a collection's documents are
// kept. It holds from the change that says so; from one that no longer keeps
// them on, none is left.
type History uint8

// The ways: as Options.KeepHistory says, always, and never.
const (
	InheritHistory History = iota
	KeepHistory
	NoHistory
)

// Metric is how the vectors of a collection are compared.
type Metric = quant.Metric

// The metrics. Scores are the cosine, the dot product, and the squared
// Euclidean distance with a minus sign: more is always nearer.
const (
	Cosine = quant.Cosine
	Dot    = quant.Dot
	L2     = quant.L2
)

// VectorSettings say how a collection's vectors are searched.
type VectorSettings struct {
	Metric Metric
	Dim    int  // of all its vectors; 0 takes that of the first
	Exact  bool // the dense leg scores every allowed row, always
}

// Document is a document to put.
type Document struct {
	ID       string
	Version  int
	Access   []string
	Fields   map[string]filter.Value
	Language string // BCP 47: chooses stop words and stems; "" for what is not known
	Rows     []Row
}

// Row is one chunk: Title, Heading and Text are what words find it by.
type Row struct {
	Ordinal int
	Hash    Hash
	Title   string // of the document
	Heading string // that the chunk stands under
	Text    string
}

// VectorError says which vector cannot be stored, and why.
type VectorError struct {
	Hash   Hash
	Reason string
}

func (e *VectorError) Error() string {
	return fmt.Sprintf("vector of text %x: %s", e.Hash[:6], e.Reason)
}

// checkVector returns why v cannot be stored or searched with, "" if it can.
// dim is the collection's dimension, 0 while it has none.
func (s VectorSettings) checkVector(v []float32, dim int) string {
	switch {
	case len(v) == 0 || len(v) > maxDim:
		return fmt.Sprintf("it has %d components, not 1 to %d", len(v), maxDim)
	case dim != 0 && len(v) != dim:
		return fmt.Sprintf("it has %d components, the collection's have %d", len(v), dim)
	}
	var norm float64
	for _, x := range v {
		norm += float64(x) * float64(x)
	}
	switch {
	case math.IsNaN(norm) || math.IsInf(norm, 0):
		return "a component is not a finite number"
	case s.Metric == Cosine && math.Abs(norm-1) > 0.01:
		return "it is not of unit length"
	case norm > maxLength*maxLength:
		return "it is longer than 1e9"
	}
	return ""
}

const (
	maxDim = 4096
	// maxLength keeps squares of distances, and their sums, far from the end
	// of 32-bit floats.
	maxLength = 1e9
)
