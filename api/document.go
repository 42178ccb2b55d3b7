package api

import "time"

// PutDocument creates or replaces a document. Exactly one of text,
// content_base64 and chunks is given. The document is named by uri, by id, or by both;
// an id given for a new document is kept as it is.
type PutDocument struct {
	ID            string         `json:"id,omitempty" maxLength:"128" pattern:"^[A-Za-z0-9_~-]*$"`
	URI           string         `json:"uri,omitempty" maxLength:"2048"`
	Text          *string        `json:"text,omitempty" doc:"The document as text, of media_type (default text/plain)"`
	ContentBase64 *string        `json:"content_base64,omitempty" doc:"The document as bytes, base64"`
	Chunks        []PutChunk     `json:"chunks,omitempty" maxItems:"10000" doc:"The document as chunks, each with its vector where the collection's vectors are given; its text is theirs, with an empty line between each two"`
	MediaType     string         `json:"media_type,omitempty" doc:"As in text/markdown or application/pdf; guessed from uri and content when absent"`
	Title         string         `json:"title,omitempty" maxLength:"1000"`
	Attributes    map[string]any `json:"attributes,omitempty" doc:"String, number, boolean, RFC 3339 time or list of strings by key"`
	Access        *[]string      `json:"access,omitempty" doc:"Labels of who may see it; absent: as before, or [\"*\"], everyone, for a new document"`
	ModifiedAt    *time.Time     `json:"modified_at,omitempty" doc:"As the source says"`
	Refused       *Refused       `json:"refused,omitempty" doc:"In a batch, instead of text: the sender could not read this document"`
}

// Refused is a document that its sender skipped or could not read: the batch's
// job counts it as such, and nothing else becomes of it.
type Refused struct {
	Result string `json:"result" enum:"skipped,failed"`
	Reason string `json:"reason" doc:"As of results, such as unreadable, symlink or too_large"`
	Detail string `json:"detail,omitempty" maxLength:"1000"`
}

// PutChunk is a chunk as the caller cut it.
type PutChunk struct {
	Text   string `json:"text" minLength:"1"`
	Vector Vector `json:"vector,omitempty" doc:"As many numbers as the collection's dimension; without one the chunk is found by its words alone"`
}

// PutResult says what became of one document.
type PutResult struct {
	ID      string `json:"id,omitempty"`
	URI     string `json:"uri,omitempty"`
	Result  string `json:"result" enum:"indexed,unchanged,skipped,failed"`
	Reason  string `json:"reason,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Version int    `json:"version,omitempty"`
	Chunks  int    `json:"chunks,omitempty"`
	Seq     uint64 `json:"seq,omitempty" doc:"Pass it as min_seq to read your write"`
	Line    int    `json:"line,omitempty" doc:"Of a batch: the input line, from 1"`
}

// BatchEnd is the last line of a batch's response: the balance.
type BatchEnd struct {
	Job    string    `json:"job"`
	Counts JobCounts `json:"counts"`
}

// SetAccess replaces a document's access list.
type SetAccess struct {
	Access []string `json:"access" maxItems:"1000"`
}

// Document is a document at one of its versions.
type Document struct {
	ID         string         `json:"id"`
	Collection string         `json:"collection"`
	URI        string         `json:"uri"`
	Version    int            `json:"version"`
	Title      string         `json:"title"`
	Kind       string         `json:"kind"`
	MediaType  string         `json:"media_type"`
	Language   string         `json:"language,omitempty"`
	Attributes map[string]any `json:"attributes"`
	Access     []string       `json:"access"`
	SizeBytes  int64          `json:"size_bytes"`
	TextBytes  int64          `json:"text_bytes"`
	SourceHash string         `json:"source_sha256"`
	TextHash   string         `json:"text_sha256"`
	Chunks     int            `json:"chunks"`
	Pages      int            `json:"pages,omitempty"`
	ModifiedAt *time.Time     `json:"modified_at,omitempty"`
	CreatedAt  time.Time      `json:"created_at"`
	UpdatedAt  time.Time      `json:"updated_at"`
	Seq        uint64         `json:"seq"`
	Gone       bool           `json:"gone,omitempty" doc:"This version was replaced or deleted"`
}

// Version is one state of a document.
type Version struct {
	Version    int       `json:"version"`
	Title      string    `json:"title"`
	SourceHash string    `json:"source_sha256"`
	TextHash   string    `json:"text_sha256"`
	SizeBytes  int64     `json:"size_bytes"`
	Chunks     int       `json:"chunks"`
	CreatedAt  time.Time `json:"created_at"`
	Seq        uint64    `json:"seq"`
	Gone       bool      `json:"gone,omitempty"`
}

// DocumentText is a window of a version's normalised text.
type DocumentText struct {
	DocumentID string   `json:"document_id"`
	Version    int      `json:"version"`
	Text       string   `json:"text"`
	Span       Span     `json:"span" doc:"Of the window, in the whole text"`
	TextBytes  int64    `json:"text_bytes" doc:"Of the whole text"`
	LineStart  int      `json:"line_start" doc:"Line of the window's first byte, from 1"`
	Pages      []PageAt `json:"pages,omitempty" doc:"Pages that start in the window, and the one it starts in"`
	HasLines   bool     `json:"has_lines" doc:"Lines of the text are lines of the source"`
}

// PageAt says where a page starts.
type PageAt struct {
	Page      int `json:"page"`
	ByteStart int `json:"byte_start"`
}

// Chunk is an indexed slice of a version.
type Chunk struct {
	ID       string  `json:"id"`
	Ordinal  int     `json:"ordinal"`
	TextHash string  `json:"text_hash"`
	Context  string  `json:"context,omitempty" doc:"Headings embedded before the text"`
	Text     string  `json:"text"`
	Span     Span    `json:"span"`
	Locator  Locator `json:"locator"`
}

// Span is a half-open range of the stored, normalised text of a version.
type Span struct {
	ByteStart int `json:"byte_start"`
	ByteEnd   int `json:"byte_end"`
	CharStart int `json:"char_start"`
	CharEnd   int `json:"char_end"`
}

// Locator tells a person where a span stands.
type Locator struct {
	Page        int      `json:"page,omitempty"`
	PageEnd     int      `json:"page_end,omitempty"`
	LineStart   int      `json:"line_start,omitempty"`
	LineEnd     int      `json:"line_end,omitempty"`
	Symbol      string   `json:"symbol,omitempty"`
	HeadingPath []string `json:"heading_path,omitempty"`
}
