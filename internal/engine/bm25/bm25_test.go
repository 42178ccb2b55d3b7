package bm25

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "github.com/quarry-search/quarry/internal/rapidseed"
)

func TestTerms(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"words", "The quick, brown fox-es JUMPED!", "quick brown fox es jump"},
		{"stemming", "running runner relational", "run runner relat"},
		{"possessive", "Alzheimer's dogs’ don't", "alzheim dog dont"},
		{"numbers", "1,000 pi 3.14. end 5,", "1,000 pi 3.14 end 5"},
		{"camel case", "getHTTPResponse", "gethttprespons get http respons"},
		{"snake case", "max_retry_count", "max_retry_count max retri count"},
		{"constants", "MAX_SIZE __init__", "max_siz max size init"},
		{"not identifiers", "Hello WORLD p53", "hello world p53"},
		{"accents", "Café Müller naïve ﬁne", "cafe muller naiv fine"},
		{"plain letters", "Straße Łódź Ørsted", "strass lodz orst"},
		{"cyrillic", "Привет МИР", "привет мир"},
		{"chinese", "信息检索 好", "信息 息检 检索 好"},
		{"mixed", "Go语言 v2", "go 语言 v2"},
		{"korean", "한국어", strings.Join(hangulPairs("한국어"), " ")},
		{"only stop words", "the of and", ""},
		{"nothing", " -- ' . ", ""},
		{"invalid utf-8", "a\xffbc \xc3", "bc"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, strings.Join(Terms(test.text), " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// hangulPairs spells what decomposition leaves of Korean: pairs of jamo would
// be noise, so syllables must have been composed again.
func hangulPairs(s string) []string {
	r := []rune(s)
	return []string{string(r[0:2]), string(r[1:3])}
}

func TestLongWordsAreCut(t *testing.T) {
	for _, text := range []string{strings.Repeat("a", 10_000), strings.Repeat("é", 1000), strings.Repeat("б", 1000)} {
		for _, term := range Terms(text) {
			if len(term) > maxTermBytes {
				t.Errorf("term of %d bytes", len(term))
			}
		}
	}
}

func FuzzTerms(f *testing.F) {
	f.Add("getHTTPResponse's 1.5 ’ Ö 信 a\xff")
	f.Fuzz(func(t *testing.T, text string) {
		for l := range languages {
			Analyze(Language(l), text, func(token Token) {
				if token.Form == "" || len(token.Form) > maxTermBytes || len(token.Term) > maxTermBytes {
					t.Fatalf("%s: token %+v of %q", languages[l].tag, token, text)
				}
			})
		}
	})
}

func TestNormsAreOrderedAndClose(t *testing.T) {
	last := Norm(0)
	for length := uint32(0); length < 600_000; length++ {
		n := NormOf(length)
		if n < last || int(n) > int(last)+1 {
			t.Fatalf("length %d has norm %d after %d", length, n, last)
		}
		last = n
		if back := n.length(); back > length || length < 500_000 && float64(length-back) > float64(length)/16 {
			t.Fatalf("length %d reads back as %d", length, back)
		}
	}
	if n := NormOf(1 << 31); n != 255 {
		t.Errorf("the greatest length has norm %d", n)
	}
}

func TestRareTermsWeighMore(t *testing.T) {
	if a, b := IDF(1000, 1), IDF(1000, 900); a <= b || b <= 0 {
		t.Errorf("idf of a rare term %v, of a common one %v", a, b)
	}
}
