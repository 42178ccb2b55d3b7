package remote

import "net/http"

// vendor is one kind of server. A new one is an entry here and a file with its
// wire format.
type vendor struct {
	baseURL   string // "" where the operator must say it
	keyed     bool   // it refuses requests without a key
	modelless bool   // it serves one model, which requests do not name
	auth      func(h http.Header, k Key)
	embed     *embedWire
	rerank    *rerankWire
	refusal   func(status int, body []byte) refusal // its own words for some errors; may be nil

	maxBatch, maxBatchTokens int
	models                   map[string]known
}

// embedWire is how a server takes texts and gives vectors.
type embedWire struct {
	path func(o Options) string
	body func(o Options, q embedRequest) any
	read func(body []byte, n int) (embedResponse, error)
}

// embedRequest is one batch. dim is 0 unless the server is to cut the vectors.
type embedRequest struct {
	query bool
	texts []string
	dim   int
}

// embedResponse has the vector of each text, nil for one that did not come,
// and the tokens billed, 0 if the server does not say.
type embedResponse struct {
	vectors [][]float32
	tokens  int
}

// rerankWire is how a server scores passages.
type rerankWire struct {
	path string
	body func(o Options, query string, passages []string) any
	read func(body []byte) (rerankResponse, error)
}

type rerankResponse struct {
	scores []passageScore
	tokens int
}

type passageScore struct {
	index int
	score float32
}

// known is what is known of a published model.
type known struct {
	dim        int
	maxDim     int // when more than dim can be asked for
	maxTokens  int
	matryoshka bool
}

// vendors are all kinds. The limits are the documented ones, or lower.
var vendors = map[string]vendor{
	"openai": {
		baseURL: "https://api.openai.com/v1", keyed: true, auth: bearer, embed: &openAIEmbed, refusal: openAIRefusal,
		maxBatch: 256, maxBatchTokens: 100_000, models: openAIModels,
	},
	"azure": {
		keyed: true, auth: header("api-key"), embed: &azureEmbed, refusal: openAIRefusal,
		maxBatch: 256, maxBatchTokens: 100_000, models: openAIModels,
	},
	"gemini": {
		baseURL: "https://generativelanguage.googleapis.com/v1beta", keyed: true, auth: header("x-goog-api-key"),
		embed: &geminiEmbed, refusal: geminiRefusal, maxBatch: 100, maxBatchTokens: 20_000,
		models: map[string]known{"gemini-embedding-001": {dim: 3072, maxTokens: 2048, matryoshka: true}},
	},
	"mistral": {
		baseURL: "https://api.mistral.ai/v1", keyed: true, auth: bearer, embed: &mistralEmbed,
		maxBatch: 64, maxBatchTokens: 12_000,
		models: map[string]known{
			"mistral-embed":   {dim: 1024, maxTokens: 8192},
			"codestral-embed": {dim: 1536, maxDim: 3072, maxTokens: 8192, matryoshka: true},
		},
	},
	"cohere": {
		baseURL: "https://api.cohere.com", keyed: true, auth: bearer, embed: &cohereEmbed, rerank: &cohereRerank,
		maxBatch: 96, maxBatchTokens: 100_000,
		models: map[string]known{
			"embed-v4.0":                    {dim: 1536, maxTokens: 128_000, matryoshka: true},
			"embed-english-v3.0":            {dim: 1024, maxTokens: 512},
			"embed-multilingual-v3.0":       {dim: 1024, maxTokens: 512},
			"embed-english-light-v3.0":      {dim: 384, maxTokens: 512},
			"embed-multilingual-light-v3.0": {dim: 384, maxTokens: 512},
			"rerank-v3.5":                   {maxTokens: 4096},
		},
	},
	"voyage": {
		baseURL: "https://api.voyageai.com/v1", keyed: true, auth: bearer, embed: &voyageEmbed, rerank: &voyageRerank,
		maxBatch: 256, maxBatchTokens: 100_000, models: voyageModels,
	},
	"jina": {
		baseURL: "https://api.jina.ai/v1", keyed: true, auth: bearer, embed: &jinaEmbed, rerank: &jinaRerank,
		maxBatch: 128, maxBatchTokens: 100_000,
		models: map[string]known{
			"jina-embeddings-v3":                 {dim: 1024, maxTokens: 8192, matryoshka: true},
			"jina-embeddings-v4":                 {dim: 2048, maxTokens: 32_768, matryoshka: true},
			"jina-reranker-v2-base-multilingual": {maxTokens: 1024},
		},
	},
	"ollama": {
		baseURL: "http://127.0.0.1:11434", auth: bearer, embed: &ollamaEmbed,
		maxBatch: 64, maxBatchTokens: 32_000,
	},
	"vllm": {
		auth: bearer, embed: &openAIEmbed, rerank: &jinaRerank, maxBatch: 128, maxBatchTokens: 64_000,
	},
	"llamacpp": {
		auth: bearer, embed: &openAIEmbed, rerank: &jinaRerank, maxBatch: 32, maxBatchTokens: 16_000,
	},
	"tei": {
		modelless: true, auth: bearer, embed: &teiEmbed, rerank: &teiRerank, refusal: teiRefusal,
		maxBatch: 32, maxBatchTokens: 16_000,
	},
}

// EmbedderKinds are the kinds that NewEmbedder knows.
func EmbedderKinds() []string { return kindsWith(func(v vendor) bool { return v.embed != nil }) }

// RerankerKinds are the kinds that NewReranker knows.
func RerankerKinds() []string { return kindsWith(func(v vendor) bool { return v.rerank != nil }) }

func bearer(h http.Header, k Key) { h.Set("Authorization", "Bearer "+string(k)) }

func header(name string) func(http.Header, Key) {
	return func(h http.Header, k Key) { h.Set(name, string(k)) }
}
