package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

type answerInput struct {
	Accept string `header:"Accept" doc:"text/event-stream asks for events, as does stream"`
	Body   api.AnswerRequest
}

// streamOutput writes its own response.
type streamOutput struct {
	Body func(huma.Context)
}

func (s *server) registerAnswers() {
	register(s, operation{
		id: "answer", method: http.MethodPost, path: "/v1/answers", tag: "Search", kind: "answer", role: rag.RoleReader,
		summary: "Answer a question",
		detail:  "Answers with the sentences of your documents that answer best, each with its citation, or abstains. With stream, or Accept: text/event-stream, the response is a stream of events: retrieval; then delta, citation and verdict for each sentence; usage; done. An error event may end it at any point.",
		errors:  []int{400, 404, 422, 429, 503, 504},
		example: map[string]any{"query": "How do I restore a backup?"},
		adjust:  describeEvents(s.api.OpenAPI()),
	}, s.answer)
	register(s, operation{
		id: "resume-answer", method: http.MethodGet, path: "/v1/answers/{stream}/events", tag: "Search", kind: "answer", role: rag.RoleReader,
		summary: "Take up a streamed answer again",
		detail:  "The events after Last-Event-ID of a stream that was asked for as resumable, as the first response's Location names it, and those that are yet to come. It can be found by whom it was begun for, while the answer goes on and for a minute after its end. 204 when nothing follows.",
		errors:  []int{400, 404, 422},
		adjust:  describeResumed(s.api.OpenAPI()),
	}, s.resumeAnswer)
}

type resumeInput struct {
	Stream      string `path:"stream" doc:"As the Location of the first response names it"`
	LastEventID int    `header:"Last-Event-ID" minimum:"0" doc:"The id of the last event that arrived; absent: none"`
}

func describeResumed(o *huma.OpenAPI) func(*huma.Operation) {
	describe := describeEvents(o)
	return func(op *huma.Operation) {
		describe(op)
		delete(op.Responses["200"].Content, "application/json")
		op.Responses["200"].Description = "The rest of an answer, as events"
		op.Responses["204"] = &huma.Response{Description: "Nothing follows the event"}
	}
}

// resumeAnswer sends the rest of a recorded stream.
func (s *server) resumeAnswer(_ context.Context, p rag.Principal, in *resumeInput) (*streamOutput, error) {
	rec, err := s.recordings.join(p, in.Stream, in.LastEventID)
	if err != nil {
		return nil, err
	}
	return &streamOutput{func(hc huma.Context) {
		defer rec.left()
		r, w := humago.Unwrap(hc)
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		stream := newEventStream(w, s.WriteTimeout, cancel)
		defer stream.keepAlive(s.Heartbeat)()
		for n := in.LastEventID; ; {
			messages, err := rec.next(ctx, n)
			if err == nil {
				err = stream.resend(messages)
			}
			switch n += len(messages); {
			case err != nil:
				stateOf(r.Context()).outcome = "canceled"
				return
			case len(messages) == 0:
				if !stream.started() {
					w.WriteHeader(http.StatusNoContent)
				}
				return
			}
		}
	}}, nil
}

func describeEvents(o *huma.OpenAPI) func(*huma.Operation) {
	schemas := o.Components.Schemas
	whole := schemas.Schema(reflect.TypeFor[api.AnswerResponse](), true, "")
	var events []*huma.Schema
	for _, t := range []reflect.Type{
		reflect.TypeFor[api.RetrievalEvent](), reflect.TypeFor[api.DeltaEvent](), reflect.TypeFor[api.CitationEvent](),
		reflect.TypeFor[api.VerdictEvent](), reflect.TypeFor[api.UsageEvent](), reflect.TypeFor[api.DoneEvent](),
		reflect.TypeFor[api.Problem](),
	} {
		events = append(events, schemas.Schema(t, true, ""))
	}
	return func(op *huma.Operation) {
		op.Responses["200"] = &huma.Response{Description: "An answer, whole or as events", Content: map[string]*huma.MediaType{
			"application/json":  {Schema: whole},
			"text/event-stream": {Schema: &huma.Schema{Description: "The data of one event", OneOf: events}},
		}}
	}
}

func (s *server) answer(ctx context.Context, p rag.Principal, in *answerInput) (*streamOutput, error) {
	q, err := queryOf(in.Body.SearchRequest)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Body.Query) == "" {
		return nil, rag.Invalid("/query", "must hold more than white space")
	}
	if len(q.Sort) > 0 {
		return nil, rag.Invalid("/sort", "an answer is made of the passages that fit best; sort is for searches")
	}
	question := rag.Question{Query: q, MaxSentences: in.Body.MaxSentences}
	answer := s.answerWhole
	if in.Body.Stream || strings.Contains(in.Accept, "text/event-stream") {
		answer = s.answerStream
		if in.Body.Resumable {
			answer = s.answerResumable
		}
	}
	return &streamOutput{func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		leave, err := s.gate.enter(r.Context())
		if err != nil {
			writeProblem(w, r, err)
			return
		}
		defer leave()
		answer(w, r, p, question)
	}}, nil
}

