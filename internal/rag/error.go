package rag

import (
	"context"
	"errors"
)

// Code is a machine-readable error code: a closed set, mapped to HTTP in one
// place (httpapi).
type Code string

// The codes.
const (
	CodeInvalid      Code = "invalid_request"      // 400, 422: a value is wrong; Field names it
	CodeFilter       Code = "invalid_filter"       // 422
	CodeUnknownField Code = "unknown_field"        // 422: a filter names a field no document has
	CodeNotFound     Code = "not_found"            // 404: missing or not visible, alike
	CodeConflict     Code = "conflict"             // 409
	CodePrecondition Code = "precondition_failed"  // 412
	CodeTooLarge     Code = "too_large"            // 413
	CodeUnsupported  Code = "unsupported"          // 415
	CodeIdempotency  Code = "idempotency_mismatch" // 422
	CodeRefused      Code = "document_refused"     // 422: a document was skipped or failed, for a Reason
	CodeMethod       Code = "method_not_allowed"   // 405
	CodeOrigin       Code = "origin_refused"       // 403: another host name or a web page of another origin
	CodeForbidden    Code = "forbidden"            // 403
	CodeUnauthorized Code = "unauthorized"         // 401
	CodeLimited      Code = "rate_limited"         // 429
	CodeUnavailable  Code = "unavailable"          // 503
	CodeStale        Code = "not_fresh"            // 503: min_seq was not reached before the deadline
	CodeTimeout      Code = "timeout"              // 504
	CodeCanceled     Code = "canceled"             // 499: the client went away
	CodeInternal     Code = "internal"             // 500
)

// Error is an error with a code and a sentence that is safe to show.
type Error struct {
	Code    Code
	Message string // safe to show; says what to do where that helps
	Field   string // JSON pointer of the faulty value, "" if there is none
	Err     error  // cause, logged, never shown
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf-free constructors for the common cases.
func Invalid(field, message string) error {
	return &Error{Code: CodeInvalid, Field: field, Message: message}
}

// NotFound says that what (for example `document "x"`) does not exist, which
// is also what a caller hears who may not see it.
func NotFound(what string) error {
	return &Error{Code: CodeNotFound, Message: what + " does not exist"}
}

// CodeOf returns the code of err: that of the first *Error in its chain,
// canceled and timeout for context errors, internal for anything else, ""
// for nil.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return CodeTimeout
	}
	return CodeInternal
}
