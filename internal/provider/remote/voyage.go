package remote

// Voyage AI's API: embeddings and rerank.

var voyageModels = map[string]known{
	"voyage-4-large":   {dim: 1024, maxDim: 2048, maxTokens: 32_000, matryoshka: true},
	"voyage-4":         {dim: 1024, maxDim: 2048, maxTokens: 32_000, matryoshka: true},
	"voyage-4-lite":    {dim: 1024, maxDim: 2048, maxTokens: 32_000, matryoshka: true},
	"voyage-3-large":   {dim: 1024, maxDim: 2048, maxTokens: 32_000, matryoshka: true},
	"voyage-3.5":       {dim: 1024, maxDim: 2048, maxTokens: 32_000, matryoshka: true},
	"voyage-3.5-lite":  {dim: 1024, maxDim: 2048, maxTokens: 32_000, matryoshka: true},
	"voyage-code-3":    {dim: 1024, maxDim: 2048, maxTokens: 32_000, matryoshka: true},
	"voyage-finance-2": {dim: 1024, maxTokens: 32_000},
	"voyage-law-2":     {dim: 1024, maxTokens: 16_000},
	"rerank-2.5":       {maxTokens: 8000},
	"rerank-2.5-lite":  {maxTokens: 8000},
}

type voyageEmbedBody struct {
	Model           string   `json:"model"`
	Input           []string `json:"input"`
	InputType       string   `json:"input_type"`
	Truncation      bool     `json:"truncation"`
	OutputDimension int      `json:"output_dimension,omitempty"`
	EncodingFormat  string   `json:"encoding_format"`
}

var voyageEmbed = embedWire{
	path: func(Options) string { return "/embeddings" },
	body: func(o Options, q embedRequest) any {
		body := voyageEmbedBody{Model: o.Model, Input: q.texts, InputType: "document", Truncation: true,
			OutputDimension: q.dim, EncodingFormat: "base64"}
		if q.query {
			body.InputType = "query"
		}
		return body
	},
	read: readOpenAI,
}

type voyageRerankBody struct {
	Model           string   `json:"model"`
	Query           string   `json:"query"`
	Documents       []string `json:"documents"`
	ReturnDocuments bool     `json:"return_documents"`
	Truncation      bool     `json:"truncation"`
}

var voyageRerank = rerankWire{
	path: "/rerank",
	body: func(o Options, query string, passages []string) any {
		return voyageRerankBody{Model: o.Model, Query: query, Documents: passages, Truncation: true}
	},
	read: func(body []byte) (rerankResponse, error) {
		var res struct {
			Data  []relevance `json:"data"`
			Usage struct {
				TotalTokens int `json:"total_tokens"`
			} `json:"usage"`
		}
		err := decode(body, &res)
		return rerankResponse{relevances(res.Data), res.Usage.TotalTokens}, err
	},
}
