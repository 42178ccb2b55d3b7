package verify

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"

	"github.com/quarry-search/quarry/internal/rag"
)

func TestQuoteRefuses(t *testing.T) {
	const text = "Größe: 12 m. Länge: 3 m."
	good := rag.Span{ByteStart: 0, ByteEnd: 14, CharStart: 0, CharEnd: 12}
	if _, ok := Quote(text, good, "Größe: 12 m."); !ok {
		t.Fatal("a true quote was refused")
	}
	for name, c := range map[string]struct {
		span  rag.Span
		quote string
	}{
		"another byte":      {good, "Größe: 13 m."},
		"empty":             {rag.Span{}, ""},
		"past the end":      {rag.Span{ByteStart: 20, ByteEnd: 99, CharStart: 18, CharEnd: 97}, "x"},
		"before the start":  {rag.Span{ByteStart: -1, ByteEnd: 3}, "Grö"},
		"inverted":          {rag.Span{ByteStart: 9, ByteEnd: 3}, "x"},
		"inside a rune":     {rag.Span{ByteStart: 3, ByteEnd: 4, CharStart: 3, CharEnd: 4}, text[3:4]},
		"wrong char start":  {rag.Span{ByteStart: 0, ByteEnd: 14, CharStart: 1, CharEnd: 13}, "Größe: 12 m."},
		"wrong char length": {rag.Span{ByteStart: 0, ByteEnd: 14, CharStart: 0, CharEnd: 14}, "Größe: 12 m."},
	} {
		t.Run(name, func(t *testing.T) {
			if sum, ok := Quote(text, c.span, c.quote); ok || !sum.IsZero() {
				t.Errorf("accepted %q at %+v", c.quote, c.span)
			}
		})
	}
}

// Any substring verifies at its own place, and at no place that holds other
// bytes.
func TestQuoteIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runes := rapid.SliceOfN(rapid.SampledFrom([]rune("ab ü漢\n")), 1, 30).Draw(t, "text")
		text := string(runes)
		at := func(label string) rag.Span {
			a := rapid.IntRange(0, len(runes)-1).Draw(t, label)
			b := rapid.IntRange(a+1, len(runes)).Draw(t, label+" end")
			return rag.Span{ByteStart: len(string(runes[:a])), ByteEnd: len(string(runes[:b])), CharStart: a, CharEnd: b}
		}
		own, other := at("own"), at("other")
		quote := text[own.ByteStart:own.ByteEnd]
		sum, ok := Quote(text, own, quote)
		if !ok || sum != rag.HashBytes([]byte(quote)) {
			t.Fatalf("%q at its own place: %v", quote, ok)
		}
		_, ok = Quote(text, other, quote)
		if want := text[other.ByteStart:other.ByteEnd] == quote; ok != want {
			t.Fatalf("%q at %+v of %q: %v", quote, other, text, ok)
		}
		if utf8.RuneCountInString(quote) != own.CharEnd-own.CharStart {
			t.Fatal("the test's own span is wrong")
		}
	})
}
