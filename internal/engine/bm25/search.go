package bm25

import "sync"

// Collector keeps the best rows of a search.
type Collector interface {
	// Threshold is the score that a row must reach to be kept: reaching it is
	// enough where ties are broken by other means.
	Threshold() Score
	// Collect is called once for a row, in any order of rows.
	Collect(row uint32, s Score)
}

// Search passes to c every row of allowed (a bit per row; nil allows all)
// whose score is above zero and can reach the threshold. Rows go up to
// len(norms).
//
// Block-max MaxScore (Ding and Suel, 2011) by windows: in each window the
// terms that cannot lift a row to the threshold together are not essential;
// the essential lists are summed, and the others asked only for the rows that
// these brought near enough.
func (s *Scorer) Search(terms []Term, norms []Norm, allowed []uint64, c Collector) {
	if len(terms) == 0 || len(norms) == 0 {
		return
	}
	w := searches.Get().(*search)
	defer w.release()
	w.Scorer, w.shares, w.norms, w.allowed, w.collector = s, s.shares, norms, allowed, c
	for _, t := range terms {
		if len(t.Rows) > 0 {
			w.cursors = append(w.cursors, cursor{Term: t, scale: t.Weight * unit, block: -1})
		}
	}
	for i := range w.cursors {
		w.order = append(w.order, &w.cursors[i])
	}
	span := firstWindow
	for low := w.next(); low < len(norms); low = w.next() {
		w.window(low, min(low+span, len(norms)))
		span = min(2*span, window)
	}
}

const (
	// window is how many rows are scored at once, at most: their sums stay in
	// the second level of cache.
	window = 1 << 14
	// firstWindow is how many rows come first: while there is no threshold,
	// each row is collected that has one of the terms.
	firstWindow = 1 << 10
)

// search is one search of one segment.
type search struct {
	*Scorer
	shares    [tabled][256]float64 // the scorer's, at hand
	norms     []Norm
	allowed   []uint64
	collector Collector
	cursors   []cursor
	order     []*cursor // by bound in the current window
	near      [window + 1]uint16
	left      uint // rows of the window, in near, that may reach the threshold

	// Invariant: all zero between windows.
	sums [window]Score
}

// searches keeps the memory of searches that ended.
var searches = sync.Pool{New: func() any { return new(search) }}

// release forgets what was searched, which may be unmapped after it.
func (w *search) release() {
	clear(w.cursors)
	clear(w.order)
	w.cursors, w.order = w.cursors[:0], w.order[:0]
	w.Scorer, w.norms, w.allowed, w.collector = nil, nil, nil, nil
	searches.Put(w)
}

// next returns the least row that any list has left.
func (w *search) next() int {
	least := uint32(len(w.norms))
	for i := range w.cursors {
		if cur := &w.cursors[i]; cur.at < len(cur.Rows) {
			least = min(least, cur.Rows[cur.at])
		}
	}
	return int(least)
}
