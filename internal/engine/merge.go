package engine

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/quarry-search/quarry/internal/engine/segment"
)

// Segments are kept in tiers by their number of live rows: those below
// Options.SmallRows are merged with the next batch, unless they are much larger than
// it; fanout segments of one tier become one of the next. So there are few
// segments, and a row is written a few times in each tier.
//
// Small segments are merged by whoever applies a batch. Large ones are merged
// by Run, the largest with their graphs; where it does not keep up, or does not run, the next batch waits for
// them after all.
const (
	growth = 4
	fanout = 8
	// patience is how many times fanout segments a tier may hold before a
	// batch does the work of Run.
	patience = 3
	// A segment with more than a quarter of its rows dead is written anew.
	deadShare = 4
)

// add puts new documents into the view, merging as the tiers want it.
func (v *view) add(docs []segment.Document, o Options, background bool) error {
	if len(docs) > 0 {
		if err := v.merge(docs, v.smallBeside(docs, o.SmallRows)); err != nil {
			return err
		}
	}
	most, large := fanout, math.MaxInt
	if background {
		most, large = patience*fanout, o.GraphRows
	}
	for {
		chosen := v.due(most, o.SmallRows, large)
		if chosen == nil || background && len(chosen) < most {
			return nil
		}
		if err := v.merge(nil, chosen); err != nil {
			return err
		}
	}
}

// smallBeside chooses the small parts that become one with new documents: each
// is at most growth times as large as what is merged into it.
func (v *view) smallBeside(docs []segment.Document, small int) map[int]bool {
	rows := 0
	for _, d := range docs {
		rows += len(d.Rows)
	}
	order := make([]int, len(v.parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(v.parts[a].liveRows, v.parts[b].liveRows) })
	chosen := map[int]bool{}
	for _, i := range order {
		n := v.parts[i].liveRows
		if n >= small || n > growth*max(rows, 1) {
			break
		}
		chosen[i] = true
		rows += n
	}
	return chosen
}

// merge replaces the chosen parts by one that also holds docs.
func (v *view) merge(docs []segment.Document, chosen map[int]bool) error {
	var inputs, rest []*part
	for i, p := range v.parts {
		if chosen[i] {
			inputs = append(inputs, p)
		} else {
			rest = append(rest, p)
		}
	}
	seg, err := build(v.settings.Metric, docs, inputs)
	if err != nil {
		return err
	}
	v.parts = rest
	if seg.Docs() > 0 {
		v.parts = append(v.parts, newPart(seg))
	}
	return nil
}

// metricOf is the metric of parts of one collection.
func metricOf(parts []*part) Metric {
	for _, p := range parts {
		if p.seg.Dim() > 0 {
			return p.seg.Metric()
		}
	}
	return Cosine
}

// build makes a segment of documents and of what lives in parts.
func build(metric Metric, docs []segment.Document, parts []*part) (*segment.Segment, error) {
	inputs := make([]segment.Part, len(parts))
	for i, p := range parts {
		if err := p.verify(); err != nil {
			return nil, err
		}
		inputs[i] = segment.Part{Segment: p.seg, Live: p.docs}
	}
	seg, err := segment.BuildFor(metric, docs, inputs)
	if err != nil {
		return nil, fmt.Errorf("build a segment: %w", err)
	}
	return seg, nil
}

// due returns parts that should become one: those of a tier that holds at
// least most, or one with too many dead rows; nil when there are none. Those of
// large rows and more are left alone.
func (v *view) due(most, small, large int) map[int]bool {
	tiers := map[int]map[int]bool{}
	for i, p := range v.parts {
		if p.liveRows >= large {
			continue
		}
		if (p.seg.Rows()-p.liveRows)*deadShare > p.seg.Rows() {
			return map[int]bool{i: true}
		}
		if p.liveRows < small {
			continue // the next batch takes it
		}
		tier := 0
		for rows := p.liveRows / small; rows >= fanout; rows /= fanout {
			tier++
		}
		if tiers[tier] == nil {
			tiers[tier] = map[int]bool{}
		}
		tiers[tier][i] = true
		if len(tiers[tier]) == most {
			return tiers[tier]
		}
	}
	return nil
}

// dueForGraph returns the parts that are too small for a graph each, once they
// hold rows enough for one together; nil before. So no more than that many rows
// are scanned for long. Those below small are left to the next batch.
func (v *view) dueForGraph(small, large int) map[int]bool {
	if v.dim == 0 || v.settings.Exact {
		return nil
	}
	chosen, rows := map[int]bool{}, 0
	for i, p := range v.parts {
		if p.liveRows >= small && p.liveRows < large {
			chosen[i] = true
			rows += p.liveRows
		}
	}
	if rows < large {
		return nil
	}
	return chosen
}
