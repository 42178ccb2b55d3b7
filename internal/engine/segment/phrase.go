package segment

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/quarry-search/quarry/internal/engine/kernel"
)

// phrasePatterns bounds how many spellings of a phrase are searched for as
// bytes: more are walked through.
const phrasePatterns = 8

// KeepPhrase removes from set the rows that do not hold the forms side by
// side, in order, in one field. set holds no row that lacks one of them.
func (s *Segment) KeepPhrase(forms []string, set Bits) {
	type span struct{ from, to int }
	spans, product := make([]span, len(forms)), 1
	for i, f := range forms {
		spans[i].from, spans[i].to = s.Forms(f)
		product = min(product*(spans[i].to-spans[i].from), phrasePatterns+1)
	}
	if product > phrasePatterns {
		set.keep(func(row uint32) bool {
			return s.walksPhrase(row, len(forms), func(i, form int) bool { return form >= spans[i].from && form < spans[i].to })
		})
		return
	}
	spellings := []string{""}
	for _, sp := range spans {
		var next []string
		for _, p := range spellings {
			for form := sp.from; form < sp.to; form++ {
				next = append(next, string(binary.AppendUvarint([]byte(p), uint64(form+1))))
			}
		}
		spellings = next
	}
	patterns := make([]pattern, len(spellings))
	for i, p := range spellings {
		patterns[i] = newPattern(p)
	}
	for i := range set {
		s.prefetchTokens(i<<6, set[i])
		set[i : i+1].keep(func(bit uint32) bool {
			from, to := s.tokens.bounds(i<<6 + int(bit))
			return slices.ContainsFunc(patterns, func(p pattern) bool { return p.in(s.tokens.blob, from, to) })
		})
	}
}

// prefetchTokens asks for the streams of rows, 64 from row on of which set
// holds a bit each: they lie apart, and then arrive together.
func (s *Segment) prefetchTokens(row int, set uint64) {
	var offsets [64]uint64
	n := 0
	for ; set != 0; set &= set - 1 {
		offsets[n], _ = s.tokens.bounds(row + bits.TrailingZeros64(set))
		n++
	}
	kernel.PrefetchAt(s.tokens.blob, offsets[:n])
}

// pattern is varints to be found side by side in a row's stream, as bytes. Its
// first eight bytes are compared at once.
type pattern struct {
	bytes      string
	head, mask uint64 // the first eight bytes, and which of them there are
}

func newPattern(spelling string) pattern {
	p := pattern{bytes: spelling}
	for i := range min(len(spelling), 8) {
		p.head |= uint64(spelling[i]) << (8 * i)
		p.mask |= 0xff << (8 * i)
	}
	return p
}

// in reports whether the varints stand in blob between from and to, where a
// varint begins and one ends.
func (p pattern) in(blob []byte, from, to uint64) bool {
	last := int(to-from) - len(p.bytes)
	if last < 0 {
		return false
	}
	if uint64(len(blob)) < to+8 { // the last rows of the table
		blob = append(blob[from:to:to], make([]byte, 8)...)
	} else {
		blob = blob[from : to+8]
	}
	for at := 0; at <= last; at++ {
		next := bytes.IndexByte(blob[at:last+1], p.bytes[0])
		if next < 0 {
			return false
		}
		at += next
		if binary.LittleEndian.Uint64(blob[at:])&p.mask != p.head || at > 0 && blob[at-1] >= 0x80 {
			continue
		}
		if len(p.bytes) <= 8 || string(blob[at+8:at+len(p.bytes)]) == p.bytes[8:] {
			return true
		}
	}
	return false
}

// walksPhrase reports whether n tokens side by side in one field are each
// what is makes them.
func (s *Segment) walksPhrase(row uint32, n int, is func(i, form int) bool) bool {
	var window []int
	var in TextField
	found := false
	s.eachToken(row, func(form int, field TextField) {
		if field != in {
			window, in = window[:0], field
		}
		if window = append(window, form); len(window) > n {
			window = window[1:]
		}
		if found || len(window) < n {
			return
		}
		found = true
		for i, f := range window {
			found = found && is(i, f)
		}
	})
	return found
}
