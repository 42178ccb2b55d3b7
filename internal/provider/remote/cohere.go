package remote

// Cohere's API, version 2: embed and rerank.

type cohereEmbedBody struct {
	Model           string   `json:"model"`
	Texts           []string `json:"texts"`
	InputType       string   `json:"input_type"`
	EmbeddingTypes  []string `json:"embedding_types"`
	OutputDimension int      `json:"output_dimension,omitempty"`
	Truncate        string   `json:"truncate"`
}

type cohereMeta struct {
	BilledUnits struct {
		InputTokens float64 `json:"input_tokens"`
	} `json:"billed_units"`
}

var cohereEmbed = embedWire{
	path: func(Options) string { return "/v2/embed" },
	body: func(o Options, q embedRequest) any {
		body := cohereEmbedBody{Model: o.Model, Texts: q.texts, InputType: "search_document",
			EmbeddingTypes: []string{"base64"}, OutputDimension: q.dim, Truncate: "END"}
		if q.query {
			body.InputType = "search_query"
		}
		return body
	},
	read: func(body []byte, _ int) (embedResponse, error) {
		var res struct {
			Embeddings struct {
				Float  []vector `json:"float"`
				Base64 []vector `json:"base64"`
			} `json:"embeddings"`
			Meta cohereMeta `json:"meta"`
		}
		if err := decode(body, &res); err != nil {
			return embedResponse{}, err
		}
		list := res.Embeddings.Base64
		if len(list) == 0 {
			list = res.Embeddings.Float
		}
		return embedResponse{plainVectors(list), int(res.Meta.BilledUnits.InputTokens)}, nil
	},
}

type cohereRerankBody struct {
	Model           string   `json:"model"`
	Query           string   `json:"query"`
	Documents       []string `json:"documents"`
	TopN            int      `json:"top_n"`
	MaxTokensPerDoc int      `json:"max_tokens_per_doc"`
}

// cohereRerank is billed by searches, not by tokens.
var cohereRerank = rerankWire{
	path: "/v2/rerank",
	body: func(o Options, query string, passages []string) any {
		return cohereRerankBody{Model: o.Model, Query: query, Documents: passages,
			TopN: len(passages), MaxTokensPerDoc: o.MaxTokens}
	},
	read: func(body []byte) (rerankResponse, error) {
		var res struct {
			Results []relevance `json:"results"`
			Meta    cohereMeta  `json:"meta"`
		}
		err := decode(body, &res)
		return rerankResponse{relevances(res.Results), int(res.Meta.BilledUnits.InputTokens)}, err
	},
}

// relevance is a result as Cohere, Jina and Voyage spell it.
type relevance struct {
	Index          int     `json:"index"`
	RelevanceScore float32 `json:"relevance_score"`
}

func relevances(list []relevance) []passageScore {
	scores := make([]passageScore, len(list))
	for i, r := range list {
		scores[i] = passageScore{r.Index, r.RelevanceScore}
	}
	return scores
}
