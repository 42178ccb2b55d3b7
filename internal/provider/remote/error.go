package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// ErrorType says what went wrong with a call: a closed set.
type ErrorType string

// The types of errors.
const (
	ErrTimeout     ErrorType = "timeout"
	ErrRateLimited ErrorType = "rate_limited"
	ErrAuth        ErrorType = "auth"     // the key is missing, wrong or may not do this
	ErrQuota       ErrorType = "quota"    // the account has nothing left to spend
	ErrInvalid     ErrorType = "invalid"  // the server refuses what was sent
	ErrFiltered    ErrorType = "filtered" // the server refuses the content
	ErrUnavailable ErrorType = "unavailable"
	ErrOther       ErrorType = "other" // an answer that makes no sense
)

// ErrorTypes lists them all.
var ErrorTypes = []ErrorType{
	ErrTimeout, ErrRateLimited, ErrAuth, ErrQuota, ErrInvalid, ErrUnavailable, ErrFiltered, ErrOther,
}

// failure is one failed try.
type failure struct {
	kind   ErrorType
	status int           // 0 without a response
	wait   time.Duration // what the server asked for
	retry  bool
	err    error // of the network; never the server's words
}

func (f *failure) Error() string {
	switch {
	case f.status != 0 && f.err != nil:
		return fmt.Sprintf("%s: status %d: %v", f.kind, f.status, f.err)
	case f.status != 0:
		return fmt.Sprintf("%s: status %d", f.kind, f.status)
	case f.err != nil:
		return fmt.Sprintf("%s: %v", f.kind, f.err)
	}
	return string(f.kind)
}

func (f *failure) Unwrap() error { return f.err }

// TypeOf returns the type of a call's error, "" for none and for a caller that
// went away.
func TypeOf(err error) ErrorType {
	var f *failure
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return ""
	case errors.As(err, &f):
		return f.kind
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout
	}
	return ErrOther
}

// refusal is what a vendor's error says beyond its status.
type refusal struct {
	kind ErrorType // "" to go by the status
	wait time.Duration
}

// classify makes a failure of a response that is no success.
func classify(v vendor, status int, h http.Header, body []byte, now time.Time) *failure {
	f := &failure{kind: kindOf(status), status: status, wait: retryAfter(h, now)}
	f.retry = status == http.StatusRequestTimeout || status == http.StatusConflict ||
		status == http.StatusTooManyRequests || status >= 500
	if v.refusal == nil {
		return f
	}
	r := v.refusal(status, body)
	f.wait = max(f.wait, r.wait)
	if r.kind != "" {
		f.kind = r.kind
		if r.kind == ErrQuota || r.kind == ErrAuth || r.kind == ErrFiltered || r.kind == ErrInvalid {
			f.retry = false // waiting does not help
		}
	}
	return f
}

func kindOf(status int) ErrorType {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrAuth
	case http.StatusPaymentRequired:
		return ErrQuota
	case http.StatusTooManyRequests:
		return ErrRateLimited
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return ErrTimeout
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return ErrInvalid
	case http.StatusUnavailableForLegalReasons:
		return ErrFiltered
	case http.StatusConflict:
		return ErrUnavailable
	}
	if status >= 500 {
		return ErrUnavailable
	}
	return ErrOther
}

// networkFailure makes a failure of a try that brought no whole response.
func networkFailure(ctx context.Context, err error) *failure {
	var timeout net.Error
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return &failure{kind: ErrTimeout, retry: true, err: err}
	}
	return &failure{kind: ErrUnavailable, retry: true, err: err}
}

// coded gives an error the code and the sentence that callers hear. What they
// hear is the same whatever the server wrote.
func coded(operation, kind string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s by %s: %w", operation, kind, err)
	}
	e := &rag.Error{Code: rag.CodeUnavailable, Err: err, Message: "the " + operation + " service did not answer"}
	switch TypeOf(err) {
	case ErrTimeout:
		e.Code, e.Message = rag.CodeTimeout, "the "+operation+" service took too long"
	case ErrRateLimited:
		e.Code, e.Message = rag.CodeLimited, "the "+operation+" service is at its rate limit; try again shortly"
	case ErrInvalid:
		e.Code, e.Message = rag.CodeInvalid, "the "+operation+" service refused the request"
	case ErrFiltered:
		e.Code, e.Message = rag.CodeInvalid, "the "+operation+" service refused the content"
	case ErrAuth:
		e.Message = "the " + operation + " service refused the server's key"
	case ErrQuota:
		e.Message = "the account at the " + operation + " service is used up"
	}
	return e
}
