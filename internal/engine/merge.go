package engine

import (
	"fmt"

	"github.com/quarry-search/quarry/internal/engine/segment"
)

// Segments are kept in tiers by their number of live rows: one that is below
// smallRows is merged with the next batch; fanout segments of one tier become
// one of the next. So a row is written once, and then once in each tier.
const (
	smallRows = 1024
	fanout    = 8
	// A segment with more than a quarter of its rows dead is written anew.
	deadShare = 4
)

// add puts new documents into the view, merging as the tiers want it.
func (v *view) add(docs []segment.Document) error {
	chosen := map[int]bool{}
	for i, p := range v.parts {
		dead := p.seg.Rows() - p.liveRows
		if p.liveRows < smallRows && (len(docs) > 0 || dead > 0) || dead*deadShare > p.seg.Rows() {
			chosen[i] = true
		}
	}
	if len(docs) == 0 && len(chosen) == 0 {
		return nil
	}
	if err := v.merge(docs, chosen); err != nil {
		return err
	}
	for tier := v.fullTier(); tier != nil; tier = v.fullTier() {
		if err := v.merge(nil, tier); err != nil {
			return err
		}
	}
	return nil
}

// merge replaces the chosen parts by one that also holds docs.
func (v *view) merge(docs []segment.Document, chosen map[int]bool) error {
	var inputs []segment.Part
	var rest []*part
	for i, p := range v.parts {
		if chosen[i] {
			inputs = append(inputs, segment.Part{Segment: p.seg, Live: p.docs})
		} else {
			rest = append(rest, p)
		}
	}
	seg, err := segment.Build(docs, inputs)
	if err != nil {
		return fmt.Errorf("build a segment: %w", err)
	}
	v.parts = append(rest, newPart(seg))
	return nil
}

// fullTier returns the parts of a tier that holds fanout of them, or nil.
func (v *view) fullTier() map[int]bool {
	tiers := map[int]map[int]bool{}
	for i, p := range v.parts {
		tier := 0
		for rows := p.liveRows / smallRows; rows >= fanout; rows /= fanout {
			tier++
		}
		if tiers[tier] == nil {
			tiers[tier] = map[int]bool{}
		}
		tiers[tier][i] = true
		if len(tiers[tier]) == fanout {
			return tiers[tier]
		}
	}
	return nil
}
