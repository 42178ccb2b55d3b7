package bm25

import "math/bits"

// window handles the rows from low up to high.
func (w *search) window(low, high int) {
	for i := range w.cursors {
		cur := &w.cursors[i]
		cur.from, cur.bound = cur.at, w.boundOf(cur, high)
	}
	w.sort()
	threshold := w.collector.Threshold()
	others, rest := 0, Score(0) // terms that are not essential, and what they add at most
	for others < len(w.order) && rest+w.order[others].bound < threshold {
		rest += w.order[others].bound
		others++
	}
	switch few := w.allowedFew(low, high); {
	case others == len(w.order), few && w.left == 0:
		for i := range w.cursors {
			w.cursors[i].seek(high)
		}
		w.left = 0
		return
	case few:
		for _, cur := range w.order[others:] {
			rest += cur.bound
		}
		w.complete(low, high, w.order, threshold, rest)
		w.collect(low, threshold)
		w.clearAllowed(low, high)
	default:
		limit := max(threshold, rest+1) - rest
		for _, cur := range w.order[others:] {
			w.sum(cur, low, high, limit)
		}
		w.keepAllowed(low)
		w.complete(low, high, w.order[:others], threshold, rest)
		w.collect(low, threshold)
	}
	w.clear(low, high)
}

// sort orders the cursors by their bounds, which change little from window to
// window.
func (w *search) sort() {
	list := w.order
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j].bound < list[j-1].bound; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

// sum adds the term's scores in the window, and notes the rows that this
// brings to limit, which is above zero.
//
// The loop is most of a search. It has one branch that cannot be foretold, its
// end: what is noted is written always, and counts when a row comes to limit.
func (w *search) sum(cur *cursor, low, high int, limit Score) {
	rows := cur.Rows[cur.at:]
	tfs := cur.TF[cur.at:][:len(rows)]
	norms := w.norms[:high]
	scale, left, n := cur.scale, w.left, 0
	for ; n < len(rows); n++ {
		row := uint(rows[n])
		if row >= uint(len(norms)) {
			break
		}
		tf, norm := tfs[n], norms[row]
		var share float64
		if tf < tabled {
			share = w.shares[tf][norm]
		} else {
			share = w.share(tf, norm)
		}
		i := (uint32(row) - uint32(low)) % window
		before := w.sums[i]
		after := before + Score(int64(scale*share))
		w.sums[i] = after
		w.near[left%(window+1)] = uint16(i)
		left += uint((before - limit) &^ (after - limit) >> 63)
	}
	cur.at += n
	w.left = left
}

// sparse is how many postings are read in a row for what one search among
// them costs.
const sparse = 12

// complete adds the scores of the other terms, the weightiest first, to the
// rows that are near, and drops those that cannot reach the threshold; the
// rest is what these terms add at most.
func (w *search) complete(low, high int, others []*cursor, threshold, rest Score) {
	for j := len(others) - 1; j >= 0; j-- {
		cur := others[j]
		cur.seek(high)
		if w.left == 0 {
			cur.from = cur.at
			continue
		}
		if cur.at-cur.from <= sparse*int(w.left) {
			w.add(cur, low)
		} else {
			w.look(cur, low)
			cur.from = cur.at
		}
		rest -= cur.bound
		w.prune(max(threshold, rest) - rest)
	}
}

// prune drops the near rows that are below limit.
func (w *search) prune(limit Score) {
	left := uint(0)
	for _, i := range w.near[:w.left] {
		w.near[left] = i
		if w.sums[i%window] >= limit {
			left++
		}
	}
	w.left = left
}

// add adds all of the term's scores in the window.
func (w *search) add(cur *cursor, low int) {
	rows := cur.Rows[cur.from:cur.at]
	tfs := cur.TF[cur.from:][:len(rows)]
	norms := w.norms
	for n, row := range rows {
		w.sums[(row-uint32(low))%window] += w.scaled(cur.scale, tfs[n], norms[row])
	}
}

// look searches the term's postings in the window for the rows that are near.
func (w *search) look(cur *cursor, low int) {
	rows := cur.Rows[cur.from:cur.at]
	tfs := cur.TF[cur.from:][:len(rows)]
	for _, i := range w.near[:w.left] {
		row := low + int(i)
		if n := lowerBound(rows, row); n < len(rows) && int(rows[n]) == row {
			w.sums[i%window] += w.scaled(cur.scale, tfs[n], w.norms[row])
		}
	}
}

// collect passes on the rows that are near.
func (w *search) collect(low int, threshold Score) {
	for _, i := range w.near[:w.left] {
		if total := w.sums[i%window]; total >= threshold && total > 0 {
			w.collector.Collect(uint32(low)+uint32(i), total)
			threshold = w.collector.Threshold()
		}
	}
	w.left = 0
}

// clear makes the sums zero again: those that were added to when they are few.
func (w *search) clear(low, high int) {
	added := 0
	for i := range w.cursors {
		added += w.cursors[i].at - w.cursors[i].from
	}
	if added > (high-low)/8 {
		clear(w.sums[:high-low])
		return
	}
	for i := range w.cursors {
		cur := &w.cursors[i]
		for _, row := range cur.Rows[cur.from:cur.at] {
			w.sums[(row-uint32(low))%window] = 0
		}
	}
}

// fewAllowed is up to how many allowed rows of a window are scored one by one.
const fewAllowed = window / 64

// allowedFew reports whether few of the window's rows are allowed, and makes
// these the near ones.
func (w *search) allowedFew(low, high int) bool {
	if w.allowed == nil {
		return false
	}
	count := 0
	w.eachAllowed(low, high, func(set uint64, _ int) { count += bits.OnesCount64(set) })
	if count > fewAllowed {
		return false
	}
	w.eachAllowed(low, high, func(set uint64, row int) {
		for ; set != 0; set &= set - 1 {
			w.near[w.left] = uint16(row + bits.TrailingZeros64(set) - low)
			w.left++
		}
	})
	return true
}

// clearAllowed makes the sums of the allowed rows zero.
func (w *search) clearAllowed(low, high int) {
	w.eachAllowed(low, high, func(set uint64, row int) {
		for ; set != 0; set &= set - 1 {
			w.sums[row+bits.TrailingZeros64(set)-low] = 0
		}
	})
}

// eachAllowed calls f with the allowed rows of the window, 64 at a time from
// row on.
func (w *search) eachAllowed(low, high int, f func(set uint64, row int)) {
	for at := low &^ 63; at < high; at += 64 {
		set := w.allowed[at/64]
		if at < low {
			set &= ^uint64(0) << (low - at)
		}
		if high-at < 64 {
			set &= 1<<(high-at) - 1
		}
		if set != 0 {
			f(set, at)
		}
	}
}

// keepAllowed drops the near rows that are not allowed.
func (w *search) keepAllowed(low int) {
	if w.allowed == nil {
		return
	}
	left := uint(0)
	for _, i := range w.near[:w.left] {
		row := low + int(i)
		w.near[left] = i
		left += uint(w.allowed[row/64] >> (row % 64) & 1)
	}
	w.left = left
}
