package engine

import (
	"maps"
	"slices"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/filter"
)

// Bounds of the work of one query: how many of its distinct terms are looked
// up, the first ones, and how many of these count, the weightiest.
const (
	maxDistinctTerms = 1024
	maxQueryTerms    = 64
)

// words is the lexical side of a search.
type words struct {
	scorer  bm25.Scorer
	terms   [][]bm25.Term // [part]
	lengths [][]uint32    // [part]
}

func (w *words) scoreRow(r rowRef) bm25.Score {
	return w.scorer.ScoreRow(w.terms[r.part], w.lengths[r.part], r.row)
}

// lexical returns the best rows by BM25.
//
// Statistics count the rows that the scope sees: of an unrestricted scope all
// live rows, else its own, whose document frequencies are counted once per
// scope, term and part. The filter does not change them, so that a filtered
// search scores as the same search without.
func (s *search) lexical() []scored {
	counts := map[string]int{}
	bm25.Analyze(s.query.Text, func(t string) {
		if counts[t] > 0 || len(counts) < maxDistinctTerms {
			counts[t]++
		}
	})
	if len(counts) == 0 {
		s.words = words{terms: make([][]bm25.Term, len(s.view.parts)), lengths: make([][]uint32, len(s.view.parts))}
		return nil
	}
	s.words = s.prepare(counts)
	top := &lexicalTop{topK: topK{k: s.query.Limit, view: s.view}}
	for i := range s.view.parts {
		if s.sets[i].count == 0 {
			continue
		}
		top.part = int32(i)
		s.words.scorer.Search(s.words.terms[i], s.words.lengths[i], s.sets[i].rows, top)
	}
	return top.ranking()
}

// prepare looks the terms up in every part and weighs them.
func (s *search) prepare(counts map[string]int) words {
	scoped := s.sets
	if !s.query.Filter.IsZero() {
		scoped = make([]*set, len(s.view.parts))
		key := setKey(s.query.Scope, filter.Filter{})
		for i, p := range s.view.parts {
			scoped[i] = p.allowed(key, s.query.Scope, filter.Filter{})
		}
	}
	var stats bm25.Stats
	for _, set := range scoped {
		stats.Rows += set.count
		stats.Terms += set.terms
	}
	w := words{scorer: bm25.NewScorer(s.engine.options.BM25, stats), terms: make([][]bm25.Term, len(s.view.parts))}
	for _, p := range s.view.parts {
		w.lengths = append(w.lengths, p.seg.Lengths())
	}
	for _, q := range s.weigh(counts, scoped, stats.Rows) {
		for i := range s.view.parts {
			if len(q.lists[i].Rows) > 0 {
				w.terms[i] = append(w.terms[i], bm25.Term{List: q.lists[i], Weight: q.weight})
			}
		}
	}
	return w
}

// queryTerm is a term of the query with its lists.
type queryTerm struct {
	term   string
	weight float64     // idf · occurrences in the query
	lists  []bm25.List // [part]
}

// weigh returns the query's terms that occur in scope.
func (s *search) weigh(counts map[string]int, scoped []*set, rows int) []queryTerm {
	var out []queryTerm
	for _, term := range slices.Sorted(maps.Keys(counts)) {
		q := queryTerm{term: term, lists: make([]bm25.List, len(s.view.parts))}
		df := 0
		for i, p := range s.view.parts {
			q.lists[i] = p.seg.Postings(term)
			switch {
			case len(q.lists[i].Rows) == 0:
			case scoped[i].count == p.seg.Rows():
				df += len(q.lists[i].Rows)
			default:
				df += scoped[i].frequency(term, q.lists[i])
			}
		}
		if df > 0 {
			q.weight = float64(counts[term]) * bm25.IDF(rows, df)
			out = append(out, q)
		}
	}
	if len(out) > maxQueryTerms {
		slices.SortStableFunc(out, func(a, b queryTerm) int {
			switch {
			case a.weight > b.weight:
				return -1
			case a.weight < b.weight:
				return 1
			}
			return 0
		})
		out = out[:maxQueryTerms]
	}
	return out
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
