package rag

import (
	"context"
)

// Question asks for an answer.
type Question struct {
	Query            // Text is the question
	MaxSentences int // of an extractive answer; 0 takes the default
}

// Verdict judges one sentence of an answer.
type Verdict string

// The verdicts.
const (
	Quoted      Verdict = "quoted" // byte-equal to the stored text at its span
	Supported   Verdict = "supported"
	Partial     Verdict = "partial"
	Unsupported Verdict = "unsupported"
	Uncited     Verdict = "uncited"
)

// Citation ties a piece of an answer to a span of a stored document. Quote is
// byte-equal to the stored text at Span: it was re-read and compared.
type Citation struct {
	Number      int // from 1, as printed in the answer
	Document    Document
	Chunk       ChunkKey
	Span        Span
	Locator     Locator
	Quote       string
	QuoteSHA256 Hash
}

// Sentence is one sentence of an answer.
type Sentence struct {
	Text      string
	Citations []int
	Verdict   Verdict
}

// AnswerResult says how an answer ended.
type AnswerResult string

// The results of an answer.
const (
	Answered  AnswerResult = "answered"
	Abstained AnswerResult = "abstained"
)

// Answer is a complete answer.
type Answer struct {
	Text       string // sentences with [n] marks, or the plain words of an abstention
	Result     AnswerResult
	Reason     string  // why it abstained: "no_hits", "weak"
	Confidence float64 // 0 to 1
	Generator  string  // "extractive"
	Sentences  []Sentence
	Citations  []Citation
	Search     SearchResult
	Stages     []Stage
	Dropped    int // quotes left out because the stored text did not bear them out
}

// Event is one step of a streamed answer. Exactly one field group is set,
// named by Type.
type Event struct {
	Type     EventType
	Search   *SearchResult // retrieval
	Delta    string        // delta: whole words to append
	Citation *Citation     // citation
	Verdict  *SentenceVerdict
	Answer   *Answer // done
	Usage    *Usage
	Err      error // error: the stream ends
}

// EventType names an Event.
type EventType string

// The event types, in the order they come: retrieval; then delta, citation and
// verdict for each sentence; usage; done. An error may end it at any point.
const (
	EventRetrieval EventType = "retrieval"
	EventDelta     EventType = "delta"
	EventCitation  EventType = "citation"
	EventVerdict   EventType = "verdict"
	EventUsage     EventType = "usage"
	EventDone      EventType = "done"
	EventError     EventType = "error"
)

// SentenceVerdict is the verdict on sentence Index (from 0).
type SentenceVerdict struct {
	Index     int
	Verdict   Verdict
	Citations []int
}

// Usage counts tokens spent; an extractive answer spends none at a provider.
type Usage struct {
	InputTokens  int
	OutputTokens int
}

// Embedder turns texts into unit vectors. Safe for concurrent use.
type Embedder interface {
	// Fingerprint identifies weights, tokenizer, pooling, prompts, dimension
	// and quantisation: vectors of different fingerprints never meet.
	Fingerprint() string
	Name() string // for people: "all-MiniLM-L6-v2"
	Dim() int
	MaxTokens() int // of one text, special tokens included
	// CountTokens counts as the model does, special tokens excluded.
	CountTokens(text string) int
	// Embed returns [len(texts)][Dim]float32. Interactive work (a user waits)
	// goes ahead of Background work.
	Embed(ctx context.Context, role EmbedRole, texts []string) ([][]float32, error)
}

// EmbedRole tells prompts and priority.
type EmbedRole uint8

// The roles: a query and passages of an interactive request, and passages of
// background ingestion.
const (
	EmbedQuery EmbedRole = iota
	EmbedPassage
	EmbedBackground
)

// Reranker scores passages against a query; higher is better.
type Reranker interface {
	Name() string
	Rerank(ctx context.Context, query string, passages []string) ([]float32, error)
}
