package segment

// CheckPostings compares the posting lists with the terms of the rows: each
// row's count in each list, and no posting more.
func (s *Segment) CheckPostings() error {
	counts := make(map[int]int)
	next := make([]uint64, s.terms.len()) // postings of each term that were met
	for row := range uint32(s.Rows()) {
		clear(counts)
		s.eachToken(row, func(t int) { counts[t]++ })
		for t, n := range counts {
			at := s.postings[t] + next[t]
			if at >= s.postings[t+1] || s.postRow[at] != row || int(s.postTF[at]) != min(n, 255) {
				return damaged("row %d has term %q %d times, its posting list differs", row, s.terms.get(t), n)
			}
			next[t]++
		}
	}
	for t, n := range next {
		if s.postings[t]+n != s.postings[t+1] {
			return damaged("the posting list of term %q names rows without it", s.terms.get(t))
		}
	}
	return nil
}
