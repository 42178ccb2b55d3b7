package api

import "encoding/json"

// EmbeddingsRequest asks for embeddings, as OpenAI's clients do. InputType and
// LongText are our own.
type EmbeddingsRequest struct {
	Input          json.RawMessage `json:"input" doc:"A text, a list of texts, a list of token ids, or a list of such lists"`
	Model          string          `json:"model"`
	EncodingFormat string          `json:"encoding_format,omitempty" enum:"float,base64" default:"float"`
	Dimensions     *int            `json:"dimensions,omitempty" minimum:"1" doc:"Fewer than the model's, where it can cut its vectors"`
	User           string          `json:"user,omitempty" doc:"Not used"`
	InputType      string          `json:"input_type,omitempty" enum:"query,document" default:"document" doc:"For models that embed questions in another way"`
	LongText       string          `json:"long_text,omitempty" enum:"truncate,pool,error" default:"truncate" doc:"What to do with texts over the model's limit: cut them and say so, embed all of them in windows and pool these, or refuse"`
}

// EmbeddingsResponse holds a vector of unit length for each input.
type EmbeddingsResponse struct {
	Object    string          `json:"object" enum:"list"`
	Data      []Embedding     `json:"data"`
	Model     string          `json:"model"`
	Usage     EmbeddingsUsage `json:"usage"`
	Truncated []int           `json:"truncated,omitempty" doc:"Indices of the inputs that were cut"`
}

// Embedding is one vector: a list of numbers, or base64 of little-endian
// float32.
type Embedding struct {
	Object    string `json:"object" enum:"embedding"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"`
}

// EmbeddingsUsage counts the tokens that the model read.
type EmbeddingsUsage struct {
	PromptTokens int `json:"prompt_tokens"`
	TotalTokens  int `json:"total_tokens"`
}

// OpenAIModels lists models, as OpenAI's clients expect.
type OpenAIModels struct {
	Object string        `json:"object" enum:"list"`
	Data   []OpenAIModel `json:"data"`
}

// OpenAIModel is one model.
type OpenAIModel struct {
	ID      string `json:"id"`
	Object  string `json:"object" enum:"model"`
	Created int64  `json:"created" doc:"Unix time at which the server started"`
	OwnedBy string `json:"owned_by"`
}

// OpenAIError is an error on the routes for OpenAI's clients.
type OpenAIError struct {
	Error OpenAIErrorBody `json:"error"`
}

// OpenAIErrorBody says what was wrong.
type OpenAIErrorBody struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}
