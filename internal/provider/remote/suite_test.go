package remote

import (
	"net/http"
	"testing"

	"github.com/quarry-search/quarry/internal/provider/providertest"
	"github.com/quarry-search/quarry/internal/rag"
)

const bagDim = 256

// bags answers every kind's embedding requests by bags of words.
func bags(t *testing.T, kind string) func(int, recorded, http.ResponseWriter) {
	vectors := func(texts []string) (list [][]float32) {
		for _, text := range texts {
			list = append(list, bag(text, bagDim))
		}
		return list
	}
	switch kind {
	case "gemini":
		return func(_ int, r recorded, w http.ResponseWriter) {
			var list []obj
			for _, q := range field[[]geminiRequest](t, r, "requests") {
				list = append(list, obj{"values": bag(q.Content.Parts[0].Text, bagDim)})
			}
			respondJSON(w, obj{"embeddings": list})
		}
	case "cohere":
		return func(_ int, r recorded, w http.ResponseWriter) {
			respondJSON(w, obj{"embeddings": obj{"float": vectors(field[[]string](t, r, "texts"))}})
		}
	case "ollama":
		return func(_ int, r recorded, w http.ResponseWriter) {
			respondJSON(w, obj{"embeddings": vectors(field[[]string](t, r, "input"))})
		}
	case "tei":
		return func(_ int, r recorded, w http.ResponseWriter) {
			respondJSON(w, vectors(field[[]string](t, r, "inputs")))
		}
	}
	return openAIShape(t, bagDim)
}

func TestConformanceOfEmbedders(t *testing.T) {
	for _, kind := range EmbedderKinds() {
		t.Run(kind, func(t *testing.T) {
			providertest.Embedder(t, func(t *testing.T) rag.Embedder {
				e, _, _ := newTestEmbedder(t, serve(t, bags(t, kind)), Options{Kind: kind, Dim: bagDim, MaxBatch: 40})
				return e
			})
		})
	}
}

func TestConformanceOfRerankers(t *testing.T) {
	score := func(query, text string) (sum float32) {
		a, b := bag(query, bagDim), bag(text, bagDim)
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	for _, kind := range RerankerKinds() {
		t.Run(kind, func(t *testing.T) {
			f := serve(t, func(_ int, r recorded, w http.ResponseWriter) {
				name := "documents"
				if kind == "tei" {
					name = "texts"
				}
				var list []obj
				for i, text := range field[[]string](t, r, name) {
					s := score(field[string](t, r, "query"), text)
					list = append(list, obj{"index": i, "relevance_score": s, "score": s})
				}
				switch kind {
				case "tei":
					respondJSON(w, list)
				case "voyage":
					respondJSON(w, obj{"data": list})
				default:
					respondJSON(w, obj{"results": list})
				}
			})
			providertest.Reranker(t, func(t *testing.T) rag.Reranker {
				r, err := NewReranker(Options{Kind: kind, Model: "m", BaseURL: f.URL, Key: testKey, MaxBatch: 4})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { r.Close() })
				return r
			})
		})
	}
}
