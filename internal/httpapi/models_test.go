package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// tiny embeds a text of up to 4 words by the length of its words: four
// dimensions, of which two are enough.
type tiny struct {
	roles []rag.EmbedRole
	err   error
}

func (*tiny) Fingerprint() string      { return "tiny-1" }
func (*tiny) Name() string             { return "tiny" }
func (*tiny) Dim() int                 { return 4 }
func (*tiny) MaxTokens() int           { return 6 }
func (*tiny) CountTokens(s string) int { return len(strings.Fields(s)) }
func (e *tiny) vector(n int) []float32 { return unit([]float32{float32(n), 1, 2, 0}) }
func (e *tiny) embeddings() Embeddings { return Embeddings{Model: e, MaxTokens: 4, Tokens: e.tokens} }
func (e *tiny) options(o *Options) {
	o.Embeddings, o.Rerankers = e.embeddings(), []rag.Reranker{overlap{}}
}
func (e *tiny) matryoshka(o *Options) { e.options(o); o.Embeddings.Matryoshka = true }
func (e *tiny) textsOnly(o *Options)  { e.options(o); o.Embeddings.Tokens = nil }

func (e *tiny) Embed(_ context.Context, role rag.EmbedRole, texts []string) ([][]float32, error) {
	e.roles = append(e.roles, role)
	var out [][]float32
	for _, t := range texts {
		if e.CountTokens(t) > 4 {
			return nil, fmt.Errorf("a text of %d words", e.CountTokens(t))
		}
		out = append(out, e.vector(len(t)))
	}
	return out, e.err
}

func (e *tiny) tokens(_ context.Context, _ rag.EmbedRole, texts [][]int) ([][]float32, error) {
	var out [][]float32
	for _, ids := range texts {
		sum := 0
		for _, id := range ids {
			if sum += id; id < 0 {
				return nil, rag.Invalid("/input", "token ids lie between 0 and 99")
			}
		}
		out = append(out, e.vector(sum))
	}
	return out, e.err
}

// overlap scores by the share of the query's words.
type overlap struct{}

func (overlap) Name() string { return "overlap" }
func (overlap) Rerank(_ context.Context, query string, passages []string) ([]float32, error) {
	var out []float32
	for _, p := range passages {
		var n float32
		for _, w := range strings.Fields(query) {
			if strings.Contains(p, w) {
				n++
			}
		}
		out = append(out, n/float32(len(strings.Fields(query)))*1.2-0.1)
	}
	return out, nil
}

// openAIHeaders are those that the official Python client sends (3.54.0).
var openAIHeaders = []string{"Authorization", "Bearer none", "Accept", "application/json", "Content-Type", "application/json",
	"User-Agent", "OpenAI/Python 3.54.0", "X-Stainless-Lang", "python", "X-Stainless-Retry-Count", "0", "X-Stainless-Read-Timeout", "600"}

func embed(t *testing.T, adjust func(*Options), request string) api.EmbeddingsResponse {
	t.Helper()
	w := do(handler(t, newFake(), adjust), "POST", "/openai/v1/embeddings", request, openAIHeaders...)
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("content type %q", ct)
	}
	return body[api.EmbeddingsResponse](t, w, 200)
}

