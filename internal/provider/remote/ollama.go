package remote

// Ollama's own API: /api/embed.

type ollamaBody struct {
	Model      string   `json:"model"`
	Input      []string `json:"input"`
	Truncate   bool     `json:"truncate"`
	Dimensions int      `json:"dimensions,omitempty"`
}

var ollamaEmbed = embedWire{
	path: func(Options) string { return "/api/embed" },
	body: func(o Options, q embedRequest) any {
		return ollamaBody{Model: o.Model, Input: q.texts, Truncate: true, Dimensions: q.dim}
	},
	read: func(body []byte, _ int) (embedResponse, error) {
		var res struct {
			Embeddings      []vector `json:"embeddings"`
			PromptEvalCount int      `json:"prompt_eval_count"`
		}
		err := decode(body, &res)
		return embedResponse{plainVectors(res.Embeddings), res.PromptEvalCount}, err
	},
}
