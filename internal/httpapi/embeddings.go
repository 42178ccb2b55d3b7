package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"reflect"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// Embeddings is the model that the embeddings route serves. The zero value
// serves none.
type Embeddings struct {
	Model      rag.Embedder
	MaxTokens  int  // of one text, special tokens and prompts excluded
	Matryoshka bool // a prefix of a vector, at unit length, is a vector as well
	// Truncate cuts a vector to dim elements as the model was trained for; nil
	// where any prefix of a vector, at unit length, will do. Errors:
	// CodeInvalid for a length that the model was not trained for.
	Truncate func(v []float32, dim int) ([]float32, error)
	// Tokens embeds token ids of the model's own tokenizer, special tokens
	// excluded; nil where ids are not taken. Errors: CodeInvalid for an id
	// outside of the vocabulary.
	Tokens func(ctx context.Context, role rag.EmbedRole, texts [][]int) ([][]float32, error)
}

// Limits of one embeddings request.
const (
	maxInputs     = 2048 // as OpenAI's
	maxPieces     = 8192 // windows of all texts that are pooled
	maxEmbedBody  = 32 << 20
	maxRerankBody = 32 << 20
)

func (s *server) registerEmbeddings() {
	failure := reflect.TypeFor[api.OpenAIError]()
	registerShape(s, operation{
		id: "create-embeddings", method: http.MethodPost, path: "/openai/v1/embeddings", tag: "Models", kind: "search", role: rag.RoleReader,
		summary: "Embed texts", detail: "As OpenAI's clients ask for it. Vectors have unit length. Texts over the model's limit are cut and named in `truncated`, unless `long_text` says otherwise.",
		body: maxEmbedBody, failure: failure,
		example: map[string]any{"model": "all-MiniLM-L6-v2", "input": []string{"how do I restore a backup"}},
	}, s.embeddings)
	registerShape(s, operation{
		id: "list-models", method: http.MethodGet, path: "/openai/v1/models", tag: "Models", kind: "read", role: rag.RoleReader,
		summary: "List models", detail: "Those that the routes for embeddings and reranking serve.", failure: failure,
	}, func(context.Context, rag.Principal, *struct{}) (*api.OpenAIModels, error) {
		return &api.OpenAIModels{Object: "list", Data: s.models()}, nil
	})
	registerShape(s, operation{
		id: "get-model", method: http.MethodGet, path: "/openai/v1/models/{model}", tag: "Models", kind: "read", role: rag.RoleReader,
		summary: "Get a model", failure: failure,
	}, func(_ context.Context, _ rag.Principal, in *modelInput) (*api.OpenAIModel, error) {
		for _, m := range s.models() {
			if m.ID == in.model {
				return &m, nil
			}
		}
		return nil, unknownModel(in.model)
	})
}

type modelInput struct{ model string }

func (in *modelInput) setPath(r *http.Request) { in.model = r.PathValue("model") }

func (s *server) models() []api.OpenAIModel {
	list := []api.OpenAIModel{}
	add := func(name string) {
		list = append(list, api.OpenAIModel{ID: name, Object: "model", Created: s.started.Unix(), OwnedBy: "quarry"})
	}
	if s.Embeddings.Model != nil {
		add(s.Embeddings.Model.Name())
	}
	for _, r := range s.Rerankers {
		add(r.Name())
	}
	return list
}

func unknownModel(name string) error {
	return &rag.Error{Code: rag.CodeNotFound, Field: "/model", Message: fmt.Sprintf("the model %q does not exist; /openai/v1/models lists those that do", name)}
}

func (s *server) embeddings(ctx context.Context, _ rag.Principal, in *api.EmbeddingsRequest) (*api.EmbeddingsResponse, error) {
	e := s.Embeddings
	if e.Model == nil || in.Model != e.Model.Name() {
		return nil, unknownModel(in.Model)
	}
	if err := checkEmbeddings(in, e); err != nil {
		return nil, err
	}
	texts, err := inputsOf(in.Input, e)
	if err != nil {
		return nil, err
	}
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	pieces, truncated, err := fit(texts, in.LongText, cutter{e.Model.CountTokens, e.MaxTokens})
	if err != nil {
		return nil, err
	}
	role := rag.EmbedPassage
	if in.InputType == "query" {
		role = rag.EmbedQuery
	}
	vectors, tokens, err := embedPieces(ctx, e, role, pieces)
	if err != nil {
		return nil, err
	}
	out := &api.EmbeddingsResponse{
		Object: "list", Data: make([]api.Embedding, len(vectors)), Model: e.Model.Name(), Truncated: truncated,
		Usage: api.EmbeddingsUsage{PromptTokens: tokens, TotalTokens: tokens},
	}
	for i, v := range vectors {
		if in.Dimensions != nil && *in.Dimensions < len(v) {
			if v, err = e.cut(v, *in.Dimensions); err != nil {
				return nil, err
			}
		}
		out.Data[i] = api.Embedding{Object: "embedding", Index: i, Embedding: encodeVector(v, in.EncodingFormat)}
	}
	st := stateOf(ctx)
	st.note(slog.Int("texts", len(texts)))
	st.note(slog.Int("tokens_in", tokens))
	return out, nil
}

