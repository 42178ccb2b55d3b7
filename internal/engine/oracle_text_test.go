package engine

import (
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// oracleText is a query's text, compared with each row's tokens in turn.
type oracleText struct {
	clauses []clause.Clause
	spoken  bm25.Languages
}

func readText(text string, spoken bm25.Languages) oracleText {
	q, err := clause.Parse(text)
	if err != nil {
		panic(err)
	}
	return oracleText{q.Clauses, spoken}
}

func (r *oracleRow) length() (n uint32) {
	for _, t := range r.tokens {
		if t.Term != "" {
			n += t.Field.Weight()
		}
	}
	return n
}

func (r *oracleRow) any(f func(t segment.Token) bool) bool { return slices.ContainsFunc(r.tokens, f) }

func analysed(l bm25.Language, text string) (list []bm25.Token) {
	bm25.Analyze(l, text, func(t bm25.Token) { list = append(list, t) })
	return list
}

// holds reports whether a row holds what a clause with an operator looks for.
func (x oracleText) holds(r *oracleRow, c clause.Clause) bool {
	var forms, whole []string
	for _, t := range analysed(bm25.English, c.Text) {
		forms = append(forms, t.Form)
		if !t.Part {
			whole = append(whole, t.Form)
		}
	}
	switch {
	case c.Kind == clause.Phrase || len(whole) > 1:
		return r.holdsPhrase(forms)
	case c.Kind == clause.Prefix:
		return r.any(func(t segment.Token) bool { return strings.HasPrefix(t.Form, whole[0]) })
	case c.Kind == clause.Fuzzy:
		return r.any(func(t segment.Token) bool { return edits(t.Form, whole[0]) <= c.Edits })
	}
	found := false
	x.spoken.Each(func(l bm25.Language) {
		word := analysed(l, c.Text)[0]
		found = found || r.any(func(t segment.Token) bool {
			return t.Term == word.Term && (word.Term != "" || t.Form == word.Form)
		})
	})
	return found
}

func (r *oracleRow) holdsPhrase(forms []string) bool {
	for i := range r.tokens {
		n := 0
		for n < len(forms) && i+n < len(r.tokens) && r.tokens[i+n].Form == forms[n] && r.tokens[i+n].Field == r.tokens[i].Field {
			n++
		}
		if n == len(forms) {
			return true
		}
	}
	return false
}

// edits is the optimal string alignment distance.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
		for j := range d[i] {
			switch {
			case i == 0:
				d[i][j] = j
			case j == 0:
			case x[i-1] == y[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
				if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
					d[i][j] = min(d[i][j], 1+d[i-2][j-2])
				}
			}
		}
	}
	return d[len(x)][len(y)]
}

func (x oracleText) allows(r *oracleRow) bool {
	for _, c := range x.clauses {
		if c.Occur != clause.Should && x.holds(r, c) != (c.Occur == clause.Must) {
			return false
		}
	}
	return true
}

// score adds up the BM25 scores of rows, which are all that the scope sees.
func (x oracleText) score(rows []*oracleRow, scorer *bm25.Scorer) {
	for term, n := range x.counts() {
		tf := map[*oracleRow]uint32{}
		for _, r := range rows {
			for _, t := range r.tokens {
				if t.Term == term {
					tf[r] += t.Field.Weight()
				}
			}
		}
		for r, n2 := range tf {
			r.lexical += scorer.Score(float64(n)*bm25.IDF(len(rows), len(tf)), uint8(min(n2, 255)), bm25.NormOf(r.length()))
		}
	}
	for _, c := range x.clauses {
		if !x.scoresAsOne(c) {
			continue
		}
		found := slices.DeleteFunc(slices.Clone(rows), func(r *oracleRow) bool { return !x.holds(r, c) })
		for _, r := range found {
			r.lexical += scorer.Score(bm25.IDF(len(rows), len(found)), 1, bm25.NormOf(r.length()))
		}
	}
}

func (x oracleText) counts() map[string]int {
	most := map[string]int{}
	x.spoken.Each(func(l bm25.Language) {
		own := map[string]int{}
		for _, c := range x.clauses {
			if c.Occur == clause.MustNot || c.Kind == clause.Prefix {
				continue
			}
			for _, t := range analysed(l, c.Text) {
				if t.Term != "" {
					own[t.Term]++
					most[t.Term] = max(most[t.Term], own[t.Term])
				}
			}
		}
	})
	return most
}

func (x oracleText) scoresAsOne(c clause.Clause) bool {
	if c.Occur == clause.MustNot || c.Occur == clause.Should && c.Kind == clause.Words {
		return false
	}
	if c.Kind == clause.Prefix || c.Kind == clause.Fuzzy {
		return true
	}
	only := true
	x.spoken.Each(func(l bm25.Language) {
		for _, t := range analysed(l, c.Text) {
			only = only && t.Term == ""
		}
	})
	return only
}