// vectorOf reads a vector of either encoding.
func vectorOf(t *testing.T, e any) (v []float32) {
	t.Helper()
	if s, ok := e.(string); ok {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil || len(b)%4 != 0 {
			t.Fatalf("%q is no base64 of numbers: %v", s, err)
		}
		for ; len(b) > 0; b = b[4:] {
			v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		return v
	}
	for _, x := range e.([]any) {
		v = append(v, float32(x.(float64)))
	}
	return v
}

// TestEmbeddings sends the bodies that the official Python client sends.
func TestEmbeddings(t *testing.T) {
	e := &tiny{}
	for name, c := range map[string]struct {
		request string
		want    [][]float32
		tokens  int
	}{
		"a text, base64":      {`{"model":"tiny","input":"hello","encoding_format":"base64"}`, [][]float32{e.vector(5)}, 1},
		"texts, floats":       {`{"model":"tiny","input":["a","b c"],"dimensions":4,"encoding_format":"float"}`, [][]float32{e.vector(1), e.vector(3)}, 3},
		"lists of token ids":  {`{"model":"tiny","input":[[1,2],[3]],"encoding_format":"base64"}`, [][]float32{e.vector(3), e.vector(3)}, 3},
		"token ids":           {`{"model":"tiny","input":[1,2,9]}`, [][]float32{e.vector(12)}, 3},
		"with a user":         {`{"model":"tiny","input":"hello","user":"u1"}`, [][]float32{e.vector(5)}, 1},
		"white space is text": {`{"model":"tiny","input":[" "]}`, [][]float32{e.vector(1)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			res := embed(t, e.options, c.request)
			var got [][]float32
			for i, d := range res.Data {
				if d.Index != i || d.Object != "embedding" {
					t.Errorf("%+v", d)
				}
				got = append(got, vectorOf(t, d.Embedding))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if res.Object != "list" || res.Model != "tiny" || res.Usage.PromptTokens != c.tokens || res.Usage.TotalTokens != c.tokens || res.Truncated != nil {
				t.Errorf("%+v", res)
			}
		})
	}
}

func TestRoleOfInputs(t *testing.T) {
	e := &tiny{}
	embed(t, e.options, `{"model":"tiny","input":"x"}`)
	embed(t, e.options, `{"model":"tiny","input":"x","input_type":"query"}`)
	if diff := cmp.Diff([]rag.EmbedRole{rag.EmbedPassage, rag.EmbedQuery}, e.roles); diff != "" {
		t.Error(diff)
	}
}

func TestMatryoshkaVectorsAreUnitVectors(t *testing.T) {
	e := &tiny{}
	res := embed(t, e.matryoshka, `{"model":"tiny","input":"x","dimensions":2}`)
	if diff := cmp.Diff(unit([]float32{1, 1}), vectorOf(t, res.Data[0].Embedding)); diff != "" {
		t.Error(diff)
	}
}

// TestAModelDecidesHowItIsCut: the length is checked before anything is
// embedded.
func TestAModelDecidesHowItIsCut(t *testing.T) {
	e := &tiny{}
	adjust := func(o *Options) {
		e.matryoshka(o)
		o.Embeddings.Truncate = func(v []float32, dim int) ([]float32, error) {
			if dim != 2 {
				return nil, rag.Invalid("/dimensions", "2 dimensions or 4")
			}
			return []float32{v[1], v[0]}, nil
		}
	}
	res := embed(t, adjust, `{"model":"tiny","input":"x","dimensions":2}`)
	v := e.vector(1)
	if diff := cmp.Diff([]float32{v[1], v[0]}, vectorOf(t, res.Data[0].Embedding)); diff != "" {
		t.Error(diff)
	}
	asked := len(e.roles)
	w := do(handler(t, newFake(), adjust), "POST", "/openai/v1/embeddings", `{"model":"tiny","input":"x","dimensions":3}`)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "2 dimensions or 4") || len(e.roles) != asked {
		t.Errorf("%d %s, %d calls", w.Code, w.Body, len(e.roles)-asked)
	}
}

func TestLongTexts(t *testing.T) {
	e := &tiny{}
	const long = "one two three four five six"
	res := embed(t, e.options, `{"model":"tiny","input":["short","`+long+`"]}`)
	if diff := cmp.Diff([]int{1}, res.Truncated); diff != "" || res.Usage.PromptTokens != 5 {
		t.Errorf("%+v %s", res.Usage, diff)
	}
	if diff := cmp.Diff(e.vector(len("one two three four ")), vectorOf(t, res.Data[1].Embedding)); diff != "" {
		t.Error(diff)
	}

	res = embed(t, e.options, `{"model":"tiny","input":["short","`+long+`"],"long_text":"pool"}`)
	a, b := e.vector(len("one two three four ")), e.vector(len("five six"))
	mean := make([]float32, 4)
	for d := range mean {
		mean[d] = 4*a[d] + 2*b[d]
	}
	for d, x := range vectorOf(t, res.Data[1].Embedding) {
		if math.Abs(float64(x-unit(mean)[d])) > 1e-6 {
			t.Errorf("dimension %d: %g, want %g", d, x, unit(mean)[d])
		}
	}
	if res.Truncated != nil || res.Usage.PromptTokens != 7 {
		t.Errorf("%+v", res)
	}

	res = embed(t, e.options, `{"model":"tiny","input":[1,2,3,4,5,6]}`)
	if diff := cmp.Diff(e.vector(10), vectorOf(t, res.Data[0].Embedding)); diff != "" || len(res.Truncated) != 1 {
		t.Errorf("%+v %s", res.Truncated, diff)
	}
}

func TestEmbeddingsRefusals(t *testing.T) {
	e := &tiny{}
	many := `"x"` + strings.Repeat(`,"x"`, 2048)
	for name, c := range map[string]struct {
		adjust      func(*Options)
		request     string
		status      int
		param, code string
		says        string
	}{
		"unknown model":       {e.options, `{"model":"text-embedding-3-small","input":"x"}`, 404, "model", "model_not_found", "text-embedding-3-small"},
		"no model at all":     {func(*Options) {}, `{"model":"tiny","input":"x"}`, 404, "model", "model_not_found", "does not exist"},
		"no input":            {e.options, `{"model":"tiny"}`, 400, "input", "invalid_request", "a text"},
		"no inputs":           {e.options, `{"model":"tiny","input":[]}`, 400, "input", "invalid_request", "not empty"},
		"null":                {e.options, `{"model":"tiny","input":null}`, 400, "input", "invalid_request", "a text"},
		"an empty text":       {e.options, `{"model":"tiny","input":["x",""]}`, 400, "input", "invalid_request", "text 1 is empty"},
		"an empty list":       {e.options, `{"model":"tiny","input":[[1],[]]}`, 400, "input", "invalid_request", "list 1"},
		"mixed":               {e.options, `{"model":"tiny","input":["x",1]}`, 400, "input", "invalid_request", "one kind"},
		"fractions":           {e.options, `{"model":"tiny","input":[1.5]}`, 400, "input", "invalid_request", "one kind"},
		"an id too low":       {e.options, `{"model":"tiny","input":[-1]}`, 400, "input", "invalid_request", "between"},
		"ids for texts only":  {e.textsOnly, `{"model":"tiny","input":[1]}`, 400, "input", "invalid_request", "not token ids"},
		"too many":            {e.options, `{"model":"tiny","input":[` + many + `]}`, 400, "input", "invalid_request", "2048"},
		"dimensions":          {e.options, `{"model":"tiny","input":"x","dimensions":2}`, 400, "dimensions", "invalid_request", "always has 4"},
		"too many dimensions": {e.matryoshka, `{"model":"tiny","input":"x","dimensions":5}`, 400, "dimensions", "invalid_request", "1 to 4"},
		"no dimensions":       {e.matryoshka, `{"model":"tiny","input":"x","dimensions":0}`, 400, "dimensions", "invalid_request", "1 to 4"},
		"format":              {e.options, `{"model":"tiny","input":"x","encoding_format":"int8"}`, 400, "encoding_format", "invalid_request", "base64"},
		"input type":          {e.options, `{"model":"tiny","input":"x","input_type":"image"}`, 400, "input_type", "invalid_request", "query"},
		"long text":           {e.options, `{"model":"tiny","input":"x","long_text":"cut"}`, 400, "long_text", "invalid_request", "pool"},
		"refused long text":   {e.options, `{"model":"tiny","input":"a b c d e","long_text":"error"}`, 400, "input", "invalid_request", "5 tokens"},
		"endless windows":     {e.options, `{"model":"tiny","input":"` + strings.Repeat("x ", 4*maxPieces+4) + `","long_text":"pool"}`, 413, "input", "too_large", "windows"},
		"unknown member":      {e.options, `{"model":"tiny","input":"x","inputs":"y"}`, 400, "inputs", "invalid_request", "unexpected"},
		"no JSON":             {e.options, `{"model":`, 400, "", "invalid_request", "not valid JSON"},
		"two values":          {e.options, `{"model":"tiny","input":"x"}{}`, 400, "", "invalid_request", "more"},
		"too large":           {e.options, `{"model":"tiny","input":"` + strings.Repeat("x", maxEmbedBody) + `"}`, 413, "", "too_large", "bytes"},
		"model down": {func(o *Options) {
			o.Embeddings = Embeddings{Model: &tiny{err: &rag.Error{Code: rag.CodeLimited, Message: "later"}}, MaxTokens: 4}
		},
			`{"model":"tiny","input":"x"}`, 429, "", "rate_limit_exceeded", "later"},
		"a fault": {func(o *Options) { o.Embeddings = Embeddings{Model: &tiny{err: fmt.Errorf("secret")}, MaxTokens: 4} },
			`{"model":"tiny","input":"x"}`, 500, "", "internal", "went wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			w := do(handler(t, newFake(), c.adjust), "POST", "/openai/v1/embeddings", c.request)
			checkOpenAIError(t, body[api.OpenAIError](t, w, c.status), c.param, c.code, c.says)
		})
	}
}

