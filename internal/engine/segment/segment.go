package segment

import (
	"strings"
	"sync"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/quant"
	"github.com/quarry-search/quarry/internal/filter"
)

// Hash identifies the text of a row.
type Hash = [32]byte

// Document is what a segment is built from, and what it gives back.
type Document struct {
	ID       string
	Version  int
	Access   []string
	Fields   map[string]filter.Value
	Language bm25.Language
	Rows     []Row
}

// Row is one chunk.
type Row struct {
	Ordinal int
	Hash    Hash
	Tokens  []Token   // as bm25.Analyze emits them, by field, then in order
	Vector  []float32 // [dim], of unit length for cosines; nil while there is none
}

// TextField is one of the texts that words find a row by.
type TextField uint8

// The text fields.
const (
	Title TextField = iota
	Heading
	Body
	textFields
)

// Token is a word of a row's text.
type Token struct {
	Form  string
	Term  string // "" for a stop word
	Field TextField
}

// Segment is immutable; all methods are safe for concurrent use.
type Segment struct {
	// Documents.
	ids     table    // ascending
	records table    // version, access list, fields: see record.go
	docRow  []uint32 // [docs+1] first row
	access  column   // by label
	langs   []uint8  // bm25.Language
	fields  map[string]*Column

	// Rows.
	rowDoc  []uint32
	ordinal []uint32
	hashes  []byte   // [rows·32]
	lengths []uint32 // in terms, weighted
	norms   []bm25.Norm
	tokens  table // see tokens.go

	// Forms: each pair of a form and its term.
	forms    table    // ascending, those of one form by term
	formTerm []uint32 // ordinal of the term, noTerm for stop words
	formRows table    // see forms.go

	// Terms.
	terms    table    // ascending
	postings []uint64 // [terms+1] first posting
	blocks   []uint32 // [terms+1] first block
	postRow  []uint32
	postTF   []uint8
	maxTF    []uint8
	minNorm  []bm25.Norm

	// Vectors; nothing when no row has one. Rows without one are zero.
	dim     int
	stride  int // floats of a row
	vectors []float32
	record  int // bytes of a 1-bit record
	codes   []byte
	has     Bits // rows with a vector
	// Of metrics whose codes are of what differs from the mean.
	metric quant.Metric
	centre []float32 // [dim] mean of the vectors; nil for cosines
	biases []float32 // [rows] quant.Bias, of L2

	rotatedCentre []float32
	greatestBias  float32

	waiting   waiting
	file      *file // that the arrays lie in; nil for one that was built
	readiness readiness
}

// waiting lists the rows without a vector by text, once somebody asks.
type waiting struct {
	once sync.Once
	rows map[Hash][]uint32
}

// Docs and Rows are the numbers of documents and rows, live or not.
func (s *Segment) Docs() int { return s.ids.len() }
func (s *Segment) Rows() int { return len(s.rowDoc) }

// Dim is the dimension of the vectors, 0 when there are none.
func (s *Segment) Dim() int { return s.dim }

// DocID returns the id of document doc, without copying.
func (s *Segment) DocID(doc uint32) string { return s.ids.get(int(doc)) }

// Find returns the ordinal of the document with this id.
func (s *Segment) Find(id string) (doc uint32, ok bool) {
	i, ok := s.ids.find(id)
	return uint32(i), ok
}

// RowsOf returns the range of rows of a document.
func (s *Segment) RowsOf(doc uint32) (from, to uint32) { return s.docRow[doc], s.docRow[doc+1] }

// DocOf returns the document of a row, OrdinalOf the chunk's ordinal in it,
// HashOf the hash of its text.
func (s *Segment) DocOf(row uint32) uint32  { return s.rowDoc[row] }
func (s *Segment) OrdinalOf(row uint32) int { return int(s.ordinal[row]) }
func (s *Segment) HashOf(row uint32) Hash   { return Hash(s.hashes[32*int(row):]) }

// VersionOf returns the version of a document.
func (s *Segment) VersionOf(doc uint32) int { return versionOf(s.records.get(int(doc))) }

// Lengths returns each row's length in terms, by which Norms are made.
func (s *Segment) Lengths() []uint32 { return s.lengths }

// Norms returns the norm of each row's length.
func (s *Segment) Norms() []bm25.Norm { return s.norms }

// LanguageOf returns the language of a document.
func (s *Segment) LanguageOf(doc uint32) bm25.Language { return bm25.Language(s.langs[doc]) }

