package providertest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/quarry-search/quarry/internal/rag"
)

var roles = []rag.EmbedRole{rag.EmbedQuery, rag.EmbedPassage, rag.EmbedBackground}

var samples = []string{
	"How do I reset my password?",
	"Open the settings, choose Security, then Reset password; a link is sent to your address.",
	"The glacier has retreated by two kilometres since measurements began.",
	"",
	" \n\t ",
	"x",
	"Ünïcödé, 東京, العربية and 👍🏽",
	"bad \xff\xfe bytes",
	strings.Repeat("A long text says the same thing again and again. ", 200),
	"func main() { fmt.Println(\"hello\") }",
}

// Embedder checks the contract of rag.Embedder. open returns one that is
// ready; it is called once.
func Embedder(t *testing.T, open func(t *testing.T) rag.Embedder) {
	e := open(t)
	for name, check := range map[string]func(*testing.T, rag.Embedder){
		"identity":      identity,
		"unit vectors":  unitVectors,
		"empty list":    emptyList,
		"deterministic": deterministic,
		"order":         order,
		"batch":         batchEqualsSingle,
		"meaning":       meaning,
		"count":         count,
		"cancel":        cancel,
		"concurrent":    concurrent,
	} {
		t.Run(name, func(t *testing.T) { check(t, e) })
	}
}

func embed(t *testing.T, e rag.Embedder, role rag.EmbedRole, texts ...string) [][]float32 {
	t.Helper()
	v, err := e.Embed(t.Context(), role, texts)
	if err != nil {
		t.Fatalf("embed %d texts: %v", len(texts), err)
	}
	if len(v) != len(texts) {
		t.Fatalf("%d vectors for %d texts", len(v), len(texts))
	}
	return v
}

func identity(t *testing.T, e rag.Embedder) {
	first, again := e.Fingerprint(), e.Fingerprint()
	if first == "" || first != again {
		t.Errorf("fingerprint %q is empty, or becomes %q", first, again)
	}
	if e.Name() == "" || e.Dim() <= 0 || e.MaxTokens() <= 0 {
		t.Errorf("name %q, dim %d, at most %d tokens", e.Name(), e.Dim(), e.MaxTokens())
	}
}

func unitVectors(t *testing.T, e rag.Embedder) {
	for _, role := range roles {
		for i, v := range embed(t, e, role, samples...) {
			if len(v) != e.Dim() {
				t.Fatalf("role %d text %d: %d dimensions of %d", role, i, len(v), e.Dim())
			}
			if n := math.Sqrt(dot(v, v)); !(math.Abs(n-1) < 1e-4) {
				t.Errorf("role %d text %d: length %g", role, i, n)
			}
		}
	}
}

func emptyList(t *testing.T, e rag.Embedder) {
	for _, texts := range [][]string{nil, {}} {
		v, err := e.Embed(t.Context(), rag.EmbedPassage, texts)
		if err != nil || len(v) != 0 {
			t.Errorf("%d vectors, error %v", len(v), err)
		}
	}
}

func deterministic(t *testing.T, e rag.Embedder) {
	same(t, "second time", embed(t, e, rag.EmbedPassage, samples...), embed(t, e, rag.EmbedPassage, samples...))
	same(t, "interactive and background", embed(t, e, rag.EmbedPassage, samples...), embed(t, e, rag.EmbedBackground, samples...))
}

// order checks that results stand where their texts stood, over more texts
// than fit into one pass.
func order(t *testing.T, e rag.Embedder) {
	var texts []string
	for i := range 150 {
		texts = append(texts, fmt.Sprintf("text number %d is about %s", i, strings.Repeat("matter ", i%17)))
	}
	turned := make([]string, len(texts))
	for i, s := range texts {
		turned[len(texts)-1-i] = s
	}
	a, b := embed(t, e, rag.EmbedBackground, texts...), embed(t, e, rag.EmbedBackground, turned...)
	for i := range b[:len(b)/2] {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	same(t, "turned round", a, b)
}

func batchEqualsSingle(t *testing.T, e rag.Embedder) {
	batch := embed(t, e, rag.EmbedPassage, samples...)
	for i, s := range samples {
		same(t, fmt.Sprintf("text %d alone", i), batch[i:i+1], embed(t, e, rag.EmbedPassage, s))
	}
}

func meaning(t *testing.T, e rag.Embedder) {
	q := embed(t, e, rag.EmbedQuery, samples[0])[0]
	p := embed(t, e, rag.EmbedPassage, samples[1], samples[2])
	if near, far := dot(q, p[0]), dot(q, p[1]); near <= far {
		t.Errorf("the answer scores %g, another text %g", near, far)
	}
}

func count(t *testing.T, e rag.Embedder) {
	if n := e.CountTokens(""); n != 0 {
		t.Errorf("the empty text has %d tokens", n)
	}
	short, long := e.CountTokens("one two three"), e.CountTokens(strings.Repeat("one two three ", 1000))
	if short < 3 || long < 900*short {
		t.Errorf("counted %d tokens, and %d in a thousand times as much", short, long)
	}
}

func cancel(t *testing.T, e rag.Embedder) {
	for _, role := range roles {
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err := e.Embed(ctx, role, samples); !errors.Is(err, context.Canceled) {
			t.Errorf("role %d: error %v after cancelling", role, err)
		}
	}
}

func concurrent(t *testing.T, e rag.Embedder) {
	want := embed(t, e, rag.EmbedPassage, samples...)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			v, err := e.Embed(t.Context(), roles[1+g%2], samples)
			if err != nil {
				t.Errorf("embed: %v", err)
				return
			}
			same(t, "concurrent", want, v)
		})
	}
	wg.Wait()
}

// same allows differences of rounding.
func same(t *testing.T, what string, want, got [][]float32) {
	t.Helper()
	for i := range want {
		for d := range want[i] {
			if diff := math.Abs(float64(want[i][d]) - float64(got[i][d])); !(diff <= 1e-5) {
				t.Errorf("%s: text %d dimension %d: %g and %g", what, i, d, want[i][d], got[i][d])
				return
			}
		}
	}
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
