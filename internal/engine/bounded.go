package engine

// bounded keeps the first limit items, by compare, of those pushed.
type bounded[T any] struct {
	limit   int
	compare func(a, b T) int
	list    []T // a heap, the last of the kept on top
}

// full returns the last of the kept items once there are limit of them.
func (b *bounded[T]) full() (last T, ok bool) {
	if len(b.list) < b.limit || b.limit == 0 {
		return last, false
	}
	return b.list[0], true
}

func (b *bounded[T]) push(x T) {
	if b.limit == 0 {
		return
	}
	if len(b.list) == b.limit {
		if b.compare(x, b.list[0]) < 0 {
			b.list[0] = x
			b.down()
		}
		return
	}
	b.list = append(b.list, x)
	for i := len(b.list) - 1; i > 0; {
		parent := (i - 1) / 2
		if b.compare(b.list[parent], b.list[i]) >= 0 {
			return
		}
		b.list[parent], b.list[i] = b.list[i], b.list[parent]
		i = parent
	}
}

func (b *bounded[T]) down() {
	h, i := b.list, 0
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && b.compare(h[child], h[child+1]) < 0 {
			child++
		}
		if b.compare(h[i], h[child]) >= 0 {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
