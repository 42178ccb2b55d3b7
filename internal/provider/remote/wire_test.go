package remote

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

// The responses below have the members that the vendors document; a vector is
// (3, 4) or (0, 2), so that its unit length is (0.6, 0.8) or (0, 1).
var embedWires = []struct {
	options Options
	role    rag.EmbedRole
	path    string
	header  [2]string // of the key
	body    string
	answer  string
	tokens  int // 0: estimated
}{
	{
		Options{Kind: "openai", Model: "text-embedding-3-small", Dim: 2}, rag.EmbedPassage,
		"/embeddings", [2]string{"Authorization", "Bearer " + testKey},
		`{"model":"text-embedding-3-small","input":["one","two"],"encoding_format":"base64","dimensions":2}`,
		fmt.Sprintf(`{"object":"list","data":[{"object":"embedding","index":1,"embedding":%q},{"object":"embedding","index":0,"embedding":%q}],"model":"text-embedding-3-small","usage":{"prompt_tokens":5,"total_tokens":5}}`,
			base64Of([]float32{0, 2}), base64Of([]float32{3, 4})), 5,
	},
	{
		Options{Kind: "azure", Model: "my deployment", Dim: 2}, rag.EmbedPassage,
		"/openai/deployments/my%20deployment/embeddings?api-version=2024-10-21", [2]string{"Api-Key", testKey},
		`{"input":["one","two"],"encoding_format":"base64"}`,
		`{"object":"list","model":"text-embedding-3-small","data":[{"object":"embedding","index":0,"embedding":[3,4]},{"object":"embedding","index":1,"embedding":[0,2]}],"usage":{"prompt_tokens":5,"total_tokens":5}}`, 5,
	},
	{
		Options{Kind: "gemini", Model: "gemini-embedding-001", Dim: 2}, rag.EmbedQuery,
		"/models/gemini-embedding-001:batchEmbedContents", [2]string{"X-Goog-Api-Key", testKey},
		`{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"one"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":2},{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"two"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":2}]}`,
		`{"embeddings":[{"values":[3,4]},{"values":[0,2]}]}`, 0,
	},
	{
		Options{Kind: "mistral", Model: "codestral-embed", Dim: 2}, rag.EmbedPassage,
		"/embeddings", [2]string{"Authorization", "Bearer " + testKey},
		`{"model":"codestral-embed","input":["one","two"],"encoding_format":"float","output_dimension":2}`,
		`{"id":"cf79f7daaee244b1a0ae5c7b1444424a","object":"list","data":[{"object":"embedding","embedding":[3,4],"index":0},{"object":"embedding","embedding":[0,2],"index":1}],"model":"codestral-embed","usage":{"prompt_audio_seconds":null,"prompt_tokens":12,"total_tokens":12,"completion_tokens":0}}`, 12,
	},
	{
		Options{Kind: "cohere", Model: "embed-v4.0", Dim: 2}, rag.EmbedQuery,
		"/v2/embed", [2]string{"Authorization", "Bearer " + testKey},
		`{"model":"embed-v4.0","texts":["one","two"],"input_type":"search_query","embedding_types":["base64"],"output_dimension":2,"truncate":"END"}`,
		fmt.Sprintf(`{"id":"5807ee2e-0cda-445a-9ec8-864c60a06606","embeddings":{"base64":[%q,%q]},"texts":["one","two"],"meta":{"api_version":{"version":"2","is_experimental":false},"billed_units":{"input_tokens":2}},"response_type":"embeddings_by_type"}`,
			base64Of([]float32{3, 4}), base64Of([]float32{0, 2})), 2,
	},
	{
		Options{Kind: "voyage", Model: "voyage-3.5", Dim: 2}, rag.EmbedBackground,
		"/embeddings", [2]string{"Authorization", "Bearer " + testKey},
		`{"model":"voyage-3.5","input":["one","two"],"input_type":"document","truncation":true,"output_dimension":2,"encoding_format":"base64"}`,
		fmt.Sprintf(`{"object":"list","data":[{"object":"embedding","embedding":%q,"index":0},{"object":"embedding","embedding":%q,"index":1}],"model":"voyage-3.5","usage":{"total_tokens":10}}`,
			base64Of([]float32{3, 4}), base64Of([]float32{0, 2})), 10,
	},
	{
		Options{Kind: "jina", Model: "jina-embeddings-v3", Dim: 2}, rag.EmbedQuery,
		"/embeddings", [2]string{"Authorization", "Bearer " + testKey},
		`{"model":"jina-embeddings-v3","task":"retrieval.query","input":["one","two"],"dimensions":2,"normalized":true,"embedding_type":"base64","truncate":true}`,
		fmt.Sprintf(`{"model":"jina-embeddings-v3","object":"list","usage":{"total_tokens":11},"data":[{"object":"embedding","index":0,"embedding":%q},{"object":"embedding","index":1,"embedding":%q}]}`,
			base64Of([]float32{3, 4}), base64Of([]float32{0, 2})), 11,
	},
	{
		Options{Kind: "ollama", Model: "nomic-embed-text", Dim: 2}, rag.EmbedPassage,
		"/api/embed", [2]string{"Authorization", "Bearer " + testKey},
		`{"model":"nomic-embed-text","input":["one","two"],"truncate":true}`,
		`{"model":"nomic-embed-text","embeddings":[[3,4],[0,2]],"total_duration":14143917,"load_duration":1019500,"prompt_eval_count":8}`, 8,
	},
	{
		Options{Kind: "vllm", Model: "BAAI/bge-m3", Dim: 2}, rag.EmbedPassage,
		"/embeddings", [2]string{"Authorization", "Bearer " + testKey},
		`{"model":"BAAI/bge-m3","input":["one","two"],"encoding_format":"base64"}`,
		fmt.Sprintf(`{"id":"embd-1","object":"list","created":1750000000,"model":"BAAI/bge-m3","data":[{"index":0,"object":"embedding","embedding":%q},{"index":1,"object":"embedding","embedding":%q}],"usage":{"prompt_tokens":6,"total_tokens":6,"completion_tokens":0,"prompt_tokens_details":null}}`,
			base64Of([]float32{3, 4}), base64Of([]float32{0, 2})), 6,
	},
	{
		Options{Kind: "llamacpp", Model: "bge-small", Dim: 2}, rag.EmbedPassage,
		"/embeddings", [2]string{"Authorization", "Bearer " + testKey},
		`{"model":"bge-small","input":["one","two"],"encoding_format":"base64"}`,
		fmt.Sprintf(`{"model":"bge-small","object":"list","usage":{"prompt_tokens":6,"total_tokens":6},"data":[{"embedding":%q,"index":0,"object":"embedding","encoding_format":"base64"},{"embedding":%q,"index":1,"object":"embedding","encoding_format":"base64"}]}`,
			base64Of([]float32{3, 4}), base64Of([]float32{0, 2})), 6,
	},
	{
		Options{Kind: "tei", Dim: 2}, rag.EmbedPassage,
		"/embed", [2]string{"Authorization", "Bearer " + testKey},
		`{"inputs":["one","two"],"normalize":true,"truncate":true}`,
		`[[3,4],[0,2]]`, 9,
	},
}