func checkOpenAIError(t *testing.T, e api.OpenAIError, param, code, says string) {
	t.Helper()
	got := ""
	if e.Error.Param != nil {
		got = *e.Error.Param
	}
	if got != param || e.Error.Code == nil || *e.Error.Code != code || e.Error.Type == "" || !strings.Contains(e.Error.Message, says) {
		t.Errorf("param %q, %+v", got, e.Error)
	}
}

func TestCompatibleRoutesSpeakTheirErrors(t *testing.T) {
	f := newFake()
	f.authErr = &rag.Error{Code: rag.CodeUnauthorized, Message: "no key"}
	w := do(handler(t, f), "POST", "/openai/v1/embeddings", `{}`)
	checkOpenAIError(t, body[api.OpenAIError](t, w, 401), "", "unauthorized", "no key")
	if e := body[api.CohereError](t, do(handler(t, f), "POST", "/cohere/v2/rerank", `{}`), 401); e.Message != "no key" {
		t.Errorf("%+v", e)
	}
	f = newFake()
	checkOpenAIError(t, body[api.OpenAIError](t, do(handler(t, f), "GET", "/openai/v1/nothing", ""), 404), "", "not_found", "no such route")
	checkOpenAIError(t, body[api.OpenAIError](t, do(handler(t, f), "GET", "/openai/v1/embeddings", ""), 405), "", "method_not_allowed", "Allow")
	f.principal = rag.Principal{Subject: "u"}
	checkOpenAIError(t, body[api.OpenAIError](t, do(handler(t, f), "GET", "/openai/v1/models", ""), 403), "", "forbidden", "reader")
	w = do(handler(t, newFake()), "POST", "/openai/v1/embeddings", `{}`, "Sec-Fetch-Site", "cross-site")
	checkOpenAIError(t, body[api.OpenAIError](t, w, 403), "", "origin_refused", "origin")
}

