package segment

import (
	"sort"
	"unicode/utf8"
)

// FormsNear calls f with each form that is at most edits edits from word: a
// character inserted, deleted or replaced, or two neighbours swapped (optimal
// string alignment).
//
// The forms are walked in order with one row of the distance table for each
// character of their common prefix. Where no continuation of a prefix can be
// near enough, all forms that begin with it are skipped by a search.
func (s *Segment) FormsNear(word string, edits int, f func(form int)) {
	w := walk{word: []rune(word), edits: edits}
	w.reset()
	n := s.forms.len()
	for form := 0; form < n; {
		text := s.forms.get(form)
		dead := w.extend(text)
		if dead < 0 {
			if w.distance() <= edits {
				f(form)
			}
			form++
			continue
		}
		after, ok := successor(text[:dead])
		if !ok {
			return
		}
		form += skip(n-form, func(i int) bool { return s.forms.get(form+i) >= after })
	}
}

// skip is sort.Search that gallops first: what is looked for is mostly near.
func skip(n int, f func(int) bool) int {
	high := 1
	for high < n && !f(high) {
		high *= 2
	}
	low := high / 2
	high = min(high, n)
	return low + sort.Search(high-low, func(i int) bool { return f(low + i) })
}

// successor is the least string after all that begin with prefix.
func successor(prefix string) (string, bool) {
	b := []byte(prefix)
	for len(b) > 0 {
		if last := len(b) - 1; b[last] < 0xff {
			b[last]++
			return string(b), true
		}
		b = b[:len(b)-1]
	}
	return "", false
}

// walk is the distance table of word against the last text.
type walk struct {
	word  []rune
	edits int
	text  []rune
	ends  []int   // byte offset after each rune of text
	rows  [][]int // rows[i][j]: edits between text[:i] and word[:j]
	depth int     // rows that are filled, less one
	old   string
}

func (w *walk) reset() {
	first := make([]int, len(w.word)+1)
	for j := range first {
		first[j] = j
	}
	w.rows = append(w.rows[:0], first)
}

func (w *walk) distance() int { return w.rows[w.depth][len(w.word)] }

// extend fills the table for text, from where it differs from the last one.
// It returns the length in bytes of a prefix that no text near enough begins
// with, -1 if text has none.
func (w *walk) extend(text string) int {
	common := 0
	for common < len(text) && common < len(w.old) && text[common] == w.old[common] {
		common++
	}
	w.depth = 0
	for w.depth < len(w.text) && w.ends[w.depth] <= common {
		w.depth++
	}
	w.text, w.ends, w.old = w.text[:w.depth], w.ends[:w.depth], text
	at := 0
	if w.depth > 0 {
		at = w.ends[w.depth-1]
	}
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		at += size
		w.text, w.ends = append(w.text, r), append(w.ends, at)
		w.depth++
		if w.fill() {
			return at
		}
	}
	return -1
}

// fill computes the row of the last character and reports whether no text that
// goes on from here is near enough. A swap reaches over one row.
func (w *walk) fill() (dead bool) {
	i := w.depth
	if len(w.rows) == i {
		w.rows = append(w.rows, make([]int, len(w.word)+1))
	}
	above, row := w.rows[i-1], w.rows[i]
	row[0] = i
	least, leastAbove := i, above[0]
	for j := 1; j <= len(w.word); j++ {
		d := above[j-1]
		if w.word[j-1] != w.text[i-1] {
			d = 1 + min(d, above[j], row[j-1])
		}
		if i > 1 && j > 1 && w.word[j-1] == w.text[i-2] && w.word[j-2] == w.text[i-1] {
			d = min(d, w.rows[i-2][j-2]+1)
		}
		row[j] = d
		least, leastAbove = min(least, d), min(leastAbove, above[j])
	}
	return least > w.edits && leastAbove+1 > w.edits
}
