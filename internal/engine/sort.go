package engine

import (
	"cmp"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/filter"
)

// SortKey orders documents by an attribute. Values of one kind stand as
// filter.Order says; a list by its first element in that order; documents
// without the attribute last, whichever the order.
type SortKey struct {
	Field      string
	Descending bool
}

// sortedDoc is a document of a part.
type sortedDoc struct {
	part int
	doc  uint32
}

// sorted returns the first rows by attributes; equal documents stand by id, the
// rows of one by ordinal. Each part's documents are compared by the places of
// their values, and only the first of each part by the values themselves.
func (s *search) sorted() []Candidate {
	orders := make([][]segment.Order, len(s.view.parts))
	var docs []sortedDoc
	for i, p := range s.view.parts {
		orders[i] = make([]segment.Order, len(s.query.Sort))
		for j, key := range s.query.Sort {
			orders[i][j] = p.seg.Order(key.Field, key.Descending)
		}
		for _, doc := range s.firstOf(i, orders[i]) {
			docs = append(docs, sortedDoc{i, doc})
		}
	}
	slices.SortFunc(docs, func(a, b sortedDoc) int { return s.compareDocs(a, b, orders) })
	list := make([]Candidate, 0, s.query.Limit)
	for _, d := range docs {
		list = s.appendRows(list, d, orders[d.part])
		if len(list) == s.query.Limit {
			break
		}
	}
	return list
}

// firstOf returns the first documents of a part, as many as there can be rows
// wanted of it.
func (s *search) firstOf(part int, orders []segment.Order) []uint32 {
	docs, _ := s.sets[part].documents(s.view.parts[part])
	first := bounded[uint32]{limit: s.query.Limit, compare: func(a, b uint32) int {
		for i := range orders {
			if c := cmp.Compare(orders[i].Place(a), orders[i].Place(b)); c != 0 {
				return c
			}
		}
		return cmp.Compare(a, b)
	}}
	docs.Each(func(doc uint32) {
		if last, full := first.full(); full && orders[0].Place(doc) > orders[0].Place(last) {
			return
		}
		first.push(doc)
	})
	return first.list
}

func (s *search) compareDocs(a, b sortedDoc, orders [][]segment.Order) int {
	for j, key := range s.query.Sort {
		x, hasX := orders[a.part][j].Key(a.doc)
		y, hasY := orders[b.part][j].Key(b.doc)
		switch {
		case hasX && hasY:
			c := strings.Compare(x, y)
			if key.Descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		case hasX:
			return -1
		case hasY:
			return 1
		}
	}
	return strings.Compare(s.view.parts[a.part].seg.DocID(a.doc), s.view.parts[b.part].seg.DocID(b.doc))
}

// appendRows appends the allowed rows of a document up to the limit, and to
// GroupSize.
func (s *search) appendRows(list []Candidate, d sortedDoc, orders []segment.Order) []Candidate {
	values := make([]filter.Value, len(orders))
	for j := range orders {
		if key, ok := orders[j].Key(d.doc); ok {
			values[j] = segment.KeyValue(strings.Clone(key))
		}
	}
	from, to := s.view.parts[d.part].seg.RowsOf(d.doc)
	rows, n := s.sets[d.part].rows, 0
	var found []rowRef
	for row := from; row < to && len(list)+len(found) < s.query.Limit; row++ {
		if !rows.Get(row) {
			continue
		}
		if n++; s.query.GroupSize > 0 && n > s.query.GroupSize {
			break
		}
		found = append(found, rowRef{int32(d.part), row})
	}
	for _, c := range s.candidates(found) {
		c.SortValues = values
		list = append(list, c)
	}
	return list
}

// narrowToWords leaves in the sets the rows that hold at least one of the
// query's words: with an order by attributes, words only choose.
func (s *search) narrowToWords() {
	terms := s.terms(0)
	for i, p := range s.view.parts {
		match := segment.NewBits(p.seg.Rows())
		for _, t := range terms {
			for _, row := range t.lists[i].Rows {
				match.Set(row)
			}
		}
		match.And(s.sets[i].rows)
		s.sets[i] = &set{rows: match, count: match.Count()}
	}
}

// grouped returns what leg finds with at most GroupSize rows of each document.
// It asks for more until enough documents are among them: the rows that stay of
// a longer ranking begin with those that stay of a shorter one.
func (s *search) grouped(leg func(*search) ([]scored, error)) ([]scored, error) {
	if s.query.GroupSize == 0 {
		return leg(s)
	}
	deeper := *s
	for {
		list, err := leg(&deeper)
		if err != nil {
			return nil, err
		}
		s.words = deeper.words
		kept := s.firstOfEach(list)
		if len(kept) >= s.query.Limit || len(list) < deeper.query.Limit {
			return kept[:min(len(kept), s.query.Limit)], nil
		}
		deeper.query.Limit *= 4
	}
}

// firstOfEach keeps the first GroupSize rows of each document.
func (s *search) firstOfEach(list []scored) []scored {
	seen := make(map[sortedDoc]int, len(list))
	var kept []scored
	for _, r := range list {
		d := sortedDoc{int(r.part), s.view.parts[r.part].seg.DocOf(r.row)}
		if seen[d]++; seen[d] <= s.query.GroupSize {
			kept = append(kept, r)
		}
	}
	return kept
}
