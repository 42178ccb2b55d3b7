package engine

import "strings"

// join makes candidates of both rankings.
func (s *search) join(dense, lexical []scored) ([]Candidate, error) {
	rows := make([]rowRef, 0, len(dense)+len(lexical))
	for _, d := range dense {
		rows = append(rows, d.rowRef)
	}
	var at map[rowRef]int // is not wanted for one leg
	if len(lexical) > 0 {
		at = positions(rows)
	}
	for _, l := range lexical {
		if _, ok := at[l.rowRef]; !ok {
			rows = append(rows, l.rowRef)
		}
	}
	list := s.candidates(rows)
	for i, d := range dense {
		list[i].Dense = Score{Value: scoreOf(d.score), Rank: i + 1, Known: true}
		if s.ranksWords() {
			list[i].Lexical = Score{Value: s.words.scoreRow(d.rowRef).Float(), Known: true}
		}
	}
	next := len(dense)
	for i, l := range lexical {
		if j, ok := at[l.rowRef]; ok {
			list[j].Lexical.Rank = i + 1
			continue
		}
		c := &list[next]
		next++
		c.Lexical = Score{Value: lexicalScore(l), Rank: i + 1, Known: true}
		if s.query.Vector != nil {
			var err error
			if c.Dense.Value, c.Dense.Known, err = s.exactScore(l.rowRef); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// positions tells where each row stands in the list.
func positions(rows []rowRef) map[rowRef]int {
	if len(rows) == 0 {
		return nil
	}
	at := make(map[rowRef]int, len(rows))
	for i, r := range rows {
		at[r] = i
	}
	return at
}

// candidates tells what the rows are, in their order. What is known of a row
// lies in several places of a file, far from what is known of the next: it is
// read place by place and not row by row, so that the processor waits for many
// rows at once.
func (s *search) candidates(rows []rowRef) []Candidate {
	list := make([]Candidate, len(rows))
	docs, ids := make([]uint32, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		seg := s.view.parts[r.part].seg
		docs[i] = seg.DocOf(r.row)
		list[i].Ordinal, list[i].Hash = seg.OrdinalOf(r.row), seg.HashOf(r.row)
	}
	size := 0
	for i, r := range rows {
		ids[i] = s.view.parts[r.part].seg.DocID(docs[i])
		size += len(ids[i])
	}
	for i, r := range rows {
		list[i].Version = s.view.parts[r.part].seg.VersionOf(docs[i])
	}
	var all strings.Builder // one copy for all: what the segment holds may be unmapped
	all.Grow(size)
	for i := range ids {
		from := all.Len()
		all.WriteString(plainID(ids[i]))
		list[i].DocID = all.String()[from:]
	}
	return list
}
