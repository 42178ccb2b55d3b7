package config

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// Provider names a model on another server. Without a Kind there is none.
// What each field means, and its default, is the provider's to say.
type Provider struct {
	Kind, Model, BaseURL       string
	Key                        Secret
	Dim, MaxTokens             int
	QueryPrompt, PassagePrompt string
	MaxBatch, MaxBatchTokens   int
	Concurrency                int
	Timeout                    time.Duration
	PricePerMillionTokens      float64 // US dollars
}

// providerSettings are the lines of one provider, under its prefix.
func providerSettings(prefix, what string, p *Provider) []Setting {
	line := func(key, usage string, v Value) Setting { return Setting{prefix + "." + key, usage, v} }
	return []Setting{
		line("kind", what, text{&p.Kind}),
		line("model", "the model's name there", text{&p.Model}),
		line("base_url", "address, where it is not the vendor's own", text{&p.BaseURL}),
		line("key", "secret that the server asks for", secret{&p.Key}),
		line("dim", "length of the vectors, where the model is not known", integer{&p.Dim}),
		line("max_tokens", "tokens of one text, where the model is not known", integer{&p.MaxTokens}),
		line("query_prompt", "put before each query", text{&p.QueryPrompt}),
		line("passage_prompt", "put before each passage", text{&p.PassagePrompt}),
		line("max_batch", "texts of one request", integer{&p.MaxBatch}),
		line("max_batch_tokens", "tokens of one request", integer{&p.MaxBatchTokens}),
		line("concurrency", "requests at once", integer{&p.Concurrency}),
		line("timeout", "of one try", duration{&p.Timeout}),
		line("price_per_million_tokens", "US dollars, to count the cost", number{&p.PricePerMillionTokens}),
	}
}

// Secret is a text that prints as "[secret]"; string(s) is the text itself.
type Secret string

const hidden = "[secret]"

// String, GoString, Format, MarshalText and LogValue hide the secret, but not
// that there is one.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}
func (s Secret) GoString() string             { return s.String() }
func (s Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(s.String())) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }

type secret struct{ p *Secret }

func (v secret) Set(s string) error { *v.p = Secret(s); return nil }
func (v secret) String() string     { return v.p.String() }

type number struct{ p *float64 }

func (v number) String() string { return strconv.FormatFloat(*v.p, 'g', -1, 64) }
func (v number) Set(s string) error {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return fmt.Errorf("%q is not a number", s)
	}
	*v.p = n
	return nil
}
