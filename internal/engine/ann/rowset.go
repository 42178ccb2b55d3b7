package ann

import "math/bits"

// rowSet is the rows that a search has met: a hash table, because a search
// meets few of all rows and a table of those stays in the cache.
type rowSet struct {
	slots []uint32 // row+1, 0 for none; a power of two, at most half full
	count int
	shift int
}

const perBeam = 64 // slots for each of a beam: more than twice what a search usually meets

// clear empties the set and sizes it for a beam.
func (s *rowSet) clear(beam int) {
	s.resize(perBeam * max(beam, 16))
	clear(s.slots)
}

// resize gives the set at least n slots, of any content.
func (s *rowSet) resize(n int) {
	log := bits.Len(uint(n - 1))
	if n = 1 << log; cap(s.slots) < n {
		s.slots = make([]uint32, n)
	}
	s.slots, s.count, s.shift = s.slots[:n], 0, 32-log
}

// add reports whether the row is new to the set, and puts it there.
func (s *rowSet) add(row uint32) bool {
	slots := s.slots
	mask := uint32(len(slots) - 1)
	for at := row * 0x9E3779B1 >> s.shift; ; at++ {
		switch slots[at&mask] {
		case row + 1:
			return false
		case 0:
			slots[at&mask] = row + 1
			if s.count++; 2*s.count > len(slots) {
				s.grow()
			}
			return true
		}
	}
}

func (s *rowSet) grow() {
	old := s.slots
	s.slots = nil
	s.resize(2 * len(old))
	for _, x := range old {
		if x != 0 {
			s.add(x - 1)
		}
	}
}
