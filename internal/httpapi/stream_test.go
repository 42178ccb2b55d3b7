package httpapi

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/rag"
)

var someAnswer = rag.Answer{
	Text: "Yes. [1]", Result: rag.Answered, Confidence: 0.9, Generator: "extractive",
	Sentences: []rag.Sentence{{Text: "Yes.", Citations: []int{1}, Verdict: rag.Quoted}},
	Citations: []rag.Citation{{Number: 1, Document: rag.Document{ID: "d1", URI: "a"}, Chunk: rag.ChunkKey{DocumentID: "d1", Version: 1}, Quote: "Yes."}},
	Search:    rag.SearchResult{Hits: []rag.Hit{{Rank: 1}}},
}

// sendAll sends the events of someAnswer.
func sendAll(send func(rag.Event) error) error {
	for _, e := range []rag.Event{
		{Type: rag.EventRetrieval, Search: &someAnswer.Search}, {Type: rag.EventDelta, Delta: "Yes. [1]"},
		{Type: rag.EventCitation, Citation: &someAnswer.Citations[0]}, {Type: rag.EventVerdict, Verdict: &rag.SentenceVerdict{Verdict: rag.Quoted, Citations: []int{1}}},
		{Type: rag.EventUsage, Usage: &rag.Usage{}}, {Type: rag.EventDone, Answer: &someAnswer},
	} {
		if err := send(e); err != nil {
			return err
		}
	}
	return nil
}

func TestAnswerWhole(t *testing.T) {
	f := newFake()
	f.onAnswer = func(_ context.Context, q rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		if q.Text != "why" || q.MaxSentences != 2 || q.TopK != 10 {
			t.Errorf("asked %+v", q)
		}
		return someAnswer, sendAll(send)
	}
	got := body[api.AnswerResponse](t, do(handler(t, f), "POST", "/v1/answers", `{"query":"why","max_sentences":2}`), 200)
	if got.Answer != "Yes. [1]" || got.Result != "answered" || got.Sentences[0].Verdict != "quoted" || got.Citations[0].ChunkID != "d1.1.0" || len(got.Search.Hits) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestAnswerStream(t *testing.T) {
	f := newFake()
	f.onAnswer = func(_ context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		return someAnswer, sendAll(send)
	}
	h := handler(t, f)
	for _, w := range []*httptest.ResponseRecorder{
		do(h, "POST", "/v1/answers", `{"query":"why","stream":true}`),
		do(h, "POST", "/v1/answers", `{"query":"why"}`, "Accept", "text/event-stream"),
	} {
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
		var shape []string
		for _, line := range strings.Split(w.Body.String(), "\n") {
			name, value, _ := strings.Cut(line, ": ")
			if name == "data" {
				value = "{}"
			}
			shape = append(shape, name+" "+value)
		}
		var want []string
		for i, name := range []string{"retrieval", "delta", "citation", "verdict", "usage", "done"} {
			want = append(want, "id "+string(rune('1'+i)), "event "+name, "data {}", " ")
		}
		if diff := cmp.Diff(append(want, " "), shape); diff != "" {
			t.Error(diff)
		}
	}
}

func TestStreamErrorAfterTheFirstEvent(t *testing.T) {
	f := newFake()
	f.onAnswer = func(_ context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		_ = send(rag.Event{Type: rag.EventDelta, Delta: "x"})
		return rag.Answer{}, errors.New("secret")
	}
	o := &observer{}
	w := do(handler(t, f, func(opts *Options) { opts.Observer = o }), "POST", "/v1/answers", `{"query":"why","stream":true}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "event: error\ndata: {\"type\":\"urn:quarry:problem:internal\"") || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := o.last(); got.outcome != "error" || got.code != "internal" || o.streams != 0 && o.running != 0 {
		t.Errorf("observed %+v", got)
	}
}

func TestStreamHeartbeat(t *testing.T) {
	f := newFake()
	w := httptest.NewRecorder()
	beat := make(chan bool)
	f.onAnswer = func(_ context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		<-beat
		return someAnswer, sendAll(send)
	}
	h := handler(t, f, func(o *Options) { o.Heartbeat = time.Millisecond })
	over := make(chan bool)
	go func() {
		h.ServeHTTP(&signalWriter{ResponseRecorder: w, on: ": keep-alive", seen: beat}, httptest.NewRequest("POST", "http://localhost/v1/answers", strings.NewReader(`{"query":"why","stream":true}`)))
		close(over)
	}()
	<-over
	if !strings.HasPrefix(w.Body.String(), ": keep-alive\n\n") || !strings.Contains(w.Body.String(), "event: done") {
		t.Errorf("%s", w.Body)
	}
}

// signalWriter closes seen when on is first written.
type signalWriter struct {
	*httptest.ResponseRecorder
	on   string
	seen chan bool
}

func (s *signalWriter) Write(b []byte) (int, error) {
	if s.seen != nil && strings.Contains(string(b), s.on) {
		close(s.seen)
		s.seen = nil
	}
	return s.ResponseRecorder.Write(b)
}

// TestLeavingCancelsTheAnswer: over a real connection, a client that goes away
// ends the context of the answer.
func TestLeavingCancelsTheAnswer(t *testing.T) {
	f := newFake()
	ended := make(chan error, 1)
	f.onAnswer = func(ctx context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		_ = send(rag.Event{Type: rag.EventDelta, Delta: "x"})
		<-ctx.Done()
		ended <- ctx.Err()
		return rag.Answer{}, ctx.Err()
	}
	srv := httptest.NewServer(handler(t, f))
	defer srv.Close()
	c, _ := client.New(srv.URL)
	left := errors.New("left")
	err := c.AnswerStream(context.Background(), api.AnswerRequest{SearchRequest: api.SearchRequest{Query: "why"}}, func(api.Event) error { return left })
	if !errors.Is(err, left) {
		t.Errorf("the stream ended with %v", err)
	}
	if err := <-ended; err != context.Canceled {
		t.Errorf("the answer ended with %v", err)
	}
}

// TestBrokenPipeCancelsTheAnswer: a stream that cannot be written ends the
// answer, even if nothing else tells that the client is gone.
func TestBrokenPipeCancelsTheAnswer(t *testing.T) {
	f := newFake()
	f.onAnswer = func(ctx context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		if err := send(rag.Event{Type: rag.EventDelta, Delta: "x"}); err == nil {
			t.Error("sending into a broken pipe went well")
		}
		<-ctx.Done()
		return rag.Answer{}, ctx.Err()
	}
	o := &observer{}
	h := handler(t, f, func(opts *Options) { opts.Observer = o })
	h.ServeHTTP(brokenPipe{httptest.NewRecorder()}, httptest.NewRequest("POST", "http://localhost/v1/answers", strings.NewReader(`{"query":"why","stream":true}`)))
	if got := o.last(); got.outcome != "canceled" {
		t.Errorf("observed %+v", got)
	}
}

type brokenPipe struct{ *httptest.ResponseRecorder }

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