// answerWhole sends the answer as one JSON document.
func (s *server) answerWhole(w http.ResponseWriter, r *http.Request, p rag.Principal, q rag.Question) {
	start := s.Now()
	a, err := s.Answerer.Answer(r.Context(), p, q, func(rag.Event) error { return nil })
	if err != nil {
		writeProblem(w, r, err)
		return
	}
	noteAnswer(stateOf(r.Context()), a)
	w.Header().Set("Content-Type", "application/json")
	encode(w, answerOf(a, s.Now().Sub(start)))
}

// answerStream sends the answer as events. Until the first of them an error is
// an ordinary problem; after it, an error event.
func (s *server) answerStream(w http.ResponseWriter, r *http.Request, p rag.Principal, q rag.Question) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s.streamAnswer(ctx, newEventStream(w, s.WriteTimeout, cancel), r, p, q)
}

// answerResumable is answerStream for a client that may come back: the answer
// outlives its connection for a while.
func (s *server) answerResumable(w http.ResponseWriter, r *http.Request, p rag.Principal, q rag.Question) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	rec := s.recordings.begin(p, cancel)
	if rec == nil { // there are too many: this one ends with its connection
		s.answerStream(w, r, p, q)
		return
	}
	left := sync.OnceFunc(rec.left)
	defer left()
	defer context.AfterFunc(r.Context(), left)()
	stream := newEventStream(w, s.WriteTimeout, left)
	stream.record = rec
	w.Header().Set("Location", "/v1/answers/"+rec.id+"/events")
	useful := false
	defer func() { rec.end(useful) }()
	useful = s.streamAnswer(ctx, stream, r, p, q)
}

// streamAnswer answers until ctx ends, and reports whether events tell how it
// ended.
func (s *server) streamAnswer(ctx context.Context, stream *eventStream, r *http.Request, p rag.Principal, q rag.Question) bool {
	start := s.Now()
	failed := false
	send := func(e rag.Event) error {
		failed = failed || e.Type == rag.EventError
		return stream.send(s.eventOf(r.Context(), e, start))
	}
	a, err := func() (rag.Answer, error) {
		defer stream.keepAlive(s.Heartbeat)() // ends before anything else is sent, even in a panic
		return s.Answerer.Answer(ctx, p, q, send)
	}()
	switch {
	case err == nil:
		noteAnswer(stateOf(r.Context()), a)
	case ctx.Err() != nil || stream.record == nil && stream.broken():
		stateOf(r.Context()).outcome = "canceled"
		return false
	case !stream.started():
		stream.w.Header().Del("Location")
		writeProblem(stream.w, r, err)
		return false
	case !failed:
		failure := problemOf(r.Context(), err)
		stateOf(r.Context()).fail(failure)
		_ = stream.send(api.EventError, &failure.Problem) // a client that left hears nothing
	}
	return true
}

func noteAnswer(st *state, a rag.Answer) {
	st.note(slog.String("result", string(a.Result)))
	st.note(slog.Int("hits", len(a.Search.Hits)))
	st.note(slog.Int("sentences", len(a.Sentences)))
	st.degraded(a.Search.Degraded)
}

// eventOf names an event and gives its wire type.
func (s *server) eventOf(ctx context.Context, e rag.Event, start time.Time) (string, any) {
	switch e.Type {
	case rag.EventRetrieval:
		return api.EventRetrieval, api.RetrievalEvent{Search: searchOf(*e.Search, s.Now().Sub(start))}
	case rag.EventDelta:
		return api.EventDelta, api.DeltaEvent{Text: e.Delta}
	case rag.EventCitation:
		return api.EventCitation, api.CitationEvent{Citation: citationOf(*e.Citation)}
	case rag.EventVerdict:
		return api.EventVerdict, api.VerdictEvent{Index: e.Verdict.Index, Verdict: string(e.Verdict.Verdict), Citations: append([]int{}, e.Verdict.Citations...)}
	case rag.EventUsage:
		return api.EventUsage, api.UsageEvent(*e.Usage)
	case rag.EventDone:
		return api.EventDone, api.DoneEvent{Answer: answerOf(*e.Answer, s.Now().Sub(start))}
	}
	failure := problemOf(ctx, e.Err)
	stateOf(ctx).fail(failure)
	return api.EventError, &failure.Problem
}
