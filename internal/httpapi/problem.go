package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// problemType is the base of Problem.Type; the code follows it.
const problemType = "urn:quarry:problem:"

// statusCanceled is what logs show for a client that went away.
const statusCanceled = 499

// statusOf is the one place where codes become HTTP. A value that is wrong is
// 422 when a pointer names it in a body that was well-formed, 400 otherwise.
func statusOf(code rag.Code, field string) int {
	switch code {
	case rag.CodeInvalid:
		if strings.HasPrefix(field, "/") {
			return http.StatusUnprocessableEntity
		}
		return http.StatusBadRequest
	case rag.CodeFilter, rag.CodeUnknownField, rag.CodeIdempotency, rag.CodeRefused:
		return http.StatusUnprocessableEntity
	case rag.CodeUnauthorized:
		return http.StatusUnauthorized
	case rag.CodeForbidden, rag.CodeOrigin:
		return http.StatusForbidden
	case rag.CodeNotFound:
		return http.StatusNotFound
	case rag.CodeMethod:
		return http.StatusMethodNotAllowed
	case rag.CodeConflict:
		return http.StatusConflict
	case rag.CodePrecondition:
		return http.StatusPreconditionFailed
	case rag.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case rag.CodeUnsupported:
		return http.StatusUnsupportedMediaType
	case rag.CodeLimited:
		return http.StatusTooManyRequests
	case rag.CodeUnavailable, rag.CodeStale:
		return http.StatusServiceUnavailable
	case rag.CodeTimeout:
		return http.StatusGatewayTimeout
	case rag.CodeCanceled:
		return statusCanceled
	}
	return http.StatusInternalServerError
}

// codeOf names what huma refused by itself.
func codeOf(status int) rag.Code {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return rag.CodeInvalid
	case http.StatusRequestTimeout:
		return rag.CodeTimeout
	case http.StatusRequestEntityTooLarge:
		return rag.CodeTooLarge
	case http.StatusUnsupportedMediaType:
		return rag.CodeUnsupported
	}
	return rag.CodeInternal
}

// problem is an error on its way out. The embedded Problem is what is sent.
type problem struct {
	api.Problem
	retryAfter int // seconds; 0 for no header
	cause      error
}

// Error, GetStatus and ContentType make it an error that huma sends as it is.
func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return "application/problem+json" }
func (p *problem) Unwrap() error             { return p.cause }

// GetHeaders gives the headers that go with the problem.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

// problemOf turns any error into what the caller hears. SECURITY: only the
// safe sentence of a *rag.Error is shown; causes go to the log.
func problemOf(ctx context.Context, err error) *problem {
	var done *problem
	if errors.As(err, &done) {
		return done
	}
	var bad *filter.Error
	var known *rag.Error
	switch {
	case errors.As(err, &known):
	case errors.As(err, &bad):
		known = &rag.Error{Code: rag.CodeFilter, Field: "/filter" + bad.Pointer, Message: bad.Message}
	default:
		known = &rag.Error{Code: rag.CodeOf(err), Message: plainMessage(rag.CodeOf(err))}
	}
	p := newProblem(ctx, statusOf(known.Code, known.Field), known.Code, known.Message)
	p.cause = err
	at := known.Field
	if known.Code == rag.CodeUnknownField && !strings.HasPrefix(at, "/") {
		at = "/filter" // an index knows the attribute, not the spelling that it came in
	}
	if at != "" {
		p.Errors = []api.FieldError{{Pointer: at, Message: known.Message}}
	}
	return p
}

func plainMessage(code rag.Code) string {
	switch code {
	case rag.CodeCanceled:
		return "the request was canceled"
	case rag.CodeTimeout:
		return "the request took too long"
	}
	return "something went wrong inside the server; the log says more under this request id"
}

func newProblem(ctx context.Context, status int, code rag.Code, detail string) *problem {
	p := &problem{Problem: api.Problem{
		Type: problemType + string(code), Title: http.StatusText(status), Status: status,
		Detail: detail, Code: string(code), RequestID: stateOf(ctx).id,
	}}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		p.retryAfter = 1
	case statusCanceled:
		p.Title = "Client Closed Request"
	}
	return p
}

// refused makes the problem of a document that was skipped or failed.
func refused(ctx context.Context, out rag.Outcome) *problem {
	code := rag.CodeRefused
	switch out.Reason {
	case rag.ReasonTooLarge:
		code = rag.CodeTooLarge
	case rag.ReasonUnsupported:
		code = rag.CodeUnsupported
	case rag.ReasonCanceled:
		code = rag.CodeCanceled
	case rag.ReasonInternal:
		code = rag.CodeInternal
	}
	detail := "the document was " + string(out.Result) + " (" + string(out.Reason) + ")"
	if out.Detail != "" {
		detail += ": " + out.Detail
	}
	p := newProblem(ctx, statusOf(code, ""), code, detail)
	p.Reason = string(out.Reason)
	return p
}

// fromHuma is a huma.Transformer: it gives huma's own refusals the shape of
// ours. SECURITY: the faulty values that huma echoes are left out.
func fromHuma(ctx huma.Context, _ string, v any) (any, error) {
	switch e := v.(type) {
	case *problem:
		stateOf(ctx.Context()).fail(e)
		return &e.Problem, nil
	case *huma.ErrorModel:
		p := newProblem(ctx.Context(), e.Status, codeOf(e.Status), e.Detail)
		if e.Status == http.StatusInternalServerError {
			p.Detail = plainMessage(rag.CodeInternal)
		}
		if e.Status == http.StatusUnsupportedMediaType {
			p.Detail = "the body must be sent with Content-Type: application/json"
			e.Errors = nil
		}
		for _, d := range e.Errors {
			p.Errors = append(p.Errors, api.FieldError{Pointer: pointerOf(d.Location), Message: d.Message})
		}
		if len(p.Errors) > 0 && e.Status < 500 {
			p.Detail = p.Errors[0].Message
			if at := p.Errors[0].Pointer; at != "" {
				p.Detail = at + ": " + p.Detail
			}
		}
		stateOf(ctx.Context()).fail(p)
		return &p.Problem, nil
	}
	return v, nil
}

// pointerOf turns huma's "body.filters[0].key" into "/filters/0/key", and
// "query.limit" into the parameter's name.
func pointerOf(location string) string {
	where, rest, _ := strings.Cut(location, ".")
	if where != "body" {
		return rest
	}
	if rest == "" {
		return ""
	}
	return "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(rest)
}

// writeProblem sends err outside of huma's responses, in the shape of the
// path's API.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(r.Context(), err)
	stateOf(r.Context()).fail(p)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	body, contentType, status := inDialect(r.URL.Path, p)
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	encode(w, body)
}

// encode writes v as JSON in the form of all responses. An error means that
// the client is gone, which the request's context tells as well.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
