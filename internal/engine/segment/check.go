package segment

import "slices"

// CheckPostings compares the posting lists with the tokens of the rows: each
// row's count in each list, and no posting more; and the rows of each form.
func (s *Segment) CheckPostings() error {
	counts := make(map[uint32]uint32)
	next := make([]uint64, s.terms.len()) // postings of each term that were met
	for row := range uint32(s.Rows()) {
		clear(counts)
		s.eachToken(row, func(form int, field TextField) {
			if t := s.formTerm[form]; t != noTerm {
				counts[t] += weights[field]
			}
		})
		for t, n := range counts {
			at := s.postings[t] + next[t]
			if at >= s.postings[t+1] || s.postRow[at] != row || uint32(s.postTF[at]) != min(n, 255) {
				return damaged("row %d has term %q %d times, its posting list differs", row, s.terms.get(int(t)), n)
			}
			next[t]++
		}
	}
	for t, n := range next {
		if s.postings[t]+n != s.postings[t+1] {
			return damaged("the posting list of term %q names rows without it", s.terms.get(t))
		}
	}
	return s.checkForms()
}

// checkForms compares the rows listed under each form with the tokens.
func (s *Segment) checkForms() error {
	met := make([]Bits, s.forms.len())
	for row := range uint32(s.Rows()) {
		s.eachToken(row, func(form int, _ TextField) {
			if met[form] == nil {
				met[form] = NewBits(int(row) + 1)
			}
			for uint32(len(met[form])*64) <= row {
				met[form] = append(met[form], 0)
			}
			met[form].Set(row)
		})
	}
	listed := NewBits(s.Rows())
	for form := range met {
		clear(listed)
		s.AddFormRows(form, listed)
		listed[:len(met[form])].AndNot(met[form])
		extra := listed.Count()
		clear(listed)
		s.AddFormRows(form, listed)
		if extra != 0 || listed.Count() != met[form].Count() {
			return damaged("the rows of the word %q are not those that hold it", s.forms.get(form))
		}
	}
	return nil
}

// CheckColumns compares the documents listed under each label and each value
// of a field with what the documents themselves say.
func (s *Segment) CheckColumns() error {
	b := builder{seg: &Segment{fields: map[string]*Column{}}, pairs: map[string][]pair{}, present: map[string][]uint32{}}
	for doc := range uint32(s.Docs()) {
		b.addFields(doc, decodeRecord(s.records.get(int(doc))))
	}
	b.finishColumns()
	if !s.access.same(&b.seg.access) {
		return damaged("the documents listed by label are not those with the label")
	}
	for key, want := range b.seg.fields {
		c := s.fields[key]
		if c == nil || !c.same(&want.column) || !slices.Equal(c.present, want.present) {
			return damaged("the documents listed by field %q are not those with its values", key)
		}
	}
	if len(s.fields) != len(b.seg.fields) {
		return damaged("there are fields that no document has")
	}
	return nil
}

// same reports whether both columns hold the same.
func (c *column) same(d *column) bool {
	return slices.Equal(c.values.ends, d.values.ends) && slices.Equal(c.values.blob, d.values.blob) &&
		slices.Equal(c.starts, d.starts) && slices.Equal(c.docs, d.docs)
}
