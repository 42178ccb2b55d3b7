package api

// AnswerRequest asks a question.
type AnswerRequest struct {
	SearchRequest
	MaxSentences int  `json:"max_sentences,omitempty" minimum:"1" maximum:"10"`
	Stream       bool `json:"stream,omitempty" doc:"Answer as server-sent events"`
	Resumable    bool `json:"resumable,omitempty" doc:"Of a stream: the client will come back if its connection breaks, by a GET of the response's Location with Last-Event-ID. The answer then goes on for some seconds without it"`
}

// AnswerResponse is a complete answer.
type AnswerResponse struct {
	Answer     string         `json:"answer" doc:"Sentences with [n] marks, or why there is none"`
	Result     string         `json:"result" enum:"answered,abstained"`
	Reason     string         `json:"reason,omitempty" doc:"Why it abstained"`
	Confidence float64        `json:"confidence"`
	Generator  string         `json:"generator" example:"extractive"`
	Sentences  []Sentence     `json:"sentences"`
	Citations  []Citation     `json:"citations"`
	Search     SearchResponse `json:"search"`
	TookMS     float64        `json:"took_ms"`
	Stages     []Stage        `json:"stages,omitempty"`
}

// Sentence is one sentence of an answer.
type Sentence struct {
	Text      string `json:"text"`
	Citations []int  `json:"citations"`
	Verdict   string `json:"verdict" enum:"quoted,supported,partial,unsupported,uncited"`
}

// Citation ties a piece of an answer to a span of a stored document.
type Citation struct {
	Number      int     `json:"number"`
	DocumentID  string  `json:"document_id"`
	Collection  string  `json:"collection"`
	Version     int     `json:"version"`
	ChunkID     string  `json:"chunk_id"`
	URI         string  `json:"uri"`
	Title       string  `json:"title"`
	Kind        string  `json:"kind"`
	Span        Span    `json:"span"`
	Quote       string  `json:"quote" doc:"The stored text at span, byte for byte"`
	QuoteSHA256 string  `json:"quote_sha256"`
	Locator     Locator `json:"locator"`
}

// The events of a streamed answer. Each is one SSE message: "event:" is the
// name below, "id:" counts from 1, "data:" is the JSON of the type.
//
//	retrieval  RetrievalEvent
//	delta      DeltaEvent
//	citation   CitationEvent
//	verdict    VerdictEvent
//	usage      UsageEvent
//	done       DoneEvent
//	error      Problem

// RetrievalEvent comes first: the hits.
type RetrievalEvent struct {
	Search SearchResponse `json:"search"`
}

// DeltaEvent appends whole words to the answer.
type DeltaEvent struct {
	Text string `json:"text"`
}

// CitationEvent announces a citation before its verdict.
type CitationEvent struct {
	Citation Citation `json:"citation"`
}

// VerdictEvent judges sentence Index, from 0.
type VerdictEvent struct {
	Index     int    `json:"index"`
	Verdict   string `json:"verdict"`
	Citations []int  `json:"citations"`
}

// UsageEvent counts tokens spent.
type UsageEvent struct {
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
}

// DoneEvent ends the stream with the whole answer.
type DoneEvent struct {
	Answer AnswerResponse `json:"answer"`
}
