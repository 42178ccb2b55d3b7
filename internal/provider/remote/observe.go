package remote

import "time"

// Operations of a Call.
const (
	OpEmbeddings = "embeddings"
	OpRerank     = "rerank"
)

// Call is what one request, with its retries, was and cost. It has no content.
type Call struct {
	Provider  string // the kind
	Model     string // or the kind, where requests name no model
	Operation string
	Error     ErrorType   // how it ended; "" for success
	Canceled  bool        // the caller went away: neither success nor error
	Failures  []ErrorType // of every failed try, the last included
	Took      time.Duration
	Waited    time.Duration // for rate limits, of Took
	Items     int           // texts or passages
	Tokens    int           // billed, or else estimated
	Estimated bool          // the server did not say how many tokens
	CostUSD   float64       // Tokens at PricePerMillionTokens
}