// checkEmbeddings checks all but the input.
func checkEmbeddings(in *api.EmbeddingsRequest, e Embeddings) error {
	switch in.EncodingFormat {
	case "", "float", "base64":
	default:
		return rag.Invalid("/encoding_format", "encoding_format is float or base64")
	}
	switch in.InputType {
	case "", "query", "document":
	default:
		return rag.Invalid("/input_type", "input_type is query or document")
	}
	switch in.LongText {
	case "", "truncate", "pool", "error":
	default:
		return rag.Invalid("/long_text", "long_text is truncate, pool or error")
	}
	dim := e.Model.Dim()
	switch d := in.Dimensions; {
	case d == nil || *d == dim:
	case *d < 1 || *d > dim:
		return rag.Invalid("/dimensions", fmt.Sprintf("%s has %d dimensions; ask for 1 to %d", e.Model.Name(), dim, dim))
	case !e.Matryoshka:
		return rag.Invalid("/dimensions", fmt.Sprintf("%s always has %d dimensions: it was not trained so that the beginning of a vector means anything (Matryoshka)", e.Model.Name(), dim))
	default: // refused before anything is embedded
		_, err := e.cut(make([]float32, dim), *d)
		return err
	}
	return nil
}

// cut shortens a vector to dim elements at unit length.
func (e Embeddings) cut(v []float32, dim int) ([]float32, error) {
	if e.Truncate != nil {
		return e.Truncate(v, dim)
	}
	return unit(v[:dim]), nil
}

// inputsOf reads the four shapes of an input and counts tokens.
func inputsOf(raw json.RawMessage, e Embeddings) ([]longText, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil && len(raw) > 0 && raw[0] == '"' {
		return textsOf([]string{one}, e)
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, rag.Invalid("/input", "input is a text, a list of texts, a list of token ids, or a list of such lists, and not empty")
	}
	var ids []int
	if list[0][0] != '[' && list[0][0] != '"' && json.Unmarshal(raw, &ids) == nil {
		return tokensOf([][]int{ids}, e)
	}
	if len(list) > maxInputs {
		return nil, rag.Invalid("/input", fmt.Sprintf("input has %d elements; at most %d are allowed in one request", len(list), maxInputs))
	}
	var texts []string
	if json.Unmarshal(raw, &texts) == nil {
		return textsOf(texts, e)
	}
	var lists [][]int
	if json.Unmarshal(raw, &lists) == nil {
		return tokensOf(lists, e)
	}
	return nil, rag.Invalid("/input", "the elements of input are texts, or token ids, or lists of token ids: all of one kind, and no null")
}

func textsOf(texts []string, e Embeddings) ([]longText, error) {
	out := make([]longText, len(texts))
	for i, t := range texts {
		if t == "" {
			return nil, rag.Invalid("/input", fmt.Sprintf("text %d is empty", i))
		}
		out[i] = longText{text: t, tokens: e.Model.CountTokens(t)}
	}
	return out, nil
}

func tokensOf(lists [][]int, e Embeddings) ([]longText, error) {
	if e.Tokens == nil {
		return nil, rag.Invalid("/input", e.Model.Name()+" takes texts here and not token ids")
	}
	out := make([]longText, len(lists))
	for i, ids := range lists {
		if len(ids) == 0 {
			return nil, rag.Invalid("/input", fmt.Sprintf("list %d of token ids is empty", i))
		}
		out[i] = longText{ids: ids, tokens: len(ids)}
	}
	return out, nil
}

// fit makes every input fit the model, as asked: the pieces of each, and which
// were cut.
func fit(texts []longText, long string, c cutter) (pieces [][]longText, truncated []int, err error) {
	left := maxPieces
	pieces = make([][]longText, len(texts))
	for i, t := range texts {
		if t.tokens <= c.limit {
			pieces[i] = []longText{t}
			left--
			continue
		}
		switch long {
		case "error":
			return nil, nil, rag.Invalid("/input", fmt.Sprintf("text %d has %d tokens; the model reads %d", i, t.tokens, c.limit))
		case "pool":
			list, ok := c.pieces(t, left)
			if !ok {
				return nil, nil, &rag.Error{Code: rag.CodeTooLarge, Field: "/input",
					Message: fmt.Sprintf("the texts make more than %d windows; send fewer at a time", maxPieces)}
			}
			pieces[i] = list
		default:
			head, _ := c.first(t)
			pieces[i] = []longText{head}
			truncated = append(truncated, i)
		}
		left -= len(pieces[i])
	}
	return pieces, truncated, nil
}

// embedPieces embeds all pieces in one call and pools those of each input.
func embedPieces(ctx context.Context, e Embeddings, role rag.EmbedRole, pieces [][]longText) (vectors [][]float32, tokens int, err error) {
	var texts []string
	var ids [][]int
	for _, list := range pieces {
		for _, p := range list {
			tokens += p.tokens
			if p.ids != nil {
				ids = append(ids, p.ids)
			} else {
				texts = append(texts, p.text)
			}
		}
	}
	var all [][]float32
	if ids != nil {
		all, err = e.Tokens(ctx, role, ids)
	} else {
		all, err = e.Model.Embed(ctx, role, texts)
	}
	if err != nil {
		return nil, 0, err
	}
	for _, list := range pieces {
		vectors = append(vectors, pool(all[:len(list)], list))
		all = all[len(list):]
	}
	return vectors, tokens, nil
}

// encodeVector is a list of numbers, or base64 of little-endian float32.
func encodeVector(v []float32, format string) any {
	if format != "base64" {
		return v
	}
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(b)
}
