package chunk

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

// place says that chunk n of the former version stands at a byte of the new
// text.
type place struct{ n, at int }

// keyBytes is how much of a chunk's text finds candidates for it; shorter
// chunks are found only before and after all changes.
const (
	keyBytes      = 24
	maxCandidates = 4
)

// match finds the chunks of the former version whose text still stands in the
// new one: as many as possible, in order, not overlapping.
func match(prev Previous, text string) []place {
	before, after := commonPrefix(prev.Text, text), commonSuffix(prev.Text, text)
	shift := len(text) - len(prev.Text)
	var found []place
	var lost []int
	from, to := 0, len(text)
	for n, c := range prev.Chunks {
		s := c.Span
		if s.ByteStart < 0 || s.ByteEnd > len(prev.Text) || s.ByteStart >= s.ByteEnd {
			continue
		}
		switch {
		case s.ByteEnd <= before && stands(prev.Text, s, text, s.ByteStart):
			found = append(found, place{n, s.ByteStart})
			from = s.ByteEnd
		case s.ByteStart >= len(prev.Text)-after && stands(prev.Text, s, text, s.ByteStart+shift):
			found = append(found, place{n, s.ByteStart + shift})
			to = min(to, s.ByteStart+shift)
		default:
			lost = append(lost, n)
		}
	}
	if from < to {
		found = append(found, search(prev, lost, text, from, to)...)
	}
	return inOrder(found, prev.Chunks)
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// search looks for lost chunks between two places of the new text, at the
// starts of words.
func search(prev Previous, lost []int, text string, from, to int) []place {
	keys := map[string][]int{}
	for _, n := range lost {
		if t := prev.Chunks[n].Text; len(t) >= keyBytes {
			keys[t[:keyBytes]] = append(keys[t[:keyBytes]], n)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var found []place
	candidates := map[int]int{}
	for at := from; at+keyBytes <= to; at++ {
		if at > 0 && wordByte(text[at-1]) && wordByte(text[at]) {
			continue
		}
		for _, n := range keys[text[at:at+keyBytes]] {
			c := prev.Chunks[n]
			if candidates[n] < maxCandidates && strings.HasPrefix(text[at:], c.Text) &&
				stands(prev.Text, c.Span, text, at) {
				candidates[n]++
				found = append(found, place{n, at})
			}
		}
	}
	return found
}

func wordByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

// stands reports whether the span of the former text, found at a byte of the
// new one, is still delimited there: no word runs over its ends that did not.
func stands(old string, s rag.Span, text string, at int) bool {
	end := at + s.ByteEnd - s.ByteStart
	return delimited(old, s.ByteStart, text, at) && delimited(old, s.ByteEnd, text, end)
}

func delimited(old string, i int, text string, at int) bool {
	b, _ := utf8.DecodeLastRuneInString(text[:at])
	a, _ := utf8.DecodeRuneInString(text[at:])
	if at == 0 || at == len(text) || !unicode.IsLetter(b) && !unicode.IsDigit(b) ||
		!unicode.IsLetter(a) && !unicode.IsDigit(a) {
		return true
	}
	ob, _ := utf8.DecodeLastRuneInString(old[:i])
	oa, _ := utf8.DecodeRuneInString(old[i:])
	return ob == b && oa == a
}

// inOrder keeps the longest series of places that ascends in both texts
// (patience sorting), and of those none that overlaps the one before it.
func inOrder(found []place, chunks []rag.Chunk) []place {
	sort.Slice(found, func(i, j int) bool {
		if found[i].n != found[j].n {
			return found[i].n < found[j].n
		}
		return found[i].at > found[j].at
	})
	var tails []int // tails[k] ends the series of k+1 places with the least at
	before := make([]int, len(found))
	for i, p := range found {
		k := sort.Search(len(tails), func(k int) bool { return found[tails[k]].at >= p.at })
		before[i] = -1
		if k > 0 {
			before[i] = tails[k-1]
		}
		if k == len(tails) {
			tails = append(tails, i)
		} else {
			tails[k] = i
		}
	}
	if len(tails) == 0 {
		return nil
	}
	series := make([]place, len(tails))
	for i, k := tails[len(tails)-1], len(tails)-1; i >= 0; i, k = before[i], k-1 {
		series[k] = found[i]
	}
	out, end := series[:0], 0
	for _, p := range series {
		if p.at >= end {
			out = append(out, p)
			end = p.at + len(chunks[p.n].Text)
		}
	}
	return out
}
