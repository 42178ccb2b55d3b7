package remote

import (
	"net/http"
	"strconv"
)

// Hugging Face's Text Embeddings Inference: /embed and /rerank.

type teiEmbedBody struct {
	Inputs    []string `json:"inputs"`
	Normalize bool     `json:"normalize"`
	Truncate  bool     `json:"truncate"`
}

var teiEmbed = embedWire{
	path: func(Options) string { return "/embed" },
	body: func(_ Options, q embedRequest) any {
		return teiEmbedBody{Inputs: q.texts, Normalize: true, Truncate: true}
	},
	read: func(body []byte, _ int) (embedResponse, error) {
		var list []vector
		err := decode(body, &list)
		return embedResponse{vectors: plainVectors(list)}, err
	},
}

type teiRerankBody struct {
	Query      string   `json:"query"`
	Texts      []string `json:"texts"`
	RawScores  bool     `json:"raw_scores"`
	ReturnText bool     `json:"return_text"`
	Truncate   bool     `json:"truncate"`
}

var teiRerank = rerankWire{
	path: "/rerank",
	body: func(_ Options, query string, passages []string) any {
		return teiRerankBody{Query: query, Texts: passages, Truncate: true}
	},
	read: func(body []byte) (rerankResponse, error) {
		var list []struct {
			Index int     `json:"index"`
			Score float32 `json:"score"`
		}
		err := decode(body, &list)
		var res rerankResponse
		for _, s := range list {
			res.scores = append(res.scores, passageScore{s.Index, s.Score})
		}
		return res, err
	},
}

// billed takes the tokens from the response, or from the header in which TEI
// puts them.
func billed(h http.Header, tokens int) int {
	if tokens > 0 {
		return tokens
	}
	n, err := strconv.Atoi(h.Get("X-Compute-Tokens"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// teiRefusal: a 424 is an inference that failed at no fault of the request.
func teiRefusal(status int, _ []byte) refusal {
	if status == http.StatusFailedDependency {
		return refusal{kind: ErrUnavailable}
	}
	return refusal{}
}
