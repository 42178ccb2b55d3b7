package engine

import (
	"slices"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// wanted is a clause of the text made ready to be compared with rows. One of
// its fields says with what.
type wanted struct {
	clause.Clause
	phrase []string // forms side by side
	near   string   // a form, for Edits of it
	prefix string   // of forms
	terms  []string // any of these terms,
	stop   string   // or this form where it is a stop word
	// asOne says that what the clause finds counts as one term of the score,
	// and found is that, once somebody asks: [part] rows in scope.
	asOne bool
	found []segment.Bits
}

// spoken is the languages of the documents that the scope sees. The words of a
// query are analysed in each of them.
func (s *search) spoken() (all bm25.Languages) {
	for _, set := range s.scoped {
		all |= set.spoken
	}
	return all
}

// want makes the clauses ready. One without words asks for nothing.
func (s *search) want() {
	for _, c := range s.text.Clauses {
		w := wanted{Clause: c}
		if c.Kind == clause.Words && c.Occur == clause.Should || w.read(s.spoken()) {
			w.asOne = s.scoresAsOne(w)
			s.wanted = append(s.wanted, w)
		}
	}
}

// read analyses the clause's text. A word of several parts, such as re-index,
// is a phrase.
func (w *wanted) read(languages bm25.Languages) bool {
	var forms, whole []string
	bm25.Analyze(bm25.English, w.Text, func(t bm25.Token) {
		forms = append(forms, t.Form)
		if !t.Part {
			whole = append(whole, t.Form)
		}
	})
	switch {
	case len(forms) == 0:
		return false
	case w.Kind == clause.Phrase || len(whole) > 1:
		w.phrase = forms
	case w.Kind == clause.Prefix:
		w.prefix = whole[0]
	case w.Kind == clause.Fuzzy:
		w.near = whole[0]
	default:
		languages.Each(func(l bm25.Language) {
			bm25.Analyze(l, w.Text, func(t bm25.Token) {
				switch {
				case t.Part:
				case t.Term == "":
					w.stop = t.Form
				case !slices.Contains(w.terms, t.Term):
					w.terms = append(w.terms, t.Term)
				}
			})
		})
	}
	return true
}

// inScope returns the rows in scope of a part that hold what is wanted.
func (s *search) inScope(w *wanted, part int) segment.Bits {
	if w.found == nil {
		w.found = make([]segment.Bits, len(s.view.parts))
	}
	if w.found[part] == nil {
		w.found[part] = w.rows(s.view.parts[part].seg, s.scoped[part].rows)
		w.found[part].And(s.scoped[part].rows)
	}
	return w.found[part]
}

// constrain takes from the sets what the text excludes and what lacks what it
// requires.
func (s *search) constrain() {
	if !s.text.Constrained() {
		return
	}
	s.sets = slices.Clone(s.sets)
	for i, p := range s.view.parts {
		rows := s.sets[i].rows.Clone()
		for j := range s.wanted {
			switch w := &s.wanted[j]; {
			case w.Occur == clause.Must && w.asOne && s.ranksWords():
				rows.And(s.inScope(w, i)) // which the score needs as well
			case w.Occur == clause.Must:
				rows.And(w.rows(p.seg, rows))
			case w.Occur == clause.MustNot:
				rows.AndNot(w.rows(p.seg, rows))
			}
		}
		s.sets[i] = &set{rows: rows, count: rows.Count()}
	}
}

// rows returns the rows that hold what is wanted, all of them that are in
// within at least.
func (w *wanted) rows(seg *segment.Segment, within segment.Bits) segment.Bits {
	rows := segment.NewBits(seg.Rows())
	switch {
	case w.phrase != nil:
		return phraseRows(seg, w.phrase, within)
	case w.prefix != "":
		for form, to := seg.FormsWithPrefix(w.prefix); form < to; form++ {
			seg.AddFormRows(form, rows)
		}
	case w.near != "":
		seg.FormsNear(w.near, w.Edits, func(form int) { seg.AddFormRows(form, rows) })
	default:
		for _, t := range w.terms {
			for _, row := range seg.Postings(t).Rows {
				rows.Set(row)
			}
		}
		for form, to := seg.Forms(w.stop); form < to; form++ {
			if seg.Stop(form) {
				seg.AddFormRows(form, rows)
			}
		}
	}
	return rows
}

// phraseRows returns the rows of within that hold the phrase: the rows that
// hold all its words first, then those of them that hold them in order.
func phraseRows(seg *segment.Segment, forms []string, within segment.Bits) segment.Bits {
	rows, word := within.Clone(), segment.NewBits(seg.Rows())
	for i, f := range forms {
		if slices.Contains(forms[:i], f) {
			continue
		}
		clear(word)
		for form, to := seg.Forms(f); form < to; form++ {
			seg.AddFormRows(form, word)
		}
		rows.And(word)
	}
	if len(forms) > 1 {
		seg.KeepPhrase(forms, rows)
	}
	return rows
}
