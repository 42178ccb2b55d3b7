package bm25

import "sort"

// BlockSize is how many postings share one pair of block maxima.
const BlockSize = 128

// List is one term's posting list in one segment: rows ascending, and for each
// how often the term occurs there (255 for more). Of each block of BlockSize
// postings it knows the greatest TF and the least norm of a row.
type List struct {
	Rows    []uint32
	TF      []uint8
	MaxTF   []uint8 // [blocks]
	MinNorm []Norm  // [blocks]
}

// NewList returns the list of a word that each of rows holds once.
func NewList(rows []uint32, norms []Norm) List {
	l := List{Rows: rows, TF: make([]uint8, len(rows))}
	for i := range l.TF {
		l.TF[i] = 1
	}
	l.FillBlocks(norms)
	return l
}

// FillBlocks computes the maxima of the blocks from the postings. It appends
// to MaxTF and MinNorm, which are empty or nil.
func (l *List) FillBlocks(norms []Norm) {
	for from := 0; from < len(l.Rows); from += BlockSize {
		to := min(from+BlockSize, len(l.Rows))
		most, least := uint8(0), Norm(255)
		for i := from; i < to; i++ {
			most, least = max(most, l.TF[i]), min(least, norms[l.Rows[i]])
		}
		l.MaxTF, l.MinNorm = append(l.MaxTF, most), append(l.MinNorm, least)
	}
}

// Term is a query term as it stands in one segment.
type Term struct {
	List
	Weight float64 // idf · occurrences in the query
}

// TFOf returns how often the term occurs in row, 0 for never.
func (l List) TFOf(row uint32) uint8 {
	i := sort.Search(len(l.Rows), func(i int) bool { return l.Rows[i] >= row })
	if i == len(l.Rows) || l.Rows[i] != row {
		return 0
	}
	return l.TF[i]
}

// Count returns how many of the list's rows are in set.
func (l List) Count(set []uint64) int {
	n := 0
	for _, row := range l.Rows {
		n += int(set[row>>6] >> (row & 63) & 1)
	}
	return n
}

// ScoreRow returns the score of one row.
func (s *Scorer) ScoreRow(terms []Term, norms []Norm, row uint32) Score {
	var sum Score
	for _, t := range terms {
		if tf := t.TFOf(row); tf > 0 {
			sum += s.Score(t.Weight, tf, norms[row])
		}
	}
	return sum
}
