package api

import "encoding/json"

// RerankRequest asks for the relevance of documents to a query.
type RerankRequest struct {
	Model           string            `json:"model,omitempty" doc:"Default: the configured reranker, else \"sentences\""`
	Query           string            `json:"query"`
	Documents       []json.RawMessage `json:"documents" doc:"Texts, or objects with a member text"`
	TopN            *int              `json:"top_n,omitempty" minimum:"1" doc:"Default: all of them"`
	MaxTokensPerDoc *int              `json:"max_tokens_per_doc,omitempty" minimum:"1" doc:"Longer documents are cut"`
	ReturnDocuments *bool             `json:"return_documents,omitempty" default:"true"`
}

// RerankResponse holds the documents' relevances, best first.
type RerankResponse struct {
	Model   string         `json:"model" doc:"The reranker that ran"`
	Results []RerankResult `json:"results"`
	Usage   RerankUsage    `json:"usage"`
}

// RerankResult is the relevance of one document.
type RerankResult struct {
	Index          int             `json:"index" doc:"Place of the document in the request, from 0"`
	RelevanceScore float64         `json:"relevance_score" minimum:"0" maximum:"1"`
	Document       json.RawMessage `json:"document,omitempty"`
}

// RerankUsage counts the tokens of query and documents.
type RerankUsage struct {
	TotalTokens int `json:"total_tokens"`
}

// CohereRerankRequest is a rerank request as Cohere's clients send it.
type CohereRerankRequest struct {
	Model           string            `json:"model"`
	Query           string            `json:"query"`
	Documents       []json.RawMessage `json:"documents"`
	TopN            *int              `json:"top_n,omitempty" minimum:"1"`
	MaxTokensPerDoc *int              `json:"max_tokens_per_doc,omitempty" minimum:"1" default:"4096"`
	Priority        *int              `json:"priority,omitempty" doc:"Not used"`
}

// CohereRerankResponse is the answer that Cohere's clients expect.
type CohereRerankResponse struct {
	ID      string         `json:"id"`
	Results []CohereResult `json:"results"`
	Meta    CohereMeta     `json:"meta"`
}

// CohereResult is the relevance of one document.
type CohereResult struct {
	Index          int     `json:"index"`
	RelevanceScore float64 `json:"relevance_score" minimum:"0" maximum:"1"`
}

// CohereMeta tells the version of the shape, and the units, which cost nothing.
type CohereMeta struct {
	APIVersion  CohereVersion `json:"api_version"`
	BilledUnits CohereUnits   `json:"billed_units"`
}

// CohereVersion names a version.
type CohereVersion struct {
	Version string `json:"version"`
}

// CohereUnits counts searches.
type CohereUnits struct {
	SearchUnits int `json:"search_units"`
}

// CohereError is an error on the routes for Cohere's clients.
type CohereError struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}
