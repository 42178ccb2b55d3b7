package bm25

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

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

// all collects every row; best keeps the k best, ties by row.
type best struct {
	k    int
	rows []hit
}

type hit struct {
	row   uint32
	score Score
}

func (b *best) Threshold() Score {
	if len(b.rows) < b.k {
		return 0
	}
	return b.rows[len(b.rows)-1].score
}

func (b *best) Collect(row uint32, s Score) {
	b.rows = append(b.rows, hit{row, s})
	slices.SortFunc(b.rows, func(x, y hit) int {
		if x.score != y.score {
			if x.score > y.score {
				return -1
			}
			return 1
		}
		return int(x.row) - int(y.row)
	})
	b.rows = b.rows[:min(b.k, len(b.rows))]
}

// TestSearchEqualsScoringEachRow holds pruning to the score of every row, to
// the bit and with ties, on lists long enough for many blocks and windows.
func TestSearchEqualsScoringEachRow(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rows := rapid.IntRange(1, 9000).Draw(r, "rows")
		lengths := make([]Norm, rows)
		x := rapid.Uint64().Draw(r, "seed") | 1
		next := func(n int) int { x ^= x << 13; x ^= x >> 7; x ^= x << 17; return int(x % uint64(n)) }
		var stats Stats
		for i := range lengths {
			lengths[i] = NormOf(uint32(1 + next(90)))
			stats.Rows++
			stats.Terms += uint64(lengths[i].length())
		}
		var terms []Term
		for range rapid.IntRange(1, 6).Draw(r, "terms") {
			gap := rapid.SampledFrom([]int{1, 3, 40, 900}).Draw(r, "gap")
			l := makeList(lengths, gap, next)
			terms = append(terms, Term{l, IDF(rows, len(l.Rows))})
		}
		var allowed []uint64
		if rapid.Bool().Draw(r, "filtered") {
			allowed = make([]uint64, rows/64+1)
			for i := range allowed {
				half, other := uint64(next(1<<62)), uint64(next(1<<62))
				allowed[i] = half & other
			}
		}
		k := rapid.IntRange(1, 30).Draw(r, "k")
		scorer := NewScorer(DefaultParams, stats)
		want := &best{k: k}
		for row := range uint32(rows) {
			if allowed != nil && allowed[row>>6]>>(row&63)&1 == 0 {
				continue
			}
			if s := scorer.ScoreRow(terms, lengths, row); s > 0 {
				want.Collect(row, s)
			}
		}
		got := &best{k: k}
		scorer.Search(terms, lengths, allowed, got)
		if diff := cmp.Diff(want.rows, got.rows, cmp.AllowUnexported(hit{})); diff != "" {
			r.Fatalf("%s", diff)
		}
	})
}

func makeList(norms []Norm, gap int, next func(int) int) List {
	var l List
	for row := next(gap); row < len(norms); row += 1 + next(gap) {
		l.Rows, l.TF = append(l.Rows, uint32(row)), append(l.TF, uint8(1+next(3)*next(3)))
	}
	l.FillBlocks(norms)
	return l
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
