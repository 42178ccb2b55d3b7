package rag

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
)

// Collection is a named set of documents under one active embedding model.
type Collection struct {
	Name        string // [a-z0-9][a-z0-9_-]{0,62}
	Description string
	Settings    Settings
	Fingerprint string // of the active embedding model
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Seq         uint64 // of the last change to the collection itself; its ETag
}

// Settings are what can be altered of a collection.
type Settings struct {
	// DenseWeight is the dense leg's share in fusion, 0 to 1; nil takes the
	// default (retrieve.DefaultDenseWeight).
	DenseWeight *float64 `json:"dense_weight,omitempty"`
	// Retention is how long former versions stay searchable; nil takes the
	// server's.
	Retention *Retention `json:"retention,omitempty"`
	// Vectors, all but Path, are fixed when the collection is created.
	Vectors VectorSettings `json:"vectors,omitzero"`
}

// Kind is what sort of document the parser found.
type Kind string

// The kinds.
const (
	KindMarkdown Kind = "markdown"
	KindText     Kind = "text"
	KindHTML     Kind = "html"
	KindCode     Kind = "code"
	KindPDF      Kind = "pdf"
	KindTable    Kind = "table" // CSV, TSV
	KindData     Kind = "data"  // JSON, YAML, TOML, XML
)

// Document is a source unit with a stable id, at one of its versions.
type Document struct {
	ID         string
	Collection string
	URI        string
	Version    Version
	Access     []string // current access list; versions keep theirs as it was
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Seq        uint64 // of the last change to the document (its ETag)
}

// Version is one immutable state of a document.
type Version struct {
	Number     int // from 1
	SourceHash Hash
	TextHash   Hash // of the normalised text
	SizeBytes  int64
	TextBytes  int64
	Title      string
	Kind       Kind
	MediaType  string
	Language   string // BCP 47 for prose ("en"), a lower-case name for code ("go"); "" unknown
	Attributes map[string]filter.Value
	Access     []string
	ModifiedAt time.Time // as the source says; zero if it does not
	CreatedAt  time.Time // when this version was committed
	Chunks     int
	Pages      int // 0 where there are none
	Seq        uint64
	Gone       bool // replaced or deleted
}

// Reserved attribute keys: filters may use them, callers may not set them.
// FieldsOf gives their values.
var reservedKeys = map[string]bool{
	"document_id": true, "uri": true, "title": true, "kind": true, "language": true,
	"modified_at": true, "created_at": true,
}

// ReservedKey reports whether key is computed by the server.
func ReservedKey(key string) bool { return reservedKeys[key] }

// Fields returns the document's attributes together with the reserved ones:
// all that a filter can test.
func (d Document) Fields() map[string]filter.Value {
	m := make(map[string]filter.Value, len(d.Version.Attributes)+7)
	for k, v := range d.Version.Attributes {
		m[k] = v
	}
	m["document_id"] = filter.StringOf(d.ID)
	m["uri"] = filter.StringOf(d.URI)
	m["title"] = filter.StringOf(d.Version.Title)
	m["kind"] = filter.StringOf(string(d.Version.Kind))
	if d.Version.Language != "" {
		m["language"] = filter.StringOf(d.Version.Language)
	}
	if !d.Version.ModifiedAt.IsZero() {
		m["modified_at"] = filter.TimeOf(d.Version.ModifiedAt)
	}
	m["created_at"] = filter.TimeOf(d.Version.CreatedAt)
	return m
}

// Span is a half-open range of the normalised text: bytes of UTF-8 and
// Unicode code points.
type Span struct {
	ByteStart int `json:"byte_start"`
	ByteEnd   int `json:"byte_end"`
	CharStart int `json:"char_start"`
	CharEnd   int `json:"char_end"`
}

// Locator tells a person where a span stands. Only the fields of its medium
// are set: Page for PDF; LineStart, LineEnd and Symbol for code and everything
// whose normalised text has the source's lines; HeadingPath for prose.
type Locator struct {
	Page        int      `json:"page,omitempty"`     // from 1
	PageEnd     int      `json:"page_end,omitempty"` // when it differs from Page
	LineStart   int      `json:"line_start,omitempty"`
	LineEnd     int      `json:"line_end,omitempty"` // inclusive
	Symbol      string   `json:"symbol,omitempty"`
	HeadingPath []string `json:"heading_path,omitempty"`
}

// ChunkKey is where a chunk stands: it never changes meaning, since versions
// are immutable.
type ChunkKey struct {
	DocumentID string
	Version    int
	Ordinal    int // from 0
}

// String writes the key as a chunk id: "<document id>.<version>.<ordinal>".
func (k ChunkKey) String() string {
	return k.DocumentID + "." + strconv.Itoa(k.Version) + "." + strconv.Itoa(k.Ordinal)
}

// ParseChunkID reads what String wrote.
func ParseChunkID(id string) (ChunkKey, error) {
	rest, ordinal, ok1 := cutLast(id)
	doc, version, ok2 := cutLast(rest)
	v, err1 := strconv.Atoi(version)
	o, err2 := strconv.Atoi(ordinal)
	if !ok1 || !ok2 || err1 != nil || err2 != nil || doc == "" || v < 1 || o < 0 {
		return ChunkKey{}, &Error{Code: CodeInvalid, Message: fmt.Sprintf("%q is not a chunk id", id)}
	}
	return ChunkKey{DocumentID: doc, Version: v, Ordinal: o}, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

// Chunk is an indexed slice of one version. Text is always the normalised
// text at Span, byte for byte.
type Chunk struct {
	Key      ChunkKey
	TextHash Hash   // of Context and Text: TextHash()
	Context  string // heading context embedded before Text, "" for none
	Text     string
	Span     Span
	Locator  Locator
}

// EmbedText is what a model embeds for the chunk.
func (c Chunk) EmbedText() string { return EmbedText(c.Context, c.Text) }

// EmbedText joins heading context and text as they are embedded.
func EmbedText(context, text string) string {
	if context == "" {
		return text
	}
	return context + "\n" + text
}

// Parsed is what a parser makes of a document's bytes.
type Parsed struct {
	Text      string // normalised: valid UTF-8, "\n" line ends, no BOM, no NUL
	Kind      Kind
	MediaType string
	Title     string // "" when the document names none
	Language  string
	Pages     []int // byte offset in Text at which each page starts; nil without pages
	// Lines reports that line n of Text is line n of the source, so that
	// line locators are true.
	Lines  bool
	Blocks []Block // in order, not overlapping; gaps between them are white space
}

// BlockKind is the structural role of a Block.
type BlockKind uint8

// The block kinds.
const (
	BlockParagraph BlockKind = iota
	BlockHeading
	BlockList
	BlockTable
	BlockCode // a fenced or indented code block, or a region of source code
)

// Block is a structural unit of the normalised text.
type Block struct {
	Kind   BlockKind
	Start  int // byte offsets into Parsed.Text
	End    int
	Level  int    // of a heading, 1 to 6
	Title  string // of a heading, without markup
	Symbol string // name of the function or type that a code block defines
}
