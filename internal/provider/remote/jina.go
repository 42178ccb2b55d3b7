package remote

// Jina AI's API: embeddings and rerank. Its rerank shape is also that of vLLM
// and of llama.cpp's server.

type jinaEmbedBody struct {
	Model         string   `json:"model"`
	Task          string   `json:"task"`
	Input         []string `json:"input"`
	Dimensions    int      `json:"dimensions,omitempty"`
	Normalized    bool     `json:"normalized"`
	EmbeddingType string   `json:"embedding_type"`
	Truncate      bool     `json:"truncate"`
}

var jinaEmbed = embedWire{
	path: func(Options) string { return "/embeddings" },
	body: func(o Options, q embedRequest) any {
		body := jinaEmbedBody{Model: o.Model, Task: "retrieval.passage", Input: q.texts, Dimensions: q.dim,
			Normalized: true, EmbeddingType: "base64", Truncate: true}
		if q.query {
			body.Task = "retrieval.query"
		}
		return body
	},
	read: readOpenAI,
}

type jinaRerankBody struct {
	Model           string   `json:"model"`
	Query           string   `json:"query"`
	Documents       []string `json:"documents"`
	TopN            int      `json:"top_n"`
	ReturnDocuments bool     `json:"return_documents"`
}

var jinaRerank = rerankWire{
	path: "/rerank",
	body: func(o Options, query string, passages []string) any {
		return jinaRerankBody{Model: o.Model, Query: query, Documents: passages, TopN: len(passages)}
	},
	read: func(body []byte) (rerankResponse, error) {
		var res struct {
			Results []relevance `json:"results"`
			Usage   struct {
				TotalTokens int `json:"total_tokens"`
			} `json:"usage"`
		}
		err := decode(body, &res)
		return rerankResponse{relevances(res.Results), res.Usage.TotalTokens}, err
	},
}