func TestEmbeddingWires(t *testing.T) {
	kinds := map[string]bool{}
	for _, c := range embedWires {
		kinds[c.options.Kind] = true
		t.Run(c.options.Kind, func(t *testing.T) {
			f := serve(t, func(_ int, _ recorded, w http.ResponseWriter) {
				w.Header().Set("X-Compute-Tokens", "9")
				if c.options.Kind != "tei" {
					w.Header().Del("X-Compute-Tokens")
				}
				respondJSON(w, json.RawMessage(c.answer))
			})
			seen := &calls{}
			o := c.options
			o.BaseURL, o.Key, o.Observe, o.PricePerMillionTokens = f.URL, testKey, seen.observe, 2
			e, err := NewEmbedder(o)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			v, err := e.Embed(t.Context(), c.role, []string{"one", "two"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]float32{{0.6, 0.8}, {0, 1}}, v); diff != "" {
				t.Error(diff)
			}
			checkRequest(t, f, c.path, c.header, c.body)
			checkCost(t, seen.last(), o, OpEmbeddings, c.tokens)
		})
	}
	for _, kind := range EmbedderKinds() {
		if !kinds[kind] {
			t.Errorf("%s has no recorded shape", kind)
		}
	}
}

func checkRequest(t *testing.T, f *fakeServer, path string, header [2]string, body string) {
	t.Helper()
	got := f.got()
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	if got[0].Method != "POST" || got[0].Path != path || got[0].Header.Get(header[0]) != header[1] || got[0].Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s with %v", got[0].Method, got[0].Path, got[0].Header)
	}
	var want, have any
	if err := json.Unmarshal([]byte(body), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got[0].Body, &have); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func checkCost(t *testing.T, call Call, o Options, operation string, tokens int) {
	t.Helper()
	want := Call{Provider: o.Kind, Model: nameOf(o), Operation: operation, Items: 2, Tokens: tokens, Estimated: tokens == 0, Took: call.Took}
	if want.Estimated {
		want.Tokens = call.Tokens
	}
	want.CostUSD = float64(want.Tokens) * 2 / 1e6
	if diff := cmp.Diff(want, call); diff != "" || call.Tokens == 0 {
		t.Errorf("call with %d tokens: %s", call.Tokens, diff)
	}
}

