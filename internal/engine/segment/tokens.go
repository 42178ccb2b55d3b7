package segment

import "encoding/binary"

// A row's tokens stand as a stream of varints: the ordinal of a form plus one,
// or 0 where the next text field begins.

// eachToken calls f with the ordinal of each token's form, in order.
func (s *Segment) eachToken(row uint32, f func(form int, field TextField)) {
	stream, field := s.tokens.get(int(row)), TextField(0)
	for len(stream) > 0 {
		v, n := uvarint(stream)
		stream = stream[n:]
		switch {
		case v == 0:
			field++
		case v <= uint64(s.forms.len()) && field < textFields:
			f(int(v-1), field)
		}
	}
}

// fieldBreak stands between the fields of a row in builder.stream.
const fieldBreak = ^uint32(0)

// weights are how often a term counts that stands in a field once: what is
// scored is a text in which the fields are repeated so many times.
var weights = [textFields]uint32{Title: 2, Heading: 1, Body: 1}

// Weight is how often a term counts that stands once in the field.
func (f TextField) Weight() uint32 { return weights[f] }

// addTokens appends the tokens of a new row to the stream.
func (b *builder) addTokens(tokens []Token) {
	field := TextField(0)
	for _, t := range tokens {
		for field < t.Field {
			b.stream = append(b.stream, fieldBreak)
			field++
		}
		b.stream = append(b.stream, b.intern(t.Form, t.Term))
	}
}

// addTokensOf appends the tokens of a row of an older segment.
func (b *builder) addTokensOf(old *Segment, row uint32, known []uint32) {
	field := TextField(0)
	old.eachToken(row, func(form int, in TextField) {
		for field < in {
			b.stream = append(b.stream, fieldBreak)
			field++
		}
		if known[form] == 0 {
			known[form] = b.intern(old.forms.get(form), old.termOf(form)) + 1
		}
		b.stream = append(b.stream, known[form]-1)
	})
}

// encodeTokens writes the rows' streams.
func (b *builder) encodeTokens() {
	s, from := b.seg, 0
	for _, end := range b.ends {
		for _, form := range b.stream[from:end] {
			s.tokens.blob = binary.AppendUvarint(s.tokens.blob, uint64(form+1)) // of a break 0
		}
		s.tokens.ends = append(s.tokens.ends, uint64(len(s.tokens.blob)))
		from = end
	}
}

// eachOccurrence calls f with the form of each token of each row.
func (b *builder) eachOccurrence(f func(row, form uint32, field TextField)) {
	from := 0
	for row, end := range b.ends {
		field := TextField(0)
		for _, form := range b.stream[from:end] {
			if form == fieldBreak {
				field++
				continue
			}
			f(uint32(row), form, field)
		}
		from = end
	}
}