func TestModels(t *testing.T) {
	h := handler(t, newFake(), (&tiny{}).options)
	list := body[api.OpenAIModels](t, do(h, "GET", "/openai/v1/models", ""), 200)
	want := api.OpenAIModels{Object: "list", Data: []api.OpenAIModel{
		{ID: "tiny", Object: "model", Created: noon.Unix(), OwnedBy: "quarry"}, {ID: "overlap", Object: "model", Created: noon.Unix(), OwnedBy: "quarry"}}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	if m := body[api.OpenAIModel](t, do(h, "GET", "/openai/v1/models/overlap", ""), 200); m.ID != "overlap" {
		t.Errorf("%+v", m)
	}
	checkOpenAIError(t, body[api.OpenAIError](t, do(h, "GET", "/openai/v1/models/gpt", ""), 404), "model", "model_not_found", "gpt")
}

func TestRerank(t *testing.T) {
	h := handler(t, newFake(), (&tiny{}).options)
	w := do(h, "POST", "/v1/rerank", `{"query":"a b","documents":["nothing",{"text":"a b c","id":7},"b"],"top_n":2}`)
	got := body[api.RerankResponse](t, w, 200)
	want := api.RerankResponse{Model: "overlap", Usage: api.RerankUsage{TotalTokens: 3*2 + 1 + 3 + 1}, Results: []api.RerankResult{
		{Index: 1, RelevanceScore: 1, Document: json.RawMessage(`{"text":"a b c","id":7}`)},
		{Index: 2, RelevanceScore: 0.5, Document: json.RawMessage(`{"text":"b"}`)}}}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Error(diff)
	}
	w = do(h, "POST", "/v1/rerank", `{"model":"overlap","query":"c","documents":["a b c","nothing"],"return_documents":false,"max_tokens_per_doc":2}`)
	got = body[api.RerankResponse](t, w, 200)
	if len(got.Results) != 2 || got.Results[0].RelevanceScore != 0 || got.Results[0].Document != nil {
		t.Errorf("%+v", got)
	}
}

