package e2e

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/config"
)

const (
	providerKey  = "MARKER-provider-key"
	providerDim  = 128
	providerSays = "MARKER-what-the-provider-says"
)

// provider embeds by bags of words in OpenAI's shape, and reranks in that of
// TEI: a passage that holds "wedges" is best.
type provider struct {
	*httptest.Server
	down     atomic.Bool
	embedded atomic.Int64 // texts
	keyless  atomic.Int64 // requests without the key
}

func newProvider(t *testing.T) *provider {
	p := &provider{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/embeddings", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Input []string }
		p.answer(w, r, &in, func() any {
			var data []map[string]any
			for i, text := range in.Input {
				p.embedded.Add(1)
				data = append(data, map[string]any{"index": i, "embedding": bagOf(text)})
			}
			return map[string]any{"data": data, "usage": map[string]int{"total_tokens": 11 * len(in.Input)}}
		})
	})
	mux.HandleFunc("POST /rerank", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Texts []string }
		p.answer(w, r, &in, func() any {
			var scores []map[string]any
			for i, text := range in.Texts {
				score := 0.1
				if strings.Contains(text, "wedges") {
					score = 0.9
				}
				scores = append(scores, map[string]any{"index": i, "score": score})
			}
			return scores
		})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) answer(w http.ResponseWriter, r *http.Request, in any, out func() any) {
	if r.Header.Get("Authorization") != "Bearer "+providerKey {
		p.keyless.Add(1)
	}
	if err := json.NewDecoder(r.Body).Decode(in); err != nil || p.down.Load() {
		http.Error(w, `{"error":{"message":"`+providerSays+`"}}`, http.StatusUnauthorized) // which is not tried again
		return
	}
	_ = json.NewEncoder(w).Encode(out()) // a client that leaves is no fault
}

func bagOf(text string) []float32 {
	v := make([]float32, providerDim)
	v[0] = 0.1
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		h := fnv.New32a()
		h.Write([]byte(word))
		v[h.Sum32()%providerDim]++
	}
	return v
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func providerConfig(data string, p *provider) config.Config {
	c := configOf(data)
	c.Embedder = config.Provider{Kind: "vllm", Model: "bags", BaseURL: p.URL + "/v1", Key: providerKey, Dim: providerDim, PricePerMillionTokens: 1}
	c.Reranker = config.Provider{Kind: "tei", BaseURL: p.URL, Key: providerKey}
	return c
}

