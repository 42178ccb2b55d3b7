package remote

import (
	"net/url"
	"strings"
	"time"
)

// Google's Gemini API, models.batchEmbedContents.

type geminiBody struct {
	Requests []geminiRequest `json:"requests"`
}

type geminiRequest struct {
	Model                string        `json:"model"`
	Content              geminiContent `json:"content"`
	TaskType             string        `json:"taskType"`
	OutputDimensionality int           `json:"outputDimensionality,omitempty"`
}

type geminiContent struct {
	Parts []geminiPart `json:"parts"`
}

type geminiPart struct {
	Text string `json:"text"`
}

var geminiEmbed = embedWire{
	path: func(o Options) string {
		return "/models/" + url.PathEscape(strings.TrimPrefix(o.Model, "models/")) + ":batchEmbedContents"
	},
	body: func(o Options, q embedRequest) any {
		task := "RETRIEVAL_DOCUMENT"
		if q.query {
			task = "RETRIEVAL_QUERY"
		}
		var body geminiBody
		for _, text := range q.texts {
			body.Requests = append(body.Requests, geminiRequest{
				Model:    "models/" + strings.TrimPrefix(o.Model, "models/"),
				Content:  geminiContent{Parts: []geminiPart{{Text: text}}},
				TaskType: task, OutputDimensionality: q.dim,
			})
		}
		return body
	},
	read: func(body []byte, _ int) (embedResponse, error) {
		var res struct {
			Embeddings []struct {
				Values vector `json:"values"`
			} `json:"embeddings"`
		}
		if err := decode(body, &res); err != nil {
			return embedResponse{}, err
		}
		out := embedResponse{}
		for _, e := range res.Embeddings {
			out.vectors = append(out.vectors, e.Values)
		}
		return out, nil
	},
}

// geminiRefusal reads google.rpc.Status: a wrong key is a 400, and the time to
// wait stands in the details rather than in a header.
func geminiRefusal(_ int, body []byte) refusal {
	var e struct {
		Error struct {
			Details []struct {
				Type       string `json:"@type"`
				Reason     string `json:"reason"`
				RetryDelay string `json:"retryDelay"`
				Violations []struct {
					QuotaID string `json:"quotaId"`
				} `json:"violations"`
			} `json:"details"`
		} `json:"error"`
	}
	var r refusal
	if decode(body, &e) != nil {
		return r
	}
	for _, d := range e.Error.Details {
		switch {
		case strings.HasSuffix(d.Type, "google.rpc.RetryInfo"):
			if wait, err := time.ParseDuration(d.RetryDelay); err == nil {
				r.wait = max(0, wait)
			}
		case d.Reason == "API_KEY_INVALID":
			r.kind = ErrAuth
		}
		for _, v := range d.Violations {
			if strings.Contains(v.QuotaID, "PerDay") {
				r.kind = ErrQuota
			}
		}
	}
	return r
}
