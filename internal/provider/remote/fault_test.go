package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

const vendorWords = "MARKER-vendor-says-too-much"

// status answers with an error in the vendor's own words.
func status(w http.ResponseWriter, code int, body string) {
	w.WriteHeader(code)
	if body == "" {
		body = `{"error":{"message":"` + vendorWords + `","type":"server_error","param":null,"code":null}}`
	}
	_, _ = io.WriteString(w, body) // a client that leaves is part of some tests
}

func TestFaults(t *testing.T) {
	ok := func(w http.ResponseWriter) { respondJSON(w, vectorsJSON("[1,2]")) }
	for name, c := range map[string]struct {
		kind    string
		respond func(n int, w http.ResponseWriter)
		tries   int
		pauses  []time.Duration
		err     ErrorType
		code    rag.Code
	}{
		"429 with Retry-After": {respond: func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Retry-After", "7")
				status(w, 429, "")
				return
			}
			ok(w)
			// the pause of the call itself, and then of all calls to the server
		}, tries: 2, pauses: []time.Duration{7 * time.Second}},
		"429 with retry-after-ms": {respond: func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Retry-After", "9")
				w.Header().Set("retry-after-ms", "1500")
				status(w, 429, "")
				return
			}
			ok(w)
		}, tries: 2, pauses: []time.Duration{1500 * time.Millisecond}},
		"429 for longer than the deadline": {respond: func(_ int, w http.ResponseWriter) {
			w.Header().Set("Retry-After", "3600")
			status(w, 429, "")
		}, tries: 1, err: ErrRateLimited, code: rag.CodeLimited},
		"429 without end": {respond: func(_ int, w http.ResponseWriter) { status(w, 429, "") }, tries: maxTries,
			pauses: []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second},
			err:    ErrRateLimited, code: rag.CodeLimited},
		"429 of an account without money": {respond: func(_ int, w http.ResponseWriter) {
			status(w, 429, `{"error":{"message":"`+vendorWords+`","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`)
		}, tries: 1, err: ErrQuota, code: rag.CodeUnavailable},
		"500 twice, then well": {respond: func(n int, w http.ResponseWriter) {
			if n <= 2 {
				status(w, 500+n, "")
				return
			}
			ok(w)
		}, tries: 3, pauses: []time.Duration{250 * time.Millisecond, 500 * time.Millisecond}},
		"408": {respond: func(n int, w http.ResponseWriter) {
			if n == 1 {
				status(w, 408, "")
				return
			}
			ok(w)
		}, tries: 2, pauses: []time.Duration{250 * time.Millisecond}},
		"409": {respond: func(n int, w http.ResponseWriter) {
			if n == 1 {
				status(w, 409, "")
				return
			}
			ok(w)
		}, tries: 2, pauses: []time.Duration{250 * time.Millisecond}},
		"400": {respond: func(_ int, w http.ResponseWriter) { status(w, 400, "") }, tries: 1, err: ErrInvalid, code: rag.CodeInvalid},
		"401": {respond: func(_ int, w http.ResponseWriter) { status(w, 401, "") }, tries: 1, err: ErrAuth, code: rag.CodeUnavailable},
		"402": {respond: func(_ int, w http.ResponseWriter) { status(w, 402, "") }, tries: 1, err: ErrQuota, code: rag.CodeUnavailable},
		"404": {respond: func(_ int, w http.ResponseWriter) { status(w, 404, "") }, tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"413": {respond: func(_ int, w http.ResponseWriter) { status(w, 413, "") }, tries: 1, err: ErrInvalid, code: rag.CodeInvalid},
		"redirect": {respond: func(_ int, w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(307)
		}, tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"filtered": {kind: "azure", respond: func(_ int, w http.ResponseWriter) {
			status(w, 400, `{"error":{"code":"content_filter","message":"`+vendorWords+`","status":400}}`)
		}, tries: 1, err: ErrFiltered, code: rag.CodeInvalid},
		"gemini's wrong key": {kind: "gemini", respond: func(_ int, w http.ResponseWriter) {
			status(w, 400, `{"error":{"code":400,"message":"`+vendorWords+`","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}`)
		}, tries: 1, err: ErrAuth, code: rag.CodeUnavailable},
		"gemini's delay": {kind: "gemini", respond: func(n int, w http.ResponseWriter) {
			if n == 1 {
				status(w, 429, `{"error":{"code":429,"message":"`+vendorWords+`","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}`)
				return
			}
			respondJSON(w, obj{"embeddings": []obj{{"values": []float32{1, 2}}}})
		}, tries: 2, pauses: []time.Duration{34 * time.Second}},
		"truncated JSON":     {respond: func(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, `{"data":[{"index":0,"emb`) }, tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"other JSON":         {respond: func(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, `["`+vendorWords+`"]`) }, tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"body cut off":       {respond: cutOff, tries: maxTries, pauses: backoffs, err: ErrUnavailable, code: rag.CodeUnavailable},
		"connection reset":   {respond: reset, tries: maxTries, pauses: backoffs, err: ErrUnavailable, code: rag.CodeUnavailable},
		"too few":            {respond: answer(`{"data":[]}`), tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"too many":           {respond: answer(vectorsText("[1,2]", "[1,2]")), tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"index out of range": {respond: answer(`{"data":[{"index":7,"embedding":[1,2]}]}`), tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"wrong dimension":    {respond: answer(vectorsText("[1,2,3]")), tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"zero":               {respond: answer(vectorsText("[0,0]")), tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"NaN":                {respond: answer(vectorsText(`"AADAfwAAgD8="`)), tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"infinite":           {respond: answer(vectorsText(`"AACAfwAAgD8="`)), tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"bad base64":         {respond: answer(vectorsText(`"AADA!!"`)), tries: 1, err: ErrOther, code: rag.CodeUnavailable},
		"endless": {respond: func(_ int, w http.ResponseWriter) {
			for range 40 {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
		}, tries: 1, err: ErrOther, code: rag.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, func(n int, _ recorded, w http.ResponseWriter) { c.respond(n, w) })
			e, pauses, seen := newTestEmbedder(t, f, Options{Kind: c.kind, Dim: 2})
			_, err := e.Embed(t.Context(), rag.EmbedPassage, []string{"MARKER-text"})
			if TypeOf(err) != c.err || rag.CodeOf(err) != c.code {
				t.Errorf("%v has type %q and code %q, want %q and %q", err, TypeOf(err), rag.CodeOf(err), c.err, c.code)
			}
			if n := len(f.got()); n != c.tries {
				t.Errorf("%d tries, want %d", n, c.tries)
			}
			checkPauses(t, c.pauses, pauses.all())
			call := seen.last()
			failed := c.tries
			if c.err == "" {
				failed--
			}
			if call.Error != c.err || len(call.Failures) != failed || call.Canceled {
				t.Errorf("the observer heard %+v", call)
			}
			noMarkers(t, fmt.Sprintf("%v %+v %#v", err, call, e.options))
		})
	}
}

var backoffs = []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}

// checkPauses compares pauses. A second pause for the same limit, of what the
// first left of it, may follow the first.
func checkPauses(t *testing.T, want, got []time.Duration) {
	t.Helper()
	if len(got) == len(want)+1 && len(want) == 1 && got[1] <= want[0] {
		got = got[:1]
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("empty", func(d []time.Duration) []time.Duration { return append([]time.Duration{}, d...) })); diff != "" {
		t.Errorf("pauses: %s", diff)
	}
}

// noMarkers checks that neither the key, nor a text, nor the vendor's words are
// in what may be logged.
func noMarkers(t *testing.T, s string) {
	t.Helper()
	if strings.Contains(s, "MARKER") {
		t.Errorf("a marker leaked: %s", s)
	}
}

func vectorsText(vectors ...string) string {
	var data []string
	for i, v := range vectors {
		data = append(data, fmt.Sprintf(`{"index":%d,"embedding":%s}`, i, v))
	}
	return `{"data":[` + strings.Join(data, ",") + `]}`
}

type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func vectorsJSON(vectors ...string) rawJSON { return rawJSON(vectorsText(vectors...)) }

func answer(text string) func(int, http.ResponseWriter) {
	return func(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
}

func cutOff(_ int, w http.ResponseWriter) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"data":`)
	panic(http.ErrAbortHandler)
}

func reset(_ int, w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
		panic(err)
	}
	conn.Close()
}

func TestHangEndsAtTheTimeoutOfOneTry(t *testing.T) {
	release := make(chan struct{})
	f := serve(t, func(n int, _ recorded, w http.ResponseWriter) {
		if n == 1 {
			<-release
			return
		}
		respondJSON(w, vectorsJSON("[3,4]"))
	})
	defer close(release)
	e, _, seen := newTestEmbedder(t, f, Options{Dim: 2, Timeout: 50 * time.Millisecond})
	v, err := e.Embed(t.Context(), rag.EmbedPassage, []string{"x"})
	if err != nil || v[0][0] != 0.6 {
		t.Errorf("%v, %v", v, err)
	}
	if diff := cmp.Diff([]ErrorType{ErrTimeout}, seen.last().Failures); diff != "" {
		t.Error(diff)
	}
}

func TestDeadlineEndsAllTries(t *testing.T) {
	f := serve(t, func(_ int, _ recorded, w http.ResponseWriter) { status(w, 500, "") })
	e, _, _ := newTestEmbedder(t, f, Options{Dim: 2, Timeout: time.Second, Deadline: time.Second})
	e.caller.sleep = sleep
	e.caller.jitter = func() float64 { return 0.999 }
	_, err := e.Embed(t.Context(), rag.EmbedPassage, []string{"x"})
	if TypeOf(err) != ErrUnavailable {
		t.Errorf("error %v", err)
	}
	if n := len(f.got()); n >= maxTries {
		t.Errorf("%d tries within a deadline for two or three", n)
	}
}

func TestCancelEndsCallsAndPauses(t *testing.T) {
	for name, respond := range map[string]func(ctx context.Context, w http.ResponseWriter){
		"in a request": func(ctx context.Context, _ http.ResponseWriter) { <-ctx.Done() },
		"in a pause": func(_ context.Context, w http.ResponseWriter) {
			w.Header().Set("Retry-After", "60")
			status(w, 503, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			began := make(chan struct{}, 1)
			f := serve(t, func(_ int, _ recorded, w http.ResponseWriter) {
				select {
				case began <- struct{}{}:
				default:
				}
				respond(ctx, w)
			})
			e, _, seen := newTestEmbedder(t, f, Options{Dim: 2})
			e.caller.sleep = sleep
			go func() { <-began; stop() }()
			_, err := e.Embed(ctx, rag.EmbedBackground, []string{"x"})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if call := seen.last(); !call.Canceled || call.Error != "" {
				t.Errorf("the observer heard %+v", call)
			}
		})
	}
}

func TestUsedUpAllowanceHoldsTheNextRequest(t *testing.T) {
	f := serve(t, func(n int, _ recorded, w http.ResponseWriter) {
		if n == 1 {
			w.Header().Set("x-ratelimit-remaining-requests", "0")
			w.Header().Set("x-ratelimit-reset-requests", "12s")
			w.Header().Set("x-ratelimit-remaining-tokens", "149984")
			w.Header().Set("x-ratelimit-reset-tokens", "6m0s")
		}
		respondJSON(w, vectorsJSON("[3,4]"))
	})
	e, pauses, seen := newTestEmbedder(t, f, Options{Dim: 2})
	at := time.Unix(1_750_000_000, 0)
	e.caller.now = func() time.Time { return at }
	for range 2 {
		if _, err := e.Embed(t.Context(), rag.EmbedQuery, []string{"x"}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]time.Duration{12 * time.Second}, pauses.all()); diff != "" || seen.last().Waited != 12*time.Second {
		t.Errorf("waited %v: %s", seen.last().Waited, diff)
	}
}

func TestConcurrencyIsLimitedAndLeavesQueriesASlot(t *testing.T) {
	var running, most atomic.Int32
	release := make(chan struct{})
	shape := openAIShape(t, 64)
	f := serve(t, func(n int, r recorded, w http.ResponseWriter) {
		now := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		if strings.Contains(string(r.Body), "passage") {
			<-release
		}
		shape(n, r, w)
	})
	e, _, _ := newTestEmbedder(t, f, Options{Concurrency: 3, MaxBatch: 1})
	done := make(chan error)
	go func() {
		_, err := e.Embed(context.Background(), rag.EmbedBackground, strings.Split(strings.Repeat("passage,", 9)+"passage", ","))
		done <- err
	}()
	for running.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	if _, err := e.Embed(t.Context(), rag.EmbedQuery, []string{"question"}); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if most.Load() > 3 {
		t.Errorf("%d requests at once", most.Load())
	}
}

func TestOneFailedBatchFailsTheCall(t *testing.T) {
	shape := openAIShape(t, 64)
	f := serve(t, func(n int, r recorded, w http.ResponseWriter) {
		if strings.Contains(string(r.Body), "bad") {
			status(w, 400, "")
			return
		}
		shape(n, r, w)
	})
	e, _, _ := newTestEmbedder(t, f, Options{MaxBatch: 1})
	if v, err := e.Embed(t.Context(), rag.EmbedPassage, []string{"good", "bad", "good"}); v != nil || TypeOf(err) != ErrInvalid {
		t.Errorf("%d vectors, error %v", len(v), err)
	}
}

func TestKeyNeverPrints(t *testing.T) {
	var log strings.Builder
	o := Options{Kind: "openai", Key: testKey, Model: "m"}
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "options", o, "key", o.Key)
	_, err := NewEmbedder(Options{Kind: "openai", Key: testKey + "\n", BaseURL: "http://u:" + testKey + "@x"})
	fmt.Fprintf(&log, "%v %+v %#v %s %q %x %v", o, o, o, o.Key, o.Key, o.Key, err)
	noMarkers(t, log.String())
	if err == nil || !strings.Contains(log.String(), hidden) {
		t.Errorf("error %v in %s", err, log.String())
	}
}
