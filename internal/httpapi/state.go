package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// state is what the edge keeps of one request beside its handler: who asks,
// and what the log line and the metrics will say. It is only touched by the
// request's own goroutine, or after handing over.
type state struct {
	id        string
	principal rag.Principal
	operation string // search, answer, ingest, read, admin
	outcome   string // set where the status does not tell: degraded, error, canceled
	code      string
	cause     error
	attrs     []slog.Attr
}

type stateKey struct{}

func withState(ctx context.Context, s *state) context.Context {
	return context.WithValue(ctx, stateKey{}, s)
}

// stateOf returns the request's state, or an empty one outside of requests.
func stateOf(ctx context.Context) *state {
	if s, ok := ctx.Value(stateKey{}).(*state); ok {
		return s
	}
	return &state{}
}

// fail notes the problem that the client hears.
func (s *state) fail(p *problem) {
	s.code = p.Code
	s.cause = p.cause
	switch {
	case p.Code == string(rag.CodeCanceled):
		s.outcome = "canceled"
	case p.Status >= 500:
		s.outcome = "error"
	default:
		s.outcome = "client_error"
	}
}

// note adds an attribute to the request's log line: a count or a word of a
// closed set, never content.
func (s *state) note(attr slog.Attr) { s.attrs = append(s.attrs, attr) }

// degraded notes stages that were left out.
func (s *state) degraded(stages []string) {
	if len(stages) == 0 {
		return
	}
	s.note(slog.Any("degraded", stages))
	if s.outcome == "" {
		s.outcome = "degraded"
	}
}

// recorder remembers what was sent.
type recorder struct {
	http.ResponseWriter
	status int
	first  time.Time // when the first byte was sent
	now    func() time.Time
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
		r.first = r.now()
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
		r.first = r.now()
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
