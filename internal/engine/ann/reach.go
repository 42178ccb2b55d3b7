package ann

import "slices"

// Reach searches for each of some rows by its own code, with a beam of this
// width, and returns how many are found: they, or a row that is as near, as a
// copy is. Of many copies a search passes through few.
func (g *Graph) Reach(rows []uint32, beam int) (found int) {
	s := newScratch(g.codes)
	var near []Found
	for _, row := range rows {
		q := g.rowQuery(s, row)
		s.ids = append(s.ids[:0], row)
		s.score(g.codes, q)
		near, _ = g.Search(near[:0], q, beam, nil, nil, 0)
		copied := len(near) > 0 && near[0].Score >= s.out[0]
		if copied || slices.ContainsFunc(near, func(f Found) bool { return f.Row == row }) {
			found++
		}
	}
	return found
}
