package segment

import (
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
