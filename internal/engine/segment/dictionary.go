package segment

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/engine/bm25"
)

// noTerm is the term of a stop word's form.
const noTerm = ^uint32(0)

// word is a form with its term: what a dictionary of forms holds.
type word struct{ form, term string }

// intern returns the number of a form and its term.
func (b *builder) intern(form, term string) uint32 {
	n, ok := b.interned[word{form, term}]
	if !ok {
		n = uint32(len(b.words))
		w := word{form: strings.Clone(form)}
		if w.term = w.form; term != form {
			w.term = strings.Clone(term)
		}
		b.interned[w] = n
		b.words = append(b.words, w)
	}
	return n
}

// finishWords sorts the dictionaries and turns the rows' streams into token
// tables and posting lists.
func (b *builder) finishWords() {
	s := b.seg
	order := make([]uint32, len(b.words))
	var terms []string
	for i := range order {
		order[i] = uint32(i)
		if b.words[i].term != "" {
			terms = append(terms, b.words[i].term)
		}
	}
	sortYielding(order, func(x, y uint32) int {
		a, b := b.words[x], b.words[y]
		return cmp.Or(strings.Compare(a.form, b.form), strings.Compare(a.term, b.term))
	})
	slices.Sort(terms)
	for _, t := range slices.Compact(terms) {
		s.terms.add(t)
	}
	rank := make([]uint32, len(order))
	s.formTerm = make([]uint32, 0, len(order))
	for i, n := range order {
		rank[n] = uint32(i)
		s.forms.add(b.words[n].form)
		term := noTerm
		if t := b.words[n].term; t != "" {
			at, _ := s.terms.find(t)
			term = uint32(at)
		}
		s.formTerm = append(s.formTerm, term)
	}
	for i, n := range b.stream {
		if n != fieldBreak {
			b.stream[i] = rank[n]
		}
	}
	b.finishLengths()
	b.finishPostings()
	b.finishForms()
	b.encodeTokens()
}

// finishLengths counts the terms of each row.
func (b *builder) finishLengths() {
	s := b.seg
	s.lengths = make([]uint32, len(b.ends))
	b.eachOccurrence(func(row, form uint32, field TextField) {
		if s.formTerm[form] != noTerm {
			s.lengths[row] += weights[field]
		}
	})
	s.norms = make([]bm25.Norm, len(s.lengths))
	for row, length := range s.lengths {
		s.norms[row] = bm25.NormOf(length)
	}
}

// finishPostings sorts the occurrences by counting: how many rows hold each
// term, then each row into its place.
func (b *builder) finishPostings() {
	s, terms := b.seg, b.seg.terms.len()
	s.postings = make([]uint64, terms+1)
	last := make([]uint32, terms) // row + 1 in which the term was seen last
	b.eachOccurrence(func(row, form uint32, _ TextField) {
		if t := s.formTerm[form]; t != noTerm && last[t] != row+1 {
			last[t] = row + 1
			s.postings[t+1]++
		}
	})
	s.blocks = make([]uint32, terms+1)
	for t := range terms {
		s.blocks[t+1] = s.blocks[t] + uint32((s.postings[t+1]+bm25.BlockSize-1)/bm25.BlockSize)
		s.postings[t+1] += s.postings[t]
	}
	s.postRow = make([]uint32, s.postings[terms])
	s.postTF = make([]uint8, s.postings[terms])
	next := slices.Clone(s.postings)
	clear(last)
	b.eachOccurrence(func(row, form uint32, field TextField) {
		t := s.formTerm[form]
		if t == noTerm {
			return
		}
		if last[t] != row+1 {
			last[t] = row + 1
			s.postRow[next[t]] = row
			next[t]++
		}
		tf := &s.postTF[next[t]-1]
		*tf = uint8(min(uint32(*tf)+weights[field], 255))
	})
	for t := range terms {
		l := bm25.List{Rows: s.postRow[s.postings[t]:s.postings[t+1]], TF: s.postTF[s.postings[t]:s.postings[t+1]], MaxTF: s.maxTF, MinNorm: s.minNorm}
		l.FillBlocks(s.norms)
		s.maxTF, s.minNorm = l.MaxTF, l.MinNorm
	}
}

// finishForms lists the rows of each form. The rows of a form that alone has
// its term are those of the term, and not listed again.
func (b *builder) finishForms() {
	s, forms := b.seg, b.seg.forms.len()
	shared := make([]uint8, s.terms.len()) // forms of each term, at most 2
	for _, t := range s.formTerm {
		if t != noTerm {
			shared[t] = min(shared[t]+1, 2)
		}
	}
	last := make([]uint32, forms)
	starts := make([]uint64, forms+1)
	listed := func(row, form uint32) bool {
		if t := s.formTerm[form]; last[form] == row+1 || t != noTerm && shared[t] == 1 {
			return false
		}
		last[form] = row + 1
		return true
	}
	b.eachOccurrence(func(row, form uint32, _ TextField) {
		if listed(row, form) {
			starts[form+1]++
		}
	})
	for f := range forms {
		starts[f+1] += starts[f]
	}
	rows, next := make([]uint32, starts[forms]), slices.Clone(starts)
	clear(last)
	b.eachOccurrence(func(row, form uint32, _ TextField) {
		if listed(row, form) {
			rows[next[form]] = row
			next[form]++
		}
	})
	for f := range forms {
		previous := uint32(0)
		for _, row := range rows[starts[f]:starts[f+1]] {
			s.formRows.blob = binary.AppendUvarint(s.formRows.blob, uint64(row-previous))
			previous = row
		}
		s.formRows.ends = append(s.formRows.ends, uint64(len(s.formRows.blob)))
	}
}
