package engine

import (
	"context"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/engine/ann"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// Large parts, of Options.GraphRows rows and more, have graphs. A search asks
// each graph, so there should be few: the largest part takes in the others
// once they hold a good share of its rows, and the rows that it did not have
// are inserted into a copy of its graph; until then, too many others become one
// among themselves. That is the work of the goroutine that builds graphs;
// batches and other merges leave large parts alone.
const (
	// mostBeside is how many other large parts there are at most.
	mostBeside = 3
	// growShare: the other large parts hold one of so many of the largest's rows.
	growShare = 4
	// reuseShare: a graph is built from nothing when it has lost more than one
	// of so many rows, or would hold fewer than one of so many of the result's.
	reuseShare = 3
)

// dueLarge returns large parts that should become one, or the one that has too
// many dead rows; nil when there are none.
func (v *view) dueLarge(large int) []*part {
	var list []*part
	rows, largest := 0, 0 // place in the list
	for _, p := range v.parts {
		if p.liveRows < large {
			continue
		}
		if (p.seg.Rows()-p.liveRows)*deadShare > p.seg.Rows() {
			return []*part{p}
		}
		if list = append(list, p); p.liveRows > list[largest].liveRows {
			largest = len(list) - 1
		}
		rows += p.liveRows
	}
	switch {
	case len(list) < 2:
		return nil
	case (rows-list[largest].liveRows)*growShare >= list[largest].liveRows:
		return list
	case len(list)-1 > mostBeside:
		return slices.Delete(list, largest, largest+1)
	}
	return nil
}

// consolidateOne merges large parts of one collection that should become one,
// with their graph, and reports whether there were such.
func (e *Engine) consolidateOne(ctx context.Context) (bool, error) {
	s := e.pin()
	defer s.unpin()
	var parts []*part
	var collection string
	var of *view
	s.each(func(name string, v *view) {
		if parts == nil {
			parts, collection, of = v.dueLarge(e.options.GraphRows), name, v
		}
	})
	if parts == nil {
		return false, nil
	}
	began := time.Now()
	err := e.consolidate(ctx, collection, of, parts)
	e.task(TaskMerge, began, err)
	if e.lost(err) {
		err = nil
	}
	return true, err
}

// consolidate makes one segment, with its graph, of parts of a view.
func (e *Engine) consolidate(ctx context.Context, collection string, of *view, parts []*part) error {
	seg, err := build(metricOf(parts), nil, parts)
	if err != nil {
		return err
	}
	var g *partGraph
	if of.fitForGraph(seg) {
		if g, err = e.makeGraph(ctx, seg, baseFor(seg, parts)); err != nil {
			return err
		}
	}
	if !e.replace(collection, parts, seg, g) && g != nil {
		return e.forget(g)
	}
	return nil
}

// base is a graph to begin with, and where its rows are in the new segment.
type base struct {
	graph *ann.Graph
	rowOf []uint32
}

// baseFor returns the graph of the largest part that has one, nil when none is
// worth being reused for seg, which was made of parts.
func baseFor(seg *segment.Segment, parts []*part) *base {
	var from *part
	for _, p := range parts {
		if p.graph != nil && (from == nil || p.liveRows > from.liveRows) {
			from = p
		}
	}
	if from == nil || (from.seg.Rows()-from.liveRows)*reuseShare > from.seg.Rows() || from.liveRows*reuseShare < seg.Rows() {
		return nil
	}
	return &base{from.graph.Graph, rowsIn(seg, from)}
}

// rowsIn says where the rows of a part are in a segment that was made of it.
// Both are sorted by document.
func rowsIn(seg *segment.Segment, p *part) []uint32 {
	rowOf := make([]uint32, p.seg.Rows())
	for i := range rowOf {
		rowOf[i] = ann.Gone
	}
	at := uint32(0)
	p.docs.Each(func(doc uint32) {
		id := p.seg.DocID(doc)
		for seg.DocID(at) != id {
			at++
		}
		from, to := p.seg.RowsOf(doc)
		row, _ := seg.RowsOf(at)
		for ; from < to; from++ {
			rowOf[from] = row
			row++
		}
	})
	return rowOf
}
