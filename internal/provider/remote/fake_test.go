package remote

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "sk-MARKER-secret-0123456789"

// bag embeds the words of a text by their hashes, not at unit length.
func bag(text string, dim int) []float32 {
	v := make([]float32, dim)
	v[0] = 0.5
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		h := fnv.New32a()
		h.Write([]byte(word))
		v[h.Sum32()%uint32(dim)] += 3
	}
	return v
}

func base64Of(v []float32) string {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// recorded is one request that a fake server got.
type recorded struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

// fakeServer answers with what respond returns, and records what it was asked.
type fakeServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []recorded
}

func serve(t *testing.T, respond func(n int, r recorded, w http.ResponseWriter)) *fakeServer {
	t.Helper()
	f := &fakeServer{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
			t.Errorf("the request is not JSON: %v", err)
		}
		rec := recorded{r.Method, r.URL.RequestURI(), r.Header, raw}
		f.mu.Lock()
		f.requests = append(f.requests, rec)
		n := len(f.requests)
		f.mu.Unlock()
		respond(n, rec, w)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeServer) got() []recorded {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]recorded(nil), f.requests...)
}

// field reads one member of a recorded body.
func field[T any](t *testing.T, r recorded, name string) (v T) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(r.Body, &members); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(members[name], &v); err != nil {
		t.Fatalf("%s: %v in %s", name, err, r.Body)
	}
	return v
}

func respondJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that leaves is part of some tests
}

type obj = map[string]any

// openAIShape embeds the input field of a request by bags of words.
func openAIShape(t *testing.T, dim int) func(int, recorded, http.ResponseWriter) {
	return func(_ int, r recorded, w http.ResponseWriter) {
		var data []obj
		for i, text := range field[[]string](t, r, "input") {
			data = append(data, obj{"object": "embedding", "index": i, "embedding": base64Of(bag(text, dim))})
		}
		respondJSON(w, obj{"object": "list", "data": data, "model": "m", "usage": obj{"prompt_tokens": 7, "total_tokens": 7}})
	}
}

// calls collects what an observer hears.
type calls struct {
	mu  sync.Mutex
	all []Call
}

func (c *calls) observe(call Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, call)
}

func (c *calls) last() Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.all) == 0 {
		return Call{}
	}
	return c.all[len(c.all)-1]
}

// slept replaces pauses by remembering them.
type slept struct {
	mu     sync.Mutex
	pauses []time.Duration
}

func (s *slept) sleep(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pauses = append(s.pauses, d)
	return ctx.Err()
}

func (s *slept) all() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Duration(nil), s.pauses...)
}

// newTestEmbedder makes an embedder of a fake server that never really waits.
func newTestEmbedder(t *testing.T, f *fakeServer, o Options) (*Embedder, *slept, *calls) {
	t.Helper()
	seen, pauses := &calls{}, &slept{}
	o.BaseURL, o.Observe = f.URL, seen.observe
	setDefault(&o.Kind, "openai")
	setDefault(&o.Model, "some-model")
	setDefault(&o.Key, testKey)
	setDefault(&o.Dim, 64)
	e, err := NewEmbedder(o)
	if err != nil {
		t.Fatal(err)
	}
	e.caller.sleep, e.caller.jitter = pauses.sleep, func() float64 { return 0.5 }
	t.Cleanup(func() { e.Close() })
	return e, pauses, seen
}