func TestProvidersServe(t *testing.T) {
	p, log, data := newProvider(t), &lockedBuffer{}, t.TempDir()
	s := startWith(t, providerConfig(data, p), app.Options{Logger: slog.New(slog.NewJSONHandler(log, nil))})
	seq := fill(t, s)

	found := s.uris(t, api.SearchRequest{Query: "lighthouse keeper lamp", Mode: "dense", Rerank: "none", MinSeq: seq, Wait: "vectors", WaitMS: 30000})
	if len(found) == 0 || found[0] != "doc:coast" {
		t.Errorf("by meaning: %q", found)
	}
	// The reranker is the default, and prefers wedges to lamps.
	res, err := s.Search(t.Context(), api.SearchRequest{Query: "lighthouse keeper lamp", Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	if top := res.Hits[0]; top.URI != "doc:stone" || top.Explain.RerankScore == nil || *top.Explain.RerankScore < 0.8 || len(res.Degraded) > 0 {
		t.Errorf("reranked: %s, degraded %v", top.URI, res.Degraded)
	}
	ranked, err := s.Rerank(t.Context(), api.RerankRequest{Query: "x", Documents: []json.RawMessage{[]byte(`"lamps"`), []byte(`"wedges"`)}})
	if err != nil || ranked.Model != "tei" || ranked.Results[0].Index != 1 {
		t.Errorf("%+v, %v", ranked, err)
	}
	embedded := s.post(t, "/openai/v1/embeddings", `{"model":"bags","input":["granite"]}`, 200)
	if !strings.Contains(embedded, `"model":"bags"`) {
		t.Errorf("embeddings: %.200s", embedded)
	}
	v, err := s.Version(t.Context())
	if err != nil || len(v.Models) != 2 || v.Models[0].Name != "bags" || v.Models[1].Role != "rerank" {
		t.Errorf("%+v, %v", v, err)
	}

	p.down.Store(true)
	res, err = s.Search(t.Context(), api.SearchRequest{Query: "lighthouse"})
	slices.Sort(res.Degraded)
	if diff := cmp.Diff([]string{"dense", "rerank"}, res.Degraded); diff != "" || err != nil || res.Hits[0].URI != "doc:coast" {
		t.Errorf("while down: %v, %s", err, diff)
	}
	refused := s.post(t, "/openai/v1/embeddings", `{"model":"bags","input":["granite"]}`, 503)
	if !strings.Contains(refused, "refused the server's key") {
		t.Errorf("embeddings while down: %s", refused)
	}
	metrics := s.get(t, "/metrics")
	for _, want := range []string{
		`quarry_provider_up{provider="vllm"} 0`, `quarry_provider_errors_total{provider="vllm",type="auth"} 2`,
		`quarry_provider_errors_total{provider="tei",type="auth"} 1`, `quarry_provider_tokens_total{model="bags",provider="vllm",type="input"}`,
		`quarry_provider_request_duration_seconds_count{model="bags",operation="embeddings",outcome="ok",provider="vllm"}`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if p.keyless.Load() > 0 {
		t.Errorf("%d requests came without the key", p.keyless.Load())
	}
	s.stop()
	if said := log.String() + refused + metrics; strings.Contains(said, "MARKER") {
		t.Errorf("the key or the provider's words leaked:\n%s", said)
	}
}

// TestChangeOfEmbedder: the same documents under another model, and back for
// nothing.
func TestChangeOfEmbedder(t *testing.T) {
	p, data := newProvider(t), t.TempDir()
	s := start(t, data)
	seq := fill(t, s)
	s.stop()

	dense := api.SearchRequest{Query: "lighthouse keeper lamp", Mode: "dense", Rerank: "none", MinSeq: seq, Wait: "vectors", WaitMS: 30000}
	s = startWith(t, providerConfig(data, p), app.Options{})
	if found := s.uris(t, dense); len(found) == 0 || found[0] != "doc:coast" {
		t.Errorf("by the other model: %q", found)
	}
	s.stop()
	paid := p.embedded.Load()

	s = startWith(t, providerConfig(data, p), app.Options{})
	if found := s.uris(t, dense); len(found) == 0 || found[0] != "doc:coast" {
		t.Errorf("after a restart: %q", found)
	}
	if again := p.embedded.Load() - paid; again != 1 {
		t.Errorf("%d texts were embedded again, not the question alone", again)
	}
}

// TestLocalReranker: an installed cross-encoder reranks. Its weights are random,
// so nothing is said about the order.
func TestLocalReranker(t *testing.T) {
	c := configOf(t.TempDir())
	if _, _, err := app.NewModels(c).Import("../model/testdata/arch/bert-reranker", app.ModelSource{Name: "cross"}); err != nil {
		t.Fatal(err)
	}
	c.Reranker = config.Provider{Kind: "local", Model: "cross"}
	s := startWith(t, c, app.Options{})
	seq := fill(t, s)
	res, err := s.Search(t.Context(), api.SearchRequest{Query: "granite", MinSeq: seq, Explain: true})
	if err != nil || len(res.Degraded) > 0 || res.Hits[0].Explain.RerankScore == nil || res.Hits[0].Explain.RerankRank != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	ranked, err := s.Rerank(t.Context(), api.RerankRequest{Query: "x", Documents: []json.RawMessage{[]byte(`"a"`), []byte(`"b"`)}})
	if err != nil || ranked.Model != "cross" || len(ranked.Results) != 2 {
		t.Errorf("%+v, %v", ranked, err)
	}
	if ranked, err = s.Rerank(t.Context(), api.RerankRequest{Model: "sentences", Query: "x", Documents: []json.RawMessage{[]byte(`"a"`)}}); err != nil || ranked.Model != "sentences" {
		t.Errorf("%+v, %v", ranked, err)
	}
}

func (s *server) post(t *testing.T, path, body string, status int) string {
	t.Helper()
	res, err := http.Post(s.app.URL()+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, res, status)
}

func (s *server) get(t *testing.T, path string) string {
	t.Helper()
	res, err := http.Get(s.app.URL() + path)
	if err != nil {
		t.Fatal(err)
	}
	return readAll(t, res, 200)
}

func readAll(t *testing.T, res *http.Response, status int) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("status %d, want %d: %s (%v)", res.StatusCode, status, b, err)
	}
	return string(b)
}
