package segment

import (
	"encoding/binary"
	"sort"
	"strings"
)

// The rows of a form stand as varints of the difference to the row before; a
// form that alone has its term has none there, but those of the term.

// termOf returns the term of a form, "" for a stop word.
func (s *Segment) termOf(form int) string {
	if t := s.formTerm[form]; t != noTerm {
		return s.terms.get(int(t))
	}
	return ""
}

// Stop reports whether the form is a stop word's in its language.
func (s *Segment) Stop(form int) bool { return s.formTerm[form] == noTerm }

// Forms returns the range of ordinals of a form: one for each of its terms.
func (s *Segment) Forms(form string) (from, to int) {
	from, ok := s.forms.find(form)
	if !ok {
		return 0, 0
	}
	for to = from + 1; to < s.forms.len() && s.forms.get(to) == form; to++ {
	}
	return from, to
}

// FormsWithPrefix returns the range of the forms that begin with prefix.
func (s *Segment) FormsWithPrefix(prefix string) (from, to int) {
	from, _ = s.forms.find(prefix)
	n := sort.Search(s.forms.len()-from, func(i int) bool { return !strings.HasPrefix(s.forms.get(from+i), prefix) })
	return from, from + n
}

// AddFormRows adds the rows that hold a form to set.
func (s *Segment) AddFormRows(form int, set Bits) {
	list := s.formRows.get(form)
	if list == "" && s.formTerm[form] != noTerm {
		t := s.formTerm[form]
		for _, row := range s.postRow[s.postings[t]:s.postings[t+1]] {
			set.Set(row)
		}
		return
	}
	for row := uint64(0); len(list) > 0; {
		delta, n := uvarint(list)
		list = list[n:]
		if row += delta; row < uint64(s.Rows()) {
			set.Set(uint32(row))
		}
	}
}

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
	patterns := []string{""}
	for _, sp := range spans {
		var next []string
		for _, p := range patterns {
			for form := sp.from; form < sp.to; form++ {
				next = append(next, string(binary.AppendUvarint([]byte(p), uint64(form+1))))
			}
		}
		patterns = next
	}
	set.keep(func(row uint32) bool {
		stream := s.tokens.get(int(row))
		for _, p := range patterns {
			if holdsAligned(stream, p) {
				return true
			}
		}
		return false
	})
}

// holdsAligned reports whether the varints of pattern stand in stream.
func holdsAligned(stream, pattern string) bool {
	for at := 0; ; at++ {
		i := strings.Index(stream[at:], pattern)
		if i < 0 {
			return false
		}
		if at += i; at == 0 || stream[at-1] < 0x80 {
			return true
		}
	}
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
