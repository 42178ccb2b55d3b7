package httpapi

import (
	"math"
	"strings"
	"unicode/utf8"
)

// longText is an input that may be over a model's limit: a text, or the
// token ids of one.
type longText struct {
	text   string
	ids    []int // nil for a text
	tokens int
}

// cutter cuts texts by a model's own count of tokens.
type cutter struct {
	count func(string) int
	limit int // tokens of one piece
}

// first returns the longest beginning that fits, and the rest, whose tokens
// are not counted: that would make cutting quadratic.
func (c cutter) first(t longText) (head, rest longText) {
	if t.ids != nil {
		n := min(c.limit, len(t.ids))
		return longText{ids: t.ids[:n], tokens: n}, longText{ids: t.ids[n:]}
	}
	end := c.prefix(t.text)
	return longText{text: t.text[:end], tokens: c.count(t.text[:end])}, longText{text: t.text[end:]}
}

// prefix is the length in bytes of the longest beginning within the limit, cut
// at a space where one is near the end. It looks at little more of the text
// than it takes.
func (c cutter) prefix(text string) int {
	fits := func(n int) bool { return c.count(text[:boundary(text, n)]) <= c.limit }
	low, high := 0, min(64, len(text))
	for fits(high) {
		if high == len(text) {
			return high
		}
		low, high = high, min(2*high, len(text))
	}
	for high-low > 1 {
		if mid := (low + high) / 2; fits(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	end := boundary(text, low)
	if space := strings.LastIndexAny(text[:end], " \n\t"); space > end*3/4 {
		end = space + 1
	}
	if end == 0 { // not even one character fits: take it, so that there is progress
		_, end = utf8.DecodeRuneInString(text)
	}
	return end
}

// boundary is the last start of a character at or before n.
func boundary(text string, n int) int {
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

// pieces cuts a text into pieces that fit, at most most of them; ok is false
// when that was not enough.
func (c cutter) pieces(t longText, most int) (list []longText, ok bool) {
	for len(list) < most {
		var head longText
		head, t = c.first(t)
		list = append(list, head)
		if t.text == "" && len(t.ids) == 0 {
			return list, true
		}
	}
	return list, false
}

// pool is the mean of the pieces' vectors weighted by their tokens, at unit
// length.
func pool(vectors [][]float32, pieces []longText) []float32 {
	if len(vectors) == 1 {
		return vectors[0]
	}
	sum := make([]float64, len(vectors[0]))
	for i, v := range vectors {
		for d, x := range v {
			sum[d] += float64(x) * float64(max(1, pieces[i].tokens))
		}
	}
	out := make([]float32, len(sum))
	for d, x := range sum {
		out[d] = float32(x)
	}
	return unit(out)
}

// unit scales v to unit length; the zero vector stays.
func unit(v []float32) []float32 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return v
	}
	out := make([]float32, len(v))
	scale := 1 / math.Sqrt(sum)
	for d, x := range v {
		out[d] = float32(float64(x) * scale)
	}
	return out
}
