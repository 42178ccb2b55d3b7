package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/oklog/ulid/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/quarry-search/quarry/internal/rag"
)

// server is the handler's inside.
type server struct {
	Options
	mux   *http.ServeMux
	api   huma.API
	guard *guard
	gate  *gate

	recordings *recordings
	cursors    cursors
	started    time.Time
}

// New makes the handler of the whole server. Missing options are an error that
// lists them all.
func New(o Options) (http.Handler, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := newServer(o.withDefaults())
	return http.HandlerFunc(s.serve), nil
}

func newServer(o Options) *server {
	s := &server{
		Options: o,
		mux:     http.NewServeMux(),
		guard:   newGuard(o.AllowedHosts),
		gate:    newGate(o.SearchSlots, o.SearchQueue),

		recordings: &recordings{grace: o.ResumeGrace, keep: o.ResumeKeep},
		cursors:    cursors{o.CursorKey},
		started:    o.Now(),
	}
	s.api = humago.New(s.mux, apiConfig())
	s.registerSearch()
	s.registerAnswers()
	s.registerCollections()
	s.registerPut()
	s.registerDocuments()
	s.registerText()
	s.registerBatch()
	s.registerJobs()
	s.registerEmbeddings()
	s.registerRerank()
	s.registerMaintenance()
	s.registerHealth()
	finishOpenAPI(s.api.OpenAPI())
	s.registerPages()
	return s
}

var tracing = propagation.TraceContext{}

// serve runs one request from first byte to log line.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	start := s.Now()
	rec := &recorder{ResponseWriter: w, now: s.Now}
	st := &state{id: requestID(r)}
	ctx := tracing.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.Tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	r = r.WithContext(withState(ctx, st))
	tracing.Inject(ctx, propagation.HeaderCarrier(w.Header()))
	setHeaders(w.Header(), st.id)
	kind := "unary"
	if isStream(r) {
		kind = "stream"
	}
	done := s.Observer.RequestStarted(kind)
	defer done()
	aborted := s.run(rec, r)
	s.report(rec, r, st, span, s.Now().Sub(start), start)
	if aborted {
		panic(http.ErrAbortHandler) // cuts the connection: the client must not take a part for the whole
	}
}

func setHeaders(h http.Header, id string) {
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
}

func isStream(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/batch") || strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// requestID takes the caller's id if it is harmless, or makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	harmless := func(c rune) bool {
		return c == '-' || c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return !harmless(c) }) {
		return strings.ToLower(ulid.Make().String())
	}
	return id
}

// run guards, authenticates and routes. A panic becomes a problem, or, after
// the first byte, an aborted connection.
func (s *server) run(w *recorder, r *http.Request) (aborted bool) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		aborted = w.status != 0
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			aborted = true
			return
		}
		s.Observer.Panicked()
		// SECURITY: the panic's value may hold content; its place does not.
		s.Logger.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("event", "panic"),
			slog.String("request_id", stateOf(r.Context()).id), slog.String("stack", string(debug.Stack())))
		failure := problemOf(r.Context(), &rag.Error{Code: rag.CodeInternal, Message: plainMessage(rag.CodeInternal)})
		stateOf(r.Context()).fail(failure)
		if !aborted {
			writeProblem(w, r, failure)
		}
	}()
	if err := s.guard.check(r); err != nil {
		writeProblem(w, r, err)
		return false
	}
	if isAPI(r.URL.Path) || r.URL.Path == "/metrics" || r.URL.Path == "/readyz" {
		p, err := s.Authenticate(r)
		if err != nil && r.URL.Path != "/readyz" {
			writeProblem(w, r, err)
			return false
		}
		stateOf(r.Context()).principal = p
	}
	s.route(w, r)
	return false
}

// route serves a known route, the console, or the problem of an unknown one.
func (s *server) route(w *recorder, r *http.Request) {
	h, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	verdict := &unrouted{header: http.Header{}}
	h.ServeHTTP(verdict, r)
	switch {
	case verdict.status == http.StatusMethodNotAllowed:
		w.Header()["Allow"] = verdict.header["Allow"]
		writeProblem(w, r, &rag.Error{Code: rag.CodeMethod, Message: r.Method + " is not possible here; see the Allow header"})
	case s.Console != nil && !isAPI(r.URL.Path):
		s.Console.ServeHTTP(w, r)
	default:
		writeProblem(w, r, &rag.Error{Code: rag.CodeNotFound, Message: "there is no such route; see /docs"})
	}
}

// unrouted catches what the mux would say of a path that it does not know.
type unrouted struct {
	header http.Header
	status int
}

func (u *unrouted) Header() http.Header         { return u.header }
func (u *unrouted) Write(b []byte) (int, error) { return len(b), nil }
func (u *unrouted) WriteHeader(status int)      { u.status = status }

// report tells the observer and writes the request's line; probes and pages
// have one only when they failed.
func (s *server) report(w *recorder, r *http.Request, st *state, span trace.Span, took time.Duration, start time.Time) {
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	route := "_other"
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		route = path
	}
	outcome := outcomeOf(r, st, status)
	s.Observer.RequestDone(r.Method, route, status, st.operation, outcome, st.code, took)
	span.SetName(r.Method + " " + route)
	span.SetAttributes(attribute.String("http.request.method", r.Method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status))
	if st.operation == "" && st.code == "" {
		return
	}
	level := slog.LevelInfo
	if outcome == "error" {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("event", "request"), slog.String("request_id", st.id),
		slog.String("method", r.Method), slog.String("route", route), slog.Int("status", status),
		slog.String("outcome", outcome), slog.Float64("ms", milliseconds(took)),
	}
	if st.code != "" {
		attrs = append(attrs, slog.String("code", st.code))
	}
	if status >= 500 && st.cause != nil {
		attrs = append(attrs, slog.String("cause", st.cause.Error()))
	}
	if isStream(r) && !w.first.IsZero() {
		attrs = append(attrs, slog.Float64("first_token_ms", milliseconds(w.first.Sub(start))))
	}
	s.Logger.LogAttrs(r.Context(), level, "request", append(attrs, st.attrs...)...)
}

func outcomeOf(r *http.Request, st *state, status int) string {
	switch {
	case st.outcome != "":
		return st.outcome
	case r.Context().Err() != nil:
		return "canceled"
	case status >= 500:
		return "error"
	case status >= 400:
		return "client_error"
	}
	return "ok"
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
