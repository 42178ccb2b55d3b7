package bm25

import (
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
	for i := range w.cursors {
		w.cursors[i].bound = w.boundOf(&w.cursors[i], high)
	}
	slices.SortFunc(w.cursors, func(a, b cursor) int {
		switch {
		case a.bound < b.bound:
			return -1
		case a.bound > b.bound:
			return 1
		}
		return 0
	})
	threshold := w.collector.Threshold()
	essential, rest := 0, Score(0)
	for essential < len(w.cursors) && rest+w.cursors[essential].bound < threshold {
		rest += w.cursors[essential].bound
		essential++
	}
	for i := essential; i < len(w.cursors); i++ {
		w.sum(&w.cursors[i], low, high)
	}
	if essential < len(w.cursors) {
		w.collect(low, w.cursors[:essential], rest)
	}
	for i := range essential {
		w.cursors[i].seek(high)
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

// collect finishes the rows that were summed, and clears the window.
func (w *search) collect(low uint32, others []cursor, rest Score) {
	threshold := w.collector.Threshold()
	for word, set := range w.hit {
		w.hit[word] = 0
		for ; set != 0; set &= set - 1 {
			i := uint32(word<<6 + bits.TrailingZeros64(set))
			total := w.sums[i]
			w.sums[i] = 0
			row := low + i
			left := rest
			for j := len(others) - 1; j >= 0 && total+left >= threshold; j-- {
				cur := &others[j]
				left -= cur.bound
				cur.seek(row)
				if cur.at < len(cur.Rows) && cur.Rows[cur.at] == row {
					total += w.Score(cur.Weight, cur.TF[cur.at], w.norms[row])
				}
			}
			if total+left >= threshold && total > 0 {
				w.collector.Collect(row, total)
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
