package remote

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"
)

func TestEveryFaultyOptionIsListed(t *testing.T) {
	_, err := NewEmbedder(Options{
		Kind: "openai", BaseURL: "http://example.com/v1?x=1", Dim: -1, MaxTokens: -1, MaxBatch: -1, MaxBatchTokens: -1,
		Concurrency: 1000, Timeout: -1, Deadline: -2, PricePerMillionTokens: -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"model:", "key:", "base_url: must have no", "base_url: the key", "dim:", "max_tokens:", "max_batch:",
		"max_batch_tokens:", "concurrency:", "timeout:", "deadline:", "price_per_million_tokens:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	for name, o := range map[string]Options{
		"unknown kind":           {Kind: "openia"},
		"kind without reranker":  {Kind: "openai-rerank"},
		"no room":                {Kind: "tei", BaseURL: "http://h", Dim: 3, MaxTokens: 9, PassagePrompt: "represent this passage: "},
		"no address":             {Kind: "vllm", Model: "m", Dim: 3},
		"no URL":                 {Kind: "tei", BaseURL: "localhost:80", Dim: 3},
		"unknown length":         {Kind: "openai", Model: "new-model", Key: testKey},
		"longer than it has":     {Kind: "openai", Model: "text-embedding-3-small", Dim: 3072, Key: testKey},
		"cut of what has no cut": {Kind: "openai", Model: "text-embedding-ada-002", Dim: 512, Key: testKey},
	} {
		if _, err := NewEmbedder(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := NewReranker(Options{Kind: "openai", Model: "m", Key: testKey}); err == nil {
		t.Error("a reranker of a vendor without one was made")
	}
}

func TestDefaultsAreTheModels(t *testing.T) {
	e, err := NewEmbedder(Options{Kind: "openai", Model: "text-embedding-3-large", Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	if e.Dim() != 3072 || e.MaxTokens() != 8191 || e.Name() != "text-embedding-3-large" || !e.Matryoshka() || e.options.BaseURL != "https://api.openai.com/v1" {
		t.Errorf("%+v", e.options)
	}
}

func TestFingerprintFollowsWhatDecidesVectors(t *testing.T) {
	base := Options{Kind: "vllm", Model: "m", BaseURL: "http://a:1/v1", Dim: 8}
	of := func(change func(*Options)) string {
		o := base
		change(&o)
		e, err := NewEmbedder(o)
		if err != nil {
			t.Fatal(err)
		}
		return e.Fingerprint()
	}
	same := of(func(*Options) {})
	for name, change := range map[string]func(*Options){
		"key":   func(o *Options) { o.Key = testKey },
		"batch": func(o *Options) { o.MaxBatch = 3 },
		"path":  func(o *Options) { o.BaseURL = "http://a:1/v1/" },
	} {
		if of(change) != same {
			t.Errorf("%s changes the fingerprint", name)
		}
	}
	seen := map[string]string{same: "base"}
	for name, change := range map[string]func(*Options){
		"kind":           func(o *Options) { o.Kind = "llamacpp" },
		"model":          func(o *Options) { o.Model = "n" },
		"host":           func(o *Options) { o.BaseURL = "http://b:1/v1" },
		"dimension":      func(o *Options) { o.Dim = 9 },
		"query prompt":   func(o *Options) { o.QueryPrompt = "q" },
		"passage prompt": func(o *Options) { o.PassagePrompt = "q" },
	} {
		f := of(change)
		if other, there := seen[f]; there {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[f] = name
	}
}

func TestBatchesKeepOrderAndLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOf(rapid.StringMatching(`[a-z ]{0,60}`)).Draw(t, "texts")
		most, mostTokens := rapid.IntRange(1, 5).Draw(t, "most"), rapid.IntRange(1, 30).Draw(t, "tokens")
		next := 0
		for _, r := range batches(texts, most, mostTokens) {
			if r[0] != next || r[1] <= r[0] || r[1]-r[0] > most {
				t.Fatalf("range %v after %d", r, next)
			}
			next = r[1]
			tokens := 0
			for _, text := range texts[r[0]:r[1]] {
				tokens += estimate(text)
			}
			if tokens > mostTokens && r[1]-r[0] > 1 {
				t.Fatalf("range %v has %d tokens", r, tokens)
			}
		}
		if next != len(texts) {
			t.Fatalf("the ranges end at %d of %d", next, len(texts))
		}
	})
}

func TestCutKeepsWholeTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, n := rapid.String().Draw(t, "text"), rapid.IntRange(1, 20).Draw(t, "n")
		short := cut(text, n)
		if !strings.HasPrefix(text, short) || estimate(short) > n || !utf8.ValidString(short) {
			t.Fatalf("cut %q to %q of %d tokens", text, short, estimate(short))
		}
		if short != text && estimate(short) != n {
			t.Fatalf("%q was cut to %d tokens, not %d", text, estimate(short), n)
		}
	})
}

func TestEstimate(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, " ": 0, "a": 1, "word": 1, "words": 2, "one two three": 4, "2026-11-22": 6,
		"東京": 2, "мир": 2, "a\n\nb": 4, "👍": 1, "\xff": 1,
	} {
		if got := estimate(text); got != want {
			t.Errorf("%q is estimated at %d tokens, want %d", text, got, want)
		}
	}
}

func TestRateLimitHeaders(t *testing.T) {
	now := time.Unix(1_750_000_000, 0).UTC()
	for name, c := range map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"OpenAI":            {map[string]string{"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 20 * time.Millisecond},
		"OpenAI, long":      {map[string]string{"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, maxPause},
		"left over":         {map[string]string{"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "5s"}, 0},
		"Mistral, seconds":  {map[string]string{"x-ratelimit-remaining-req-minute": "0", "x-ratelimit-reset-req-minute": "9"}, 9 * time.Second},
		"without a reset":   {map[string]string{"x-ratelimit-remaining-req-minute": "0"}, 0},
		"the draft":         {map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "3"}, 3 * time.Second},
		"a point in time":   {map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1750000004"}, 4 * time.Second},
		"what is no number": {map[string]string{"X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "-5s"}, 0},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if got := exhausted(h, now); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for text, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0.5": 500 * time.Millisecond, now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat): 0, "soon": 0, "-3": 0, "1e30": 24 * time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("Retry-After %q: %v, want %v", text, got, want)
		}
	}
}

func TestPreparedTexts(t *testing.T) {
	o := Options{QueryPrompt: "query: ", PassagePrompt: "passage: ", MaxTokens: 6}
	got := []string{o.prepare(true, "x"), o.prepare(false, " \n"), o.prepare(false, "bad \xff"), o.prepare(false, "one two three four five six")}
	want := []string{"query: x", "passage: .", "passage: bad \uFFFD", "passage: one two thre"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
