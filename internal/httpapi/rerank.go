package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// maxRerankDocuments bounds one request.
const maxRerankDocuments = 1000

// cohereTokensPerDoc is what Cohere reads of a document by default.
const cohereTokensPerDoc = 4096

func (s *server) registerRerank() {
	registerShape(s, operation{
		id: "rerank", method: http.MethodPost, path: "/v1/rerank", tag: "Models", kind: "search", role: rag.RoleReader,
		summary: "Rerank documents", detail: "The relevance of given documents to a query, best first, in the shape of Jina's API. `model` says which reranker runs: the configured one, or `sentences`, the best cosine of a sentence.",
		body: maxRerankBody, failure: reflect.TypeFor[api.Problem](),
		example: map[string]any{"model": "sentences", "query": "how do I restore a backup", "documents": []string{"Copy the catalog back and start.", "The cat sat."}, "top_n": 1},
	}, s.rerank)
	registerShape(s, operation{
		id: "rerank-cohere", method: http.MethodPost, path: "/cohere/v2/rerank", tag: "Models", kind: "search", role: rag.RoleReader,
		summary: "Rerank documents (Cohere)", detail: "The same in the shape of Cohere's API, version 2.",
		body: maxRerankBody, failure: reflect.TypeFor[api.CohereError](),
		example: map[string]any{"model": "sentences", "query": "how do I restore a backup", "documents": []string{"Copy the catalog back and start.", "The cat sat."}},
	}, s.rerankCohere)
}

func (s *server) rerank(ctx context.Context, _ rag.Principal, in *api.RerankRequest) (*api.RerankResponse, error) {
	if in.Model == "" && len(s.Rerankers) > 0 {
		in.Model = s.Rerankers[0].Name()
	}
	results, tokens, err := s.relevances(ctx, rerankJob{in.Model, in.Query, in.Documents, in.TopN, in.MaxTokensPerDoc})
	if err != nil {
		return nil, err
	}
	if in.ReturnDocuments == nil || *in.ReturnDocuments {
		for i := range results {
			results[i].Document = asObject(in.Documents[results[i].Index])
		}
	}
	return &api.RerankResponse{Model: in.Model, Results: results, Usage: api.RerankUsage{TotalTokens: tokens}}, nil
}

// asObject is a document as it is returned: a text becomes an object of one.
func asObject(document json.RawMessage) json.RawMessage {
	if document[0] == '{' {
		return document
	}
	return slices.Concat(json.RawMessage(`{"text":`), document, json.RawMessage(`}`))
}

func (s *server) rerankCohere(ctx context.Context, _ rag.Principal, in *api.CohereRerankRequest) (*api.CohereRerankResponse, error) {
	if in.MaxTokensPerDoc == nil {
		most := cohereTokensPerDoc
		in.MaxTokensPerDoc = &most
	}
	results, _, err := s.relevances(ctx, rerankJob{in.Model, in.Query, in.Documents, in.TopN, in.MaxTokensPerDoc})
	if err != nil {
		return nil, err
	}
	out := &api.CohereRerankResponse{
		ID: stateOf(ctx).id, Results: make([]api.CohereResult, len(results)),
		Meta: api.CohereMeta{APIVersion: api.CohereVersion{Version: "2"}, BilledUnits: api.CohereUnits{SearchUnits: 1}},
	}
	for i, r := range results {
		out.Results[i] = api.CohereResult{Index: r.Index, RelevanceScore: r.RelevanceScore}
	}
	return out, nil
}

// rerankJob is what both shapes ask for.
type rerankJob struct {
	model, query string
	documents    []json.RawMessage
	topN, most   *int // nil: all of them, no limit
}

// relevances scores documents and returns the best, with the tokens read.
func (s *server) relevances(ctx context.Context, job rerankJob) ([]api.RerankResult, int, error) {
	i := slices.IndexFunc(s.Rerankers, func(r rag.Reranker) bool { return r.Name() == job.model })
	if i < 0 {
		return nil, 0, unknownModel(job.model)
	}
	texts, err := job.texts()
	if err != nil {
		return nil, 0, err
	}
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	count := func(text string) int { return len(strings.Fields(text)) } // where no model counts
	if s.Embeddings.Model != nil {
		count = s.Embeddings.Model.CountTokens
	}
	tokens := count(job.query) * len(texts)
	for i, text := range texts {
		t := longText{text: text, tokens: count(text)}
		if job.most != nil {
			t, _ = cutter{count, *job.most}.first(t)
			texts[i] = t.text
		}
		tokens += t.tokens
	}
	scores, err := s.Rerankers[i].Rerank(ctx, job.query, texts)
	if err != nil {
		return nil, 0, err
	}
	if len(scores) != len(texts) {
		return nil, 0, fmt.Errorf("rerank: %d scores for %d documents", len(scores), len(texts))
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	if job.topN != nil {
		order = order[:min(*job.topN, len(order))]
	}
	results := make([]api.RerankResult, len(order))
	for i, at := range order {
		results[i] = api.RerankResult{Index: at, RelevanceScore: min(1, max(0, float64(scores[at])))}
	}
	stateOf(ctx).note(slog.Int("texts", len(texts)))
	return results, tokens, nil
}

// texts checks the request and takes the texts out of its documents.
func (job rerankJob) texts() ([]string, error) {
	if strings.TrimSpace(job.query) == "" {
		return nil, rag.Invalid("/query", "the query is empty")
	}
	if len(job.documents) == 0 || len(job.documents) > maxRerankDocuments {
		return nil, rag.Invalid("/documents", fmt.Sprintf("documents must number 1 to %d, not %d", maxRerankDocuments, len(job.documents)))
	}
	if job.topN != nil && *job.topN < 1 {
		return nil, rag.Invalid("/top_n", "top_n must be at least 1")
	}
	if job.most != nil && *job.most < 1 {
		return nil, rag.Invalid("/max_tokens_per_doc", "max_tokens_per_doc must be at least 1")
	}
	texts := make([]string, len(job.documents))
	for i, raw := range job.documents {
		at := fmt.Sprintf("/documents/%d", i)
		switch raw[0] {
		case '"':
			if json.Unmarshal(raw, &texts[i]) != nil {
				return nil, rag.Invalid(at, "the document is not a text")
			}
		case '{':
			var object struct {
				Text *string `json:"text"`
			}
			if json.Unmarshal(raw, &object) != nil || object.Text == nil {
				return nil, rag.Invalid(at, "the object has no member text that is a string")
			}
			texts[i] = *object.Text
		default:
			return nil, rag.Invalid(at, "a document is a text, or an object with a member text")
		}
	}
	return texts, nil
}