var rerankWires = []struct {
	options            Options
	path, body, answer string
	tokens             int
}{
	{
		Options{Kind: "cohere", Model: "rerank-v3.5"}, "/v2/rerank",
		`{"model":"rerank-v3.5","query":"q","documents":["one","two"],"top_n":2,"max_tokens_per_doc":4096}`,
		`{"results":[{"index":1,"relevance_score":0.999071},{"index":0,"relevance_score":0.25}],"id":"07734bd2-2473-4f07-94e1-0d9f0e6843cf","meta":{"api_version":{"version":"2","is_experimental":false},"billed_units":{"search_units":1}}}`, 0,
	},
	{
		Options{Kind: "jina", Model: "jina-reranker-v2-base-multilingual"}, "/rerank",
		`{"model":"jina-reranker-v2-base-multilingual","query":"q","documents":["one","two"],"top_n":2,"return_documents":false}`,
		`{"model":"jina-reranker-v2-base-multilingual","object":"list","usage":{"total_tokens":33},"results":[{"index":1,"relevance_score":0.999071},{"index":0,"relevance_score":0.25}]}`, 33,
	},
	{
		Options{Kind: "voyage", Model: "rerank-2.5"}, "/rerank",
		`{"model":"rerank-2.5","query":"q","documents":["one","two"],"return_documents":false,"truncation":true}`,
		`{"object":"list","data":[{"relevance_score":0.999071,"index":1},{"relevance_score":0.25,"index":0}],"model":"rerank-2.5","usage":{"total_tokens":26}}`, 26,
	},
	{
		Options{Kind: "tei"}, "/rerank",
		`{"query":"q","texts":["one","two"],"raw_scores":false,"return_text":false,"truncate":true}`,
		`[{"index":1,"score":0.999071},{"index":0,"score":0.25}]`, 0,
	},
	{
		Options{Kind: "vllm", Model: "BAAI/bge-reranker-v2-m3"}, "/rerank",
		`{"model":"BAAI/bge-reranker-v2-m3","query":"q","documents":["one","two"],"top_n":2,"return_documents":false}`,
		`{"id":"rerank-1","model":"BAAI/bge-reranker-v2-m3","usage":{"total_tokens":56},"results":[{"index":1,"document":{"text":"two"},"relevance_score":0.999071},{"index":0,"document":{"text":"one"},"relevance_score":0.25}]}`, 56,
	},
	{
		Options{Kind: "llamacpp", Model: "bge-reranker"}, "/rerank",
		`{"model":"bge-reranker","query":"q","documents":["one","two"],"top_n":2,"return_documents":false}`,
		`{"model":"bge-reranker","object":"list","usage":{"prompt_tokens":51,"total_tokens":51},"results":[{"index":0,"relevance_score":0.25},{"index":1,"relevance_score":0.999071}]}`, 51,
	},
}

func TestRerankWires(t *testing.T) {
	kinds := map[string]bool{}
	for _, c := range rerankWires {
		kinds[c.options.Kind] = true
		t.Run(c.options.Kind, func(t *testing.T) {
			f := serve(t, func(_ int, _ recorded, w http.ResponseWriter) { respondJSON(w, json.RawMessage(c.answer)) })
			seen := &calls{}
			o := c.options
			o.BaseURL, o.Key, o.Observe, o.PricePerMillionTokens = f.URL, testKey, seen.observe, 2
			r, err := NewReranker(o)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			scores, err := r.Rerank(t.Context(), "q", []string{"one", "two"})
			if err != nil {
				t.Fatal(err)
			}
			if len(scores) != 2 || math.Abs(float64(scores[0])-0.25) > 1e-6 || math.Abs(float64(scores[1])-0.999071) > 1e-6 {
				t.Errorf("scores %v", scores)
			}
			checkRequest(t, f, c.path, [2]string{"Authorization", "Bearer " + testKey}, c.body)
			checkCost(t, seen.last(), o, OpRerank, c.tokens)
		})
	}
	for _, kind := range RerankerKinds() {
		if !kinds[kind] {
			t.Errorf("%s has no recorded shape", kind)
		}
	}
}
