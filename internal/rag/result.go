package rag

// Result is what became of one accepted document. For every job:
// accepted = indexed + unchanged + skipped + failed (+ still queued).
type Result string

// The results.
const (
	Queued    Result = "queued"
	Indexed   Result = "indexed"
	Unchanged Result = "unchanged"
	Skipped   Result = "skipped"
	Failed    Result = "failed"
)

// Reason says, from a closed set, why a document was skipped or failed.
type Reason string

// The reasons.
const (
	ReasonNone        Reason = ""
	ReasonTooLarge    Reason = "too_large"
	ReasonUnsupported Reason = "unsupported" // no parser for this type, or binary
	ReasonEncrypted   Reason = "encrypted"
	ReasonEmpty       Reason = "empty"
	ReasonNoText      Reason = "no_text" // parsed, but nothing to read in it
	ReasonEncoding    Reason = "encoding"
	ReasonUnreadable  Reason = "unreadable" // permission or I/O
	ReasonSymlink     Reason = "symlink"    // a loop, or a link out of the folder
	ReasonName        Reason = "name"       // a file name that cannot be a uri
	ReasonChanged     Reason = "changed"    // changed while it was read, again and again
	ReasonPolicy      Reason = "policy"     // ignored by rule (hidden files, VCS folders)
	ReasonParse       Reason = "parse"      // damaged
	ReasonTimeout     Reason = "timeout"
	ReasonMemory      Reason = "memory" // the parser passed its memory limit
	ReasonCanceled    Reason = "canceled"
	ReasonInvalid     Reason = "invalid" // the request for this document is wrong
	ReasonInternal    Reason = "internal"
)

// Reasons are all of them but ReasonNone.
var Reasons = []Reason{
	ReasonTooLarge, ReasonUnsupported, ReasonEncrypted, ReasonEmpty, ReasonNoText, ReasonEncoding,
	ReasonUnreadable, ReasonSymlink, ReasonName, ReasonChanged, ReasonPolicy, ReasonParse, ReasonTimeout,
	ReasonMemory, ReasonCanceled, ReasonInvalid, ReasonInternal,
}

// Refusal is an error that ends one document as skipped or failed. Detail is
// safe to show: never content, never a parser's own words.
type Refusal struct {
	Result Result // Skipped or Failed
	Reason Reason
	Detail string
}

func (r *Refusal) Error() string {
	s := string(r.Result) + ": " + string(r.Reason)
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	return s
}

// Skip and Fail make refusals.
func Skip(reason Reason, detail string) error { return &Refusal{Skipped, reason, detail} }
func Fail(reason Reason, detail string) error { return &Refusal{Failed, reason, detail} }
