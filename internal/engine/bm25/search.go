package bm25

import (
	"cmp"
	"math/bits"
	"slices"
)

// Collector keeps the best rows of a search.
type Collector interface {
	// Threshold is the score that a row must reach to be kept: reaching it is
	// enough where ties are broken by other means.
	Threshold() Score
	Collect(row uint32, s Score)
}

// window is how many rows are scored at once: their sums stay in the first
// level of cache.
const window = 2048

// Search passes to c every row of allowed (a bit per row; nil allows all)
// whose score is above zero and can reach the threshold. Rows go up to
// len(norms).
//
// Block-max MaxScore (Ding and Suel, 2011) by windows: in each window the
// terms that cannot lift a row to the threshold together are not essential;
// the essential lists are summed, and the others looked up only for rows that
// may still get there.
func (s *Scorer) Search(terms []Term, norms []Norm, allowed []uint64, c Collector) {
	if len(terms) == 0 || len(norms) == 0 {
		return
	}
	w := search{Scorer: s, norms: norms, allowed: allowed, collector: c}
	for _, t := range terms {
		if len(t.Rows) > 0 {
			w.cursors = append(w.cursors, cursor{Term: t})
		}
	}
	for i := range w.cursors {
		w.order = append(w.order, &w.cursors[i])
	}
	for low := w.next(); low < uint32(len(norms)); low = w.next() {
		w.window(low, min(low+window, uint32(len(norms))))
	}
}

type cursor struct {
	Term
	at    int   // next posting
	bound Score // of the current window
}

type search struct {
	*Scorer
	norms     []Norm
	allowed   []uint64
	collector Collector
	cursors   []cursor
	order     []*cursor // by bound in the current window
	sums      [window]Score
	hit       [window / 64]uint64
}

// next returns the least row that any list has left.
func (w *search) next() uint32 {
	least := uint32(len(w.norms))
	for i := range w.cursors {
		if cur := &w.cursors[i]; cur.at < len(cur.Rows) {
			least = min(least, cur.Rows[cur.at])
		}
	}
	return least
}

// window handles the rows from low up to high.
func (w *search) window(low, high uint32) {
	for _, cur := range w.order {
		cur.bound = w.boundOf(cur, high)
	}
	slices.SortFunc(w.order, func(a, b *cursor) int { return cmp.Compare(a.bound, b.bound) })
	threshold := w.collector.Threshold()
	essential, rest := 0, Score(0)
	for essential < len(w.order) && rest+w.order[essential].bound < threshold {
		rest += w.order[essential].bound
		essential++
	}
	for _, cur := range w.order[essential:] {
		w.sum(cur, low, high)
	}
	if essential < len(w.order) {
		w.complete(low, high, w.order[:essential], rest)
		w.collect(low)
	}
	for _, cur := range w.order[:essential] {
		cur.seek(high)
	}
}

// boundOf is the most that the term adds to a row before high.
func (w *search) boundOf(cur *cursor, high uint32) Score {
	var most Score
	for at := cur.at; at < len(cur.Rows) && cur.Rows[at] < high; {
		block := at / BlockSize
		at = (block + 1) * BlockSize
		most = max(most, w.bound(cur.Weight, cur.MaxTF[block], cur.MinNorm[block]))
	}
	return most
}

// sum adds the term's scores in the window.
func (w *search) sum(cur *cursor, low, high uint32) {
	at := cur.at
	for ; at < len(cur.Rows) && cur.Rows[at] < high; at++ {
		row := cur.Rows[at]
		if w.allowed != nil && w.allowed[row>>6]>>(row&63)&1 == 0 {
			continue
		}
		i := row - low
		w.sums[i] += w.Score(cur.Weight, cur.TF[at], w.norms[row])
		w.hit[i>>6] |= 1 << (i & 63)
	}
	cur.at = at
}

// sparse is how many postings are read in a row for what one search among
// them costs.
const sparse = 12

// complete adds the scores of the other terms, the weightiest first, to the
// rows that were summed and that may still reach the threshold; the rest is
// what these terms add at most. It drops the rows that cannot.
func (w *search) complete(low, high uint32, others []*cursor, rest Score) {
	threshold := w.collector.Threshold()
	for j := len(others) - 1; j >= 0; j-- {
		left := w.prune(threshold, rest)
		if left == 0 {
			return
		}
		cur := others[j]
		rest -= cur.bound
		first := cur.at
		cur.seek(high)
		if end := cur.at; end-first <= sparse*left {
			w.add(cur, first, end, low)
		} else {
			cur.at = first
			w.look(cur, low)
		}
	}
	w.prune(threshold, rest)
}

// prune drops the rows that cannot reach threshold, and counts the others.
func (w *search) prune(threshold, rest Score) (left int) {
	for word, set := range w.hit {
		for ; set != 0; set &= set - 1 {
			bit := bits.TrailingZeros64(set)
			if i := word<<6 + bit; w.sums[i]+rest < threshold {
				w.sums[i] = 0
				w.hit[word] &^= 1 << bit
				continue
			}
			left++
		}
	}
	return left
}

// add adds the postings from first up to end to the rows that are left.
func (w *search) add(cur *cursor, first, end int, low uint32) {
	tf := cur.TF[first:end]
	for at, row := range cur.Rows[first:end] {
		if i := row - low; w.hit[i>>6]>>(i&63)&1 != 0 {
			w.sums[i] += w.Score(cur.Weight, tf[at], w.norms[row])
		}
	}
}

// look searches the postings for the rows that are left.
func (w *search) look(cur *cursor, low uint32) {
	for word, set := range w.hit {
		for ; set != 0; set &= set - 1 {
			i := uint32(word<<6 + bits.TrailingZeros64(set))
			row := low + i
			cur.seek(row)
			if cur.at < len(cur.Rows) && cur.Rows[cur.at] == row {
				w.sums[i] += w.Score(cur.Weight, cur.TF[cur.at], w.norms[row])
			}
		}
	}
}

// collect passes on the rows that are left, and clears the window.
func (w *search) collect(low uint32) {
	threshold := w.collector.Threshold()
	for word, set := range w.hit {
		w.hit[word] = 0
		for ; set != 0; set &= set - 1 {
			i := uint32(word<<6 + bits.TrailingZeros64(set))
			total := w.sums[i]
			w.sums[i] = 0
			if total >= threshold && total > 0 {
				w.collector.Collect(low+i, total)
				threshold = w.collector.Threshold()
			}
		}
	}
}

// seek moves to the first posting at or after row, galloping.
func (cur *cursor) seek(row uint32) {
	rows := cur.Rows
	low, step := cur.at, 1
	for low+step < len(rows) && rows[low+step] < row {
		low += step
		step *= 2
	}
	high := min(low+step+1, len(rows))
	for low < high {
		middle := (low + high) / 2
		if rows[middle] < row {
			low = middle + 1
		} else {
			high = middle
		}
	}
	cur.at = low
}
