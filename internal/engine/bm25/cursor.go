package bm25

// cursor walks a term's postings.
type cursor struct {
	Term
	scale float64 // the weight in units of a Score
	from  int     // first posting that was added to the sums of the window
	at    int     // next posting
	bound Score   // of the current window
	block int     // whose bound blockBound is

	blockBound Score
}

// boundOf is the most that the term adds to a row before high.
func (w *search) boundOf(cur *cursor, high int) Score {
	var most Score
	for at := cur.at; at < len(cur.Rows) && int(cur.Rows[at]) < high; {
		block := at / BlockSize
		if block != cur.block {
			cur.block, cur.blockBound = block, w.bound(cur.Weight, cur.MaxTF[block], cur.MinNorm[block])
		}
		most = max(most, cur.blockBound)
		at = (block + 1) * BlockSize
	}
	return most
}

// seek moves to the first posting at or after row, galloping.
func (cur *cursor) seek(row int) {
	rows := cur.Rows
	low, step := cur.at, 1
	for low+step < len(rows) && int(rows[low+step]) < row {
		low += step
		step *= 2
	}
	high := min(low+step+1, len(rows))
	cur.at = low + lowerBound(rows[low:high], row)
}

// lowerBound returns how many of the ascending rows are below row.
func lowerBound(rows []uint32, row int) int {
	low, high := 0, len(rows)
	for low < high {
		middle := int(uint(low+high) / 2)
		if int(rows[middle]) < row {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
