package remote

import (
	"net/http"
	"net/url"
)

// The embeddings API of OpenAI, which Azure OpenAI, Mistral, vLLM and
// llama.cpp's server speak as well.

var openAIModels = map[string]known{
	"text-embedding-3-small": {dim: 1536, maxTokens: 8191, matryoshka: true},
	"text-embedding-3-large": {dim: 3072, maxTokens: 8191, matryoshka: true},
	"text-embedding-ada-002": {dim: 1536, maxTokens: 8191},
}

type openAIBody struct {
	Model          string   `json:"model,omitempty"`
	Input          []string `json:"input"`
	EncodingFormat string   `json:"encoding_format"`
	Dimensions     int      `json:"dimensions,omitempty"`
}

type openAIResponse struct {
	Data  []numbered `json:"data"`
	Usage struct {
		PromptTokens int `json:"prompt_tokens"`
		TotalTokens  int `json:"total_tokens"`
	} `json:"usage"`
}

var openAIEmbed = embedWire{
	path: func(Options) string { return "/embeddings" },
	body: func(o Options, q embedRequest) any {
		return openAIBody{Model: o.Model, Input: q.texts, EncodingFormat: "base64", Dimensions: q.dim}
	},
	read: readOpenAI,
}

func readOpenAI(body []byte, n int) (embedResponse, error) {
	var res openAIResponse
	if err := decode(body, &res); err != nil {
		return embedResponse{}, err
	}
	vectors, err := placed(res.Data, n)
	return embedResponse{vectors, max(res.Usage.TotalTokens, res.Usage.PromptTokens)}, err
}

// azureVersion is the version of Azure's API that requests name.
const azureVersion = "2024-10-21"

// azureEmbed names the deployment in the path and no model in the body.
var azureEmbed = embedWire{
	path: func(o Options) string {
		return "/openai/deployments/" + url.PathEscape(o.Model) + "/embeddings?api-version=" + azureVersion
	},
	body: func(_ Options, q embedRequest) any {
		return openAIBody{Input: q.texts, EncodingFormat: "base64", Dimensions: q.dim}
	},
	read: readOpenAI,
}

type mistralBody struct {
	Model           string   `json:"model"`
	Input           []string `json:"input"`
	EncodingFormat  string   `json:"encoding_format"`
	OutputDimension int      `json:"output_dimension,omitempty"`
}

var mistralEmbed = embedWire{
	path: func(Options) string { return "/embeddings" },
	body: func(o Options, q embedRequest) any {
		return mistralBody{Model: o.Model, Input: q.texts, EncodingFormat: "float", OutputDimension: q.dim}
	},
	read: readOpenAI,
}

// openAIRefusal tells an account without money from a rate limit, and a content
// filter from a bad request: the statuses are the same.
func openAIRefusal(status int, body []byte) refusal {
	var e struct {
		Error struct {
			Type string `json:"type"`
			Code any    `json:"code"` // Azure sends numbers too
		} `json:"error"`
	}
	if decode(body, &e) != nil {
		return refusal{}
	}
	switch {
	case e.Error.Code == "insufficient_quota" || e.Error.Type == "insufficient_quota" || e.Error.Code == "billing_hard_limit_reached":
		return refusal{kind: ErrQuota}
	case e.Error.Code == "content_filter" || e.Error.Code == "content_policy_violation":
		return refusal{kind: ErrFiltered}
	case status == http.StatusBadRequest && e.Error.Code == "invalid_api_key":
		return refusal{kind: ErrAuth}
	}
	return refusal{}
}
