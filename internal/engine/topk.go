package engine

import (
	"math"
	"math/bits"
	"slices"
)

// rowRef is a row of a view: its part, and its ordinal there.
type rowRef struct {
	part int32
	row  uint32
}

// scored is a row with an order-preserving integer form of its score.
type scored struct {
	rowRef
	score uint64
}

// topK keeps the k best rows. Equal scores are ordered by chunk key, so that
// the result does not depend on how rows are spread over segments.
type topK struct {
	k    int
	view *view
	heap []scored // the worst on top
}

// before reports whether a stands before b in a ranking.
func (v *view) before(a, b scored) bool {
	if a.score != b.score {
		return a.score > b.score
	}
	if a.part == b.part {
		return a.row < b.row
	}
	return v.id(a.rowRef) < v.id(b.rowRef)
}

func (v *view) id(r rowRef) string {
	seg := v.parts[r.part].seg
	return seg.DocID(seg.DocOf(r.row))
}

// full returns the worst kept score once k rows are kept, else 0.
func (t *topK) full() uint64 {
	if len(t.heap) < t.k {
		return 0
	}
	return t.heap[0].score
}

// push offers a row.
func (t *topK) push(s scored) {
	h := t.heap
	if len(h) < t.k {
		if h == nil {
			h = make([]scored, 0, min(t.k, 1024))
		}
		t.heap = append(h, s)
		t.up(len(t.heap) - 1)
		return
	}
	if !t.view.before(s, h[0]) {
		return
	}
	h[0] = s
	t.down()
}

// up moves the row at i to where it belongs above.
func (t *topK) up(i int) {
	h := t.heap
	s := h[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !t.view.before(h[parent], s) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = s
}

// down moves the row on top to where it belongs below. Which of two children
// is worse cannot be foretold: the processor is not made to guess.
func (t *topK) down() {
	h, i := t.heap, 0
	s := h[0]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) {
			a, b := h[child], h[child+1]
			if a.score == b.score && t.view.before(a, b) {
				child++
			}
			_, less := bits.Sub64(b.score, a.score, 0)
			child += int(less)
		}
		if !t.view.before(s, h[child]) {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = s
}

// ranking empties the heap, best first.
func (t *topK) ranking() []scored {
	list := t.heap
	t.heap = nil
	slices.SortFunc(list, func(a, b scored) int {
		if t.view.before(a, b) {
			return -1
		}
		return 1
	})
	return list
}

// orderedScore maps floats to integers in the same order; none maps to 0.
func orderedScore(f float32) uint64 {
	u := uint64(math.Float32bits(f))
	if u>>31 != 0 {
		return 1<<32 - u
	}
	return u + 1<<32
}

// scoreOf is the inverse of orderedScore.
func scoreOf(u uint64) float32 {
	if u < 1<<32 {
		return math.Float32frombits(uint32(1<<32 - u))
	}
	return math.Float32frombits(uint32(u - 1<<32))
}
