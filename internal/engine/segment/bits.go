package segment

import "math/bits"

// Bits is a set of small ordinals: a bit each.
type Bits []uint64

// NewBits returns an empty set for ordinals below n.
func NewBits(n int) Bits { return make(Bits, (n+63)/64) }

// AllBits returns the set of all ordinals below n.
func AllBits(n int) Bits {
	b := NewBits(n)
	b.SetRange(0, uint32(n))
	return b
}

// Get, Set and Clear read and write one ordinal's bit.
func (b Bits) Get(i uint32) bool { return b[i>>6]>>(i&63)&1 != 0 }
func (b Bits) Set(i uint32)      { b[i>>6] |= 1 << (i & 63) }
func (b Bits) Clear(i uint32)    { b[i>>6] &^= 1 << (i & 63) }

// SetRange sets the ordinals from up to to.
func (b Bits) SetRange(from, to uint32) { b.eachWord(from, to, func(w int, m uint64) { b[w] |= m }) }

// ClearRange clears the ordinals from up to to.
func (b Bits) ClearRange(from, to uint32) {
	b.eachWord(from, to, func(w int, m uint64) { b[w] &^= m })
}

func (b Bits) eachWord(from, to uint32, f func(word int, mask uint64)) {
	for from < to {
		word := from >> 6
		mask := ^uint64(0) << (from & 63)
		if end := (word + 1) << 6; to < end {
			mask &= 1<<(to&63) - 1
		}
		f(int(word), mask)
		from = (word + 1) << 6
	}
}

// And, AndNot and Or change b.
func (b Bits) And(c Bits) {
	for i := range b {
		b[i] &= c[i]
	}
}

func (b Bits) AndNot(c Bits) {
	for i := range b {
		b[i] &^= c[i]
	}
}

func (b Bits) Or(c Bits) {
	for i := range b {
		b[i] |= c[i]
	}
}

// Clone copies b.
func (b Bits) Clone() Bits { return append(Bits(nil), b...) }

// Count returns how many ordinals are set.
func (b Bits) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Intersects reports whether b and c share an ordinal.
func (b Bits) Intersects(c Bits) bool {
	for i := range b {
		if b[i]&c[i] != 0 {
			return true
		}
	}
	return false
}

// Each calls f with each ordinal, ascending.
func (b Bits) Each(f func(i uint32)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			f(uint32(i<<6 + bits.TrailingZeros64(w)))
		}
	}
}

// Spread adds to rows the rows of the documents in docs.
func (s *Segment) Spread(rows, docs Bits) {
	starts := s.docRow
	for i, w := range docs {
		for ; w != 0; w &= w - 1 {
			doc := i<<6 + bits.TrailingZeros64(w)
			from, to := starts[doc], starts[doc+1]
			if to-from == 1 {
				rows[from>>6] |= 1 << (from & 63)
				continue
			}
			rows.SetRange(from, to)
		}
	}
}

// keep removes the ordinals for which f is false.
func (b Bits) keep(f func(i uint32) bool) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			if at := bits.TrailingZeros64(w); !f(uint32(i<<6 + at)) {
				b[i] &^= 1 << at
			}
		}
	}
}

// AppendTo appends the ordinals to list, ascending.
func (b Bits) AppendTo(list []uint32) []uint32 {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			list = append(list, uint32(i<<6+bits.TrailingZeros64(w)))
		}
	}
	return list
}