// TestRerankForCohere sends what the official Python client sends (7.3.1).
func TestRerankForCohere(t *testing.T) {
	h := handler(t, newFake(), (&tiny{}).options)
	w := do(h, "POST", "/cohere/v2/rerank", `{"model":"overlap","query":"q","documents":["a","q"],"top_n":1}`, "Authorization", "Bearer none",
		"Content-Type", "application/json", "User-Agent", "cohere/7.3.1", "X-Fern-Language", "Python", "X-Fern-SDK-Name", "cohere", "Accept", "*/*")
	got := body[api.CohereRerankResponse](t, w, 200)
	if got.ID == "" || got.Meta.APIVersion.Version != "2" || got.Meta.BilledUnits.SearchUnits != 1 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]api.CohereResult{{Index: 1, RelevanceScore: 1}}, got.Results); diff != "" {
		t.Error(diff)
	}
	if e := body[api.CohereError](t, do(h, "POST", "/cohere/v2/rerank", `{"model":"rerank-v3.5","query":"q","documents":["a"]}`), 404); !strings.Contains(e.Message, "rerank-v3.5") || e.ID == "" {
		t.Errorf("%+v", e)
	}
}

func TestRerankRefusals(t *testing.T) {
	h := handler(t, newFake(), (&tiny{}).options)
	for request, pointer := range map[string]string{
		`{"query":" ","documents":["a"]}`:                                     "/query",
		`{"query":"q","documents":[]}`:                                        "/documents",
		`{"query":"q","documents":["a"` + strings.Repeat(`,"a"`, 1000) + `]}`: "/documents",
		`{"query":"q","documents":["a",null]}`:                                "/documents/1",
		`{"query":"q","documents":[{"title":"a"}]}`:                           "/documents/0",
		`{"query":"q","documents":[{"text":5}]}`:                              "/documents/0",
		`{"query":"q","documents":["a"],"top_n":0}`:                           "/top_n",
		`{"query":"q","documents":["a"],"max_tokens_per_doc":0}`:              "/max_tokens_per_doc",
		`{"query":"q","documents":["a"],"rank_fields":["x"]}`:                 "/rank_fields",
		`{"query":"q","documents":"a"}`:                                       "/documents",
	} {
		p := problemIn(t, do(h, "POST", "/v1/rerank", request), 422)
		if len(p.Errors) != 1 || p.Errors[0].Pointer != pointer {
			t.Errorf("%.60s: %+v", request, p)
		}
	}
	problemIn(t, do(h, "POST", "/v1/rerank", `{"model":"none","query":"q","documents":["a"]}`), http.StatusNotFound)
}

// TestPieces: windows hold all of a text, in order, within the limit.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.StringMatching(`[a-zä東👍]{1,9}[ \n]{0,3}`), 1, 200).Draw(t, "words"), "")
		c := cutter{func(s string) int { return (len([]rune(s)) + 2) / 3 }, rapid.IntRange(1, 30).Draw(t, "limit")}
		list, ok := c.pieces(longText{text: text, tokens: c.count(text)}, 1<<20)
		var all bytes.Buffer
		for _, p := range list {
			all.WriteString(p.text)
			if p.tokens > c.limit || p.tokens != c.count(p.text) || p.text == "" {
				t.Fatalf("a piece %q of %d tokens, limit %d", p.text, p.tokens, c.limit)
			}
		}
		if !ok || all.String() != text {
			t.Fatalf("%q became %q", text, all.String())
		}
	})
}
