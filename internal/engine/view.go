package engine

import (
	"slices"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// view is a snapshot of one collection: immutable.
type view struct {
	fingerprint string
	settings    VectorSettings
	history     History
	dim         int // of its vectors, 0 while there are none
	parts       []*part
	lost        uint64 // number of the last loss of documents, 0 when none lacks
}

// like returns an empty view of the same collection.
func (v *view) like() *view {
	return &view{fingerprint: v.fingerprint, settings: v.settings, history: v.history, dim: v.dim, lost: v.lost}
}

// part is a segment and which of its documents live. A document lives in one
// part of a view.
type part struct {
	seg      *segment.Segment
	file     *segmentFile // that seg lies in, nil while it is in memory only
	graph    *partGraph   // nil while there is none
	stored   *storedGraph // a graph in a file, nil without or when graph is that
	docs     segment.Bits // live documents
	rows     segment.Bits // their rows
	liveDocs int
	liveRows int
	vectors  int            // live rows with a vector
	terms    uint64         // total length of live rows
	spoken   bm25.Languages // of live documents
	sets     setCache
}

// newPart makes a part whose documents all live.
func newPart(seg *segment.Segment) *part {
	p := &part{seg: seg, docs: segment.AllBits(seg.Docs()), rows: segment.AllBits(seg.Rows())}
	p.count()
	return p
}

// without returns the part after the documents in dead died.
func (p *part) without(dead []uint32) *part {
	next := &part{seg: p.seg, file: p.file, graph: p.graph, stored: p.stored, docs: p.docs.Clone(), rows: p.rows.Clone()}
	for _, doc := range dead {
		next.docs.Clear(doc)
		next.rows.ClearRange(p.seg.RowsOf(doc))
	}
	next.count()
	return next
}

func (p *part) count() {
	p.liveDocs, p.liveRows = p.docs.Count(), p.rows.Count()
	lengths := p.seg.Lengths()
	p.rows.Each(func(row uint32) { p.terms += uint64(lengths[row]) })
	p.spoken = p.languages(p.docs)
	if has := p.seg.HasVector(); has != nil {
		with := p.rows.Clone()
		with.And(has)
		p.vectors = with.Count()
	}
}

// languages are those of documents that have rows: one without says nothing,
// like that which tells how far a past reaches.
func (p *part) languages(docs segment.Bits) (spoken bm25.Languages) {
	docs.Each(func(doc uint32) {
		if from, to := p.seg.RowsOf(doc); from < to {
			spoken.Add(p.seg.LanguageOf(doc))
		}
	})
	return spoken
}

// with returns the part with a graph.
func (p *part) with(g *partGraph) *part {
	return &part{
		seg: p.seg, file: p.file, graph: g, docs: p.docs, rows: p.rows,
		liveDocs: p.liveDocs, liveRows: p.liveRows, vectors: p.vectors, terms: p.terms, spoken: p.spoken,
	}
}

// files returns the files that the part lies in.
func (p *part) files() []*segmentFile {
	var list []*segmentFile
	if p.file != nil {
		list = append(list, p.file)
	}
	if p.graph != nil {
		list = append(list, p.graph.file)
	}
	return list
}

// find returns the live document with this id.
func (p *part) find(id string) (doc uint32, ok bool) {
	doc, ok = p.seg.Find(id)
	return doc, ok && p.docs.Get(doc)
}

// verify reports damage to the part, of the vectors to those of live rows.
func (p *part) verify() error {
	if p.file == nil {
		return nil
	}
	if err := p.ready(); err != nil {
		return err
	}
	return p.verifyVectors(p.rows.AppendTo(nil))
}

// holding returns the index of the part with this segment, -1 for none.
func (v *view) holding(seg *segment.Segment) int {
	return slices.IndexFunc(v.parts, func(p *part) bool { return p.seg == seg })
}

// whole reports that no document of the segment is dead.
func (p *part) whole() bool { return p.liveDocs == p.seg.Docs() }
