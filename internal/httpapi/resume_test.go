package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/rag"
)

// slowAnswer is a server whose answers send an event for each that step lets
// through, and how many of them were begun and ended.
type slowAnswer struct {
	*fake
	server *httptest.Server
	step   chan bool
	begun  atomic.Int32
	ended  chan error
}

func newSlowAnswer(t *testing.T, change ...func(*Options)) *slowAnswer {
	a := &slowAnswer{fake: newFake(), step: make(chan bool), ended: make(chan error, 1000)}
	a.onAnswer = func(ctx context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		a.begun.Add(1)
		err := sendAll(func(e rag.Event) error {
			select {
			case <-a.step:
				return send(e)
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		a.ended <- err
		return someAnswer, err
	}
	a.server = httptest.NewServer(handler(t, a.fake, change...))
	t.Cleanup(a.server.Close)
	return a
}

// ask begins a resumable answer and lets n events arrive; leave cuts the line.
func (a *slowAnswer) ask(t *testing.T, n int) (location, got string, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", a.server.URL+"/v1/answers", strings.NewReader(`{"query":"why","stream":true,"resumable":true}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for range n {
		go func() { a.step <- true }()
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res.Header.Get("Location"), eventsOf(t, res.Body, n), func() { cancel(); res.Body.Close() }
}

// eventsOf reads n events and returns their ids and names; all with -1.
func eventsOf(t *testing.T, body io.Reader, n int) string {
	t.Helper()
	var got []string
	lines := bufio.NewScanner(body)
	for n != 0 && lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			got = append(got, id)
		}
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			got[len(got)-1] += name
		}
		if lines.Text() == "" && len(got) > 0 {
			n--
		}
	}
	return strings.Join(got, " ")
}

// resume takes a stream up again.
func (a *slowAnswer) resume(t *testing.T, location string, last int) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", a.server.URL+location, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", fmt.Sprint(last))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// TestAnswersResume breaks the line in the middle of an answer: whoever asked
// gets the rest, of the same answer, and again while it is kept. To anybody else
// it does not exist.
func TestAnswersResume(t *testing.T) {
	a := newSlowAnswer(t)
	location, got, leave := a.ask(t, 2)
	if got != "1retrieval 2delta" || !strings.HasPrefix(location, "/v1/answers/") {
		t.Fatalf("events %q at %q", got, location)
	}
	leave()
	mine := a.principal
	a.principal = rag.Principal{Subject: "eve", Roles: []rag.Role{rag.RoleAdmin}}
	for _, other := range []string{location, "/v1/answers/01nosuchstream/events"} {
		if res := a.resume(t, other, 2); res.StatusCode != 404 {
			t.Errorf("%s: another principal gets %d", other, res.StatusCode)
		}
	}
	a.principal = mine
	if res := a.resume(t, location, 9); res.StatusCode != 400 {
		t.Errorf("an event that was not sent: %d", res.StatusCode)
	}
	res := a.resume(t, location, 1)
	go func() {
		for range 4 {
			a.step <- true
		}
	}()
	if got := eventsOf(t, res.Body, -1); got != "2delta 3citation 4verdict 5usage 6done" || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("the rest is %q", got)
	}
	if err := <-a.ended; err != nil || a.begun.Load() != 1 {
		t.Errorf("%d answers, ended with %v", a.begun.Load(), err)
	}
	if got := eventsOf(t, a.resume(t, location, 4).Body, -1); got != "5usage 6done" {
		t.Errorf("after its end: %q", got)
	}
	if res := a.resume(t, location, 6); res.StatusCode != 204 {
		t.Errorf("after the last event: %d", res.StatusCode)
	}
}

// TestWhoDoesNotComeBackCancels ends the answer a grace after its client, and
// then there is nothing to come back to.
func TestWhoDoesNotComeBackCancels(t *testing.T) {
	a := newSlowAnswer(t, func(o *Options) { o.ResumeGrace = time.Millisecond })
	location, _, leave := a.ask(t, 1)
	leave()
	if err := <-a.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the answer ended with %v", err)
	}
	if res := a.resume(t, location, 1); res.StatusCode != 404 {
		t.Errorf("resumed with %d", res.StatusCode)
	}
}

// TestRecordingsEnd: what ended is dropped after a while, and what is too much
// at once.
func TestRecordingsEnd(t *testing.T) {
	ana := rag.Principal{Subject: "ana"}
	nothing := func() {}
	r := &recordings{grace: time.Hour, keep: time.Millisecond}
	held := func() int { r.mu.Lock(); defer r.mu.Unlock(); return len(r.list) }
	rec := r.begin(ana, nothing)
	rec.add([]byte("id: 1"))
	rec.end(true)
	for held() > 0 {
		time.Sleep(time.Millisecond)
	}
	r.keep = time.Hour
	for range maxRecordings {
		r.begin(ana, nothing)
	}
	if r.begin(ana, nothing) != nil {
		t.Error("there is no bound")
	}
	first := r.list[0]
	first.end(true)
	canceled := false
	rec = r.begin(ana, func() { canceled = true })
	if rec == nil || first.dropped != true {
		t.Fatal("what ended does not make room")
	}
	rec.add(make([]byte, maxRecordingBytes+1))
	if _, err := r.join(ana, rec.id, 0); rag.CodeOf(err) != rag.CodeNotFound || canceled {
		t.Errorf("one that is too large: %v, canceled %v", err, canceled)
	}
	if rec.left(); !canceled {
		t.Error("its client left, and the answer goes on")
	}
	for _, other := range slices.Clone(r.list[:5]) {
		other.add(make([]byte, maxRecordingBytes))
	}
	if r.bytes > maxRecordedBytes {
		t.Errorf("%d bytes are kept", r.bytes)
	}
	for _, other := range slices.Clone(r.list) {
		other.end(false)
	}
	if held() != 0 || r.bytes != 0 {
		t.Errorf("%d are left with %d bytes", held(), r.bytes)
	}
}

// TestClientResumes has the public client take the answer up again by itself.
func TestClientResumes(t *testing.T) {
	a := newSlowAnswer(t)
	cut := &cutting{next: http.DefaultTransport, after: 2}
	c, err := client.New(a.server.URL, client.WithHTTPClient(&http.Client{Transport: cut}))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for range 6 {
			a.step <- true
		}
	}()
	var got []string
	err = c.AnswerStream(t.Context(), api.AnswerRequest{SearchRequest: api.SearchRequest{Query: "why"}, Resumable: true}, func(e api.Event) error {
		got = append(got, fmt.Sprint(e.ID, e.Type))
		return nil
	})
	if want := "1retrieval 2delta 3citation 4verdict 5usage 6done"; err != nil || strings.Join(got, " ") != want || cut.cuts != 1 || a.begun.Load() != 1 {
		t.Errorf("%q, %v after %d cuts of %d answers", got, err, cut.cuts, a.begun.Load())
	}
}

// cutting breaks the first response after so many events.
type cutting struct {
	next  http.RoundTripper
	after int
	cuts  int
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(r)
	if err == nil && c.cuts == 0 {
		c.cuts++
		res.Body = &cutBody{ReadCloser: res.Body, left: c.after}
	}
	return res, err
}

type cutBody struct {
	io.ReadCloser
	left int
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the line is cut")
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= strings.Count(string(p[:n]), "event: ")
	return n, err
}
