package engine

import (
	"cmp"
	"maps"
	"slices"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/engine/bm25"
)

// Bounds of the work of one query: how many of its distinct terms are looked
// up, the first ones, and how many of these count, the weightiest.
const (
	maxDistinctTerms = 1024
	maxQueryTerms    = 64
)

// words is the lexical side of a search.
type words struct {
	scorer *bm25.Scorer
	terms  [][]bm25.Term // [part]
	norms  [][]bm25.Norm // [part]
}

func (w *words) scoreRow(r rowRef) bm25.Score {
	if len(w.terms[r.part]) == 0 {
		return 0
	}
	return w.scorer.ScoreRow(w.terms[r.part], w.norms[r.part], r.row)
}

// lexical returns the best rows by BM25.
//
// Statistics count the rows that the scope sees: of an unrestricted scope all
// live rows, else its own, whose document frequencies are counted once per
// scope, term and part. Neither the filter nor what the text requires and
// excludes changes them, so that a filtered search scores as the same search
// without.
func (s *search) lexical() []scored {
	s.words = words{terms: make([][]bm25.Term, len(s.view.parts)), norms: make([][]bm25.Norm, len(s.view.parts))}
	var stats bm25.Stats
	for i, set := range s.scoped {
		stats.Rows += set.count
		stats.Terms += set.terms
		s.words.norms[i] = s.view.parts[i].seg.Norms()
	}
	for _, q := range s.weigh(stats.Rows) {
		for i := range s.view.parts {
			if len(q.lists[i].Rows) > 0 {
				s.words.terms[i] = append(s.words.terms[i], bm25.Term{List: q.lists[i], Weight: q.weight})
			}
		}
	}
	s.words.scorer = s.engine.scorer(stats)
	top := &lexicalTop{topK: topK{k: s.query.Limit, view: s.view, heap: make([]scored, 0, min(s.query.Limit, stats.Rows))}}
	for i, p := range s.view.parts {
		if s.sets[i].count == 0 {
			continue
		}
		allowed := s.sets[i].rows
		if s.sets[i].count == p.seg.Rows() {
			allowed = nil
		}
		top.part = int32(i)
		s.words.scorer.Search(s.words.terms[i], s.words.norms[i], allowed, top)
	}
	return top.ranking()
}

// scorer returns a scorer of rows with these statistics: the last one, as long
// as nothing changes.
func (e *Engine) scorer(stats bm25.Stats) *bm25.Scorer {
	last := e.lastScorer.Load()
	if last == nil || !last.Of(e.options.BM25, stats) {
		last = bm25.NewScorer(e.options.BM25, stats)
		e.lastScorer.Store(last)
	}
	return last
}

// queryTerm is a term of the query with its lists.
type queryTerm struct {
	weight float64     // idf · occurrences in the query
	lists  []bm25.List // [part]
}

// weigh returns the weightiest terms.
func (s *search) weigh(rows int) []queryTerm {
	out := s.terms(rows)
	if len(out) > maxQueryTerms {
		slices.SortStableFunc(out, func(a, b queryTerm) int { return cmp.Compare(b.weight, a.weight) })
		out = out[:maxQueryTerms]
	}
	return out
}

// terms returns what of the query occurs in scope, which has so many rows: its
// terms, and each of its prefixes and fuzzy words as if the words that it
// finds were one.
func (s *search) terms(rows int) []queryTerm {
	counts := s.counts()
	out := make([]queryTerm, 0, len(counts))
	for _, term := range slices.Sorted(maps.Keys(counts)) {
		q := queryTerm{lists: make([]bm25.List, len(s.view.parts))}
		df := 0
		for i, p := range s.view.parts {
			q.lists[i] = p.seg.Postings(term)
			switch {
			case len(q.lists[i].Rows) == 0:
			case s.scoped[i].count == p.seg.Rows():
				df += len(q.lists[i].Rows)
			default:
				df += s.scoped[i].frequency(term, q.lists[i])
			}
		}
		if df > 0 {
			q.weight = float64(counts[term]) * bm25.IDF(rows, df)
			out = append(out, q)
		}
	}
	for i := range s.wanted {
		if !s.wanted[i].asOne {
			continue
		}
		if q, ok := s.asOne(&s.wanted[i], rows); ok {
			out = append(out, q)
		}
	}
	return out
}

// counts returns how often each term occurs in the query: of the languages
// that the scope's documents are in, in the one in which it occurs most.
func (s *search) counts() map[string]int {
	counts := map[string]int{}
	s.spoken().Each(func(l bm25.Language) {
		own := map[string]int{}
		for _, w := range s.wanted {
			if w.Occur == clause.MustNot || w.Kind == clause.Prefix {
				continue
			}
			bm25.Analyze(l, w.Text, func(t bm25.Token) {
				if t.Term != "" && (own[t.Term] > 0 || len(own) < maxDistinctTerms) {
					own[t.Term]++
					counts[t.Term] = max(counts[t.Term], own[t.Term])
				}
			})
		}
	})
	return counts
}

// scoresAsOne reports whether what a clause finds counts as one term: a prefix
// and a fuzzy word do, whose words the query does not name, and a required
// clause of nothing but stop words.
func (s *search) scoresAsOne(w wanted) bool {
	switch {
	case w.Occur == clause.MustNot:
		return false
	case w.prefix != "" || w.near != "":
		return true
	case w.Occur == clause.Should:
		return false
	}
	only := true
	s.spoken().Each(func(l bm25.Language) {
		bm25.Analyze(l, w.Text, func(t bm25.Token) { only = only && t.Term == "" })
	})
	return only
}

// asOne is a term that occurs once in each row that the clause finds.
func (s *search) asOne(w *wanted, rows int) (q queryTerm, ok bool) {
	q.lists = make([]bm25.List, len(s.view.parts))
	df := 0
	for i, p := range s.view.parts {
		found := s.inScope(w, i)
		list := found.AppendTo(make([]uint32, 0, found.Count()))
		df += len(list)
		q.lists[i] = bm25.NewList(list, p.seg.Norms())
	}
	q.weight = bm25.IDF(rows, df)
	return q, df > 0
}

// lexicalTop collects one part's rows into the ranking of all.
type lexicalTop struct {
	topK
	part int32
}

// Threshold and Collect make it a bm25.Collector.
func (t *lexicalTop) Threshold() bm25.Score { return bm25.Score(t.full()) }

func (t *lexicalTop) Collect(row uint32, s bm25.Score) {
	t.push(scored{rowRef{t.part, row}, uint64(s)})
}

func lexicalScore(s scored) float32 { return bm25.Score(s.score).Float() }