// Postings returns the posting list of a term, empty when it does not occur.
func (s *Segment) Postings(term string) bm25.List {
	t, ok := s.terms.find(term)
	if !ok {
		return bm25.List{}
	}
	return s.list(t)
}

func (s *Segment) list(t int) bm25.List {
	from, to := s.postings[t], s.postings[t+1]
	first, end := s.blocks[t], s.blocks[t+1]
	return bm25.List{Rows: s.postRow[from:to], TF: s.postTF[from:to], MaxTF: s.maxTF[first:end], MinNorm: s.minNorm[first:end]}
}

// HasVector reports the rows that have a vector: a bit each, nil for none.
func (s *Segment) HasVector() Bits { return s.has }

// Vectors returns the vectors as rows of Stride floats, the padding zero.
func (s *Segment) Vectors() []float32 { return s.vectors }

// Stride is the length of a row of Vectors.
func (s *Segment) Stride() int { return s.stride }

// Codes returns the 1-bit records of the rotated vectors.
func (s *Segment) Codes() []byte { return s.codes }

// Waiting returns the rows, of live documents or not, that have no vector and
// whose text has this hash.
func (s *Segment) Waiting(h Hash) []uint32 {
	s.waiting.once.Do(func() {
		s.waiting.rows = map[Hash][]uint32{}
		for row := range uint32(s.Rows()) {
			if s.has == nil || !s.has.Get(row) {
				h := s.HashOf(row)
				s.waiting.rows[h] = append(s.waiting.rows[h], row)
			}
		}
	})
	return s.waiting.rows[h]
}

// Document rebuilds document doc. Its tokens and vectors share memory with the
// segment.
func (s *Segment) Document(doc uint32) Document {
	d := decodeRecord(s.records.get(int(doc)))
	d.ID, d.Language = s.DocID(doc), s.LanguageOf(doc)
	from, to := s.RowsOf(doc)
	d.Rows = make([]Row, 0, to-from)
	for row := from; row < to; row++ {
		r := Row{Ordinal: s.OrdinalOf(row), Hash: s.HashOf(row)}
		s.eachToken(row, func(form int, field TextField) {
			r.Tokens = append(r.Tokens, Token{s.forms.get(form), s.termOf(form), field})
		})
		if s.has != nil && s.has.Get(row) {
			r.Vector = s.vectors[int(row)*s.stride:][:s.dim:s.dim]
		}
		d.Rows = append(d.Rows, r)
	}
	return d
}

// Summary is Document without the rows. It shares no memory with the segment.
func (s *Segment) Summary(doc uint32) Document {
	d := decodeRecord(strings.Clone(s.records.get(int(doc))))
	d.ID, d.Language = strings.Clone(s.DocID(doc)), s.LanguageOf(doc)
	return d
}

// SizeBytes is the memory that the segment's arrays take, mapped or not.
func (s *Segment) SizeBytes() int64 {
	n := s.ids.size() + s.records.size() + s.tokens.size() + s.terms.size() + s.forms.size() + s.formRows.size() + s.access.size()
	n += 4*(len(s.biases)+len(s.docRow)+len(s.rowDoc)+len(s.ordinal)+len(s.lengths)+len(s.blocks)+len(s.postRow)+len(s.formTerm)+len(s.vectors)) +
		8*(len(s.postings)+len(s.has)) + len(s.hashes) + len(s.postTF) + len(s.maxTF) + len(s.minNorm) + len(s.norms) + len(s.langs) + len(s.codes)
	for _, c := range s.fields {
		n += c.size()
	}
	return int64(n)
}

// Sizes are bytes of a segment by what they serve.
type Sizes struct {
	Vectors  int64
	Codes    int64 // 1-bit records, and what their scores are corrected by
	Postings int64 // words: dictionaries, posting lists, the words of each row
	Columns  int64 // documents by label and by the values of each field
}

// Sizes returns them, mapped or not. What is left of SizeBytes are ids, records
// and a few numbers for each row.
func (s *Segment) Sizes() Sizes {
	words := s.tokens.size() + s.forms.size() + s.formRows.size() + s.terms.size() +
		4*(len(s.formTerm)+len(s.blocks)+len(s.postRow)) + 8*len(s.postings) + len(s.postTF) + len(s.maxTF) + len(s.minNorm)
	columns := s.access.size()
	for _, c := range s.fields {
		columns += c.size()
	}
	return Sizes{
		Vectors: 4 * int64(len(s.vectors)), Codes: int64(len(s.codes) + 4*len(s.biases)),
		Postings: int64(words), Columns: int64(columns),
	}
}
