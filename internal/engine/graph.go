package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/engine/ann"
	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/pages"
	"github.com/quarry-search/quarry/internal/engine/quant"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// partGraph is the proximity graph of a segment. It can be lost at any time:
// the scan does its work.
type partGraph struct {
	*ann.Graph
	lift  quant.Lift
	codes ann.Codes
	cost  graphCost
	file  *segmentFile // its mapping is the memory that graph and codes lie in; number 0 has no file
	check uint32
}

// storedGraph is a graph that was not read from its file yet.
type storedGraph struct {
	number uint64
	check  uint32
}

// graphName is the name of graph file number n.
func graphName(n uint64) string { return fmt.Sprintf("ann-%016x", n) }

// wantsGraph reports whether a graph would serve the part: it is large, and
// fit for one. It is made of segments whose file is written: those live long.
func (e *Engine) wantsGraph(v *view, p *part) bool {
	settled := p.file != nil || e.options.FS == nil
	return p.graph == nil && p.stored == nil && settled && p.liveRows >= e.options.GraphRows && v.fitForGraph(p.seg)
}

// fitForGraph reports whether every row of a segment has a vector, and the
// collection is not scored exactly.
func (v *view) fitForGraph(seg *segment.Segment) bool {
	has := seg.HasVector()
	return !v.settings.Exact && has != nil && has.Count() == seg.Rows()
}

// graphOne builds the graph of one part that wants one, and reports whether
// there was such.
func (e *Engine) graphOne(ctx context.Context) (bool, error) {
	s := e.pin()
	defer s.unpin()
	var wanting *part
	var collection string
	s.each(func(name string, v *view) {
		for _, p := range v.parts {
			if wanting == nil && e.wantsGraph(v, p) {
				wanting, collection = p, name
			}
		}
	})
	if wanting == nil {
		return false, nil
	}
	began := time.Now()
	err := wanting.ready()
	var g *partGraph
	if err == nil {
		g, err = e.makeGraph(ctx, wanting.seg, nil)
	}
	e.task(TaskGraph, began, err)
	if err = wanting.damage(err); err != nil && e.lost(err) {
		return true, nil
	}
	if err != nil {
		return true, err
	}
	if !e.install(collection, wanting.seg, g) {
		return true, e.forget(g)
	}
	return true, nil
}

// install makes g the graph of a segment, if that is still part of the state;
// nil takes a stored one away.
func (e *Engine) install(collection string, seg *segment.Segment, g *partGraph) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.state.Load()
	v := now.view(collection)
	if v == nil {
		return false
	}
	at := v.holding(seg)
	if at < 0 {
		return false
	}
	next := v.like()
	next.parts = slices.Clone(v.parts)
	next.parts[at] = v.parts[at].with(g)
	e.publish(now.seq, map[string]*view{collection: next})
	e.merged.Store(true)
	return true
}

// forget drops a graph that came too late, and its file: it may hold codes of
// what Scrub has removed meanwhile.
func (e *Engine) forget(g *partGraph) error {
	e.flushing.Lock()
	defer e.flushing.Unlock()
	name := graphName(g.file.number)
	delete(e.graphs, name)
	err := g.file.mapping.Close()
	if e.options.FS != nil {
		_ = e.options.FS.Remove(name) // else the next flush sweeps it
	}
	return err
}

// makeGraph builds the graph of a segment, out of another one if there is a
// base.
func (e *Engine) makeGraph(ctx context.Context, seg *segment.Segment, from *base) (*partGraph, error) {
	if err := seg.VerifyVectors(segment.AllBits(seg.Rows()).AppendTo(nil)); err != nil {
		return nil, err
	}
	lift := liftOf(seg)
	codes, memory, err := encodeRows(ctx, seg, lift)
	if err != nil {
		return nil, err
	}
	o := ann.DefaultOptions()
	o.Threads = max(1, runtime.GOMAXPROCS(0)/2)
	var g *ann.Graph
	if from == nil {
		g, err = ann.Build(ctx, codes, o)
	} else {
		g, err = ann.Extend(ctx, codes, o, from.graph, from.rowOf)
	}
	if err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	if e.options.FS == nil {
		made, err := newPartGraph(codes, g.Arrays(), lift)
		if err == nil {
			made.measure(seg)
		}
		return made, errors.Join(err, memory.Close())
	}
	number, check, err := e.writeGraph(g, codes, lift)
	if err = errors.Join(err, memory.Close()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFlush, err)
	}
	made, err := e.openGraph(number, check, seg)
	if err != nil { // %v: what is damaged is not the segment
		return nil, fmt.Errorf("%w: read back %s: %v", ErrFlush, graphName(number), err)
	}
	return made, nil
}

// newPartGraph copies codes and graph to large pages.
func newPartGraph(codes ann.Codes, a ann.Arrays, lift quant.Lift) (*partGraph, error) {
	neighbors := segment.Bytes(a.Neighbors)
	block, err := pages.New(len(codes.Data) + len(codes.Records) + len(neighbors))
	if err != nil {
		return nil, err
	}
	rest := block.Bytes()
	place := func(b []byte) []byte {
		n := copy(rest, b)
		placed := rest[:n:n]
		rest = rest[n:]
		return placed
	}
	// Sizes of code rows and neighbour lists are multiples of 64, and so is
	// where each table begins.
	codes.Data, codes.Records = place(codes.Data), place(codes.Records)
	a.Neighbors = segment.Uint32s(place(neighbors))
	for _, list := range []*[]byte{&a.Degrees, &a.TopDegrees} {
		*list = slices.Clone(*list)
	}
	for _, list := range []*[]uint32{&a.Sample, &a.TopNeighbors} {
		*list = slices.Clone(*list)
	}
	g := &partGraph{lift: lift, codes: codes, file: &segmentFile{mapping: block}}
	if g.Graph, err = ann.Open(codes, a); err != nil {
		return nil, errors.Join(err, block.Close())
	}
	return g, nil
}

// writeGraph writes codes and graph to a file.
func (e *Engine) writeGraph(g *ann.Graph, codes ann.Codes, lift quant.Lift) (number uint64, check uint32, err error) {
	e.flushing.Lock() // or a flush sweeps the file
	defer e.flushing.Unlock()
	number = e.next
	e.next++
	check, err = e.writeFile(graphName(number), func(w io.Writer) (uint32, error) {
		return segment.WriteSections(w, graphSections(g, codes, lift))
	})
	if err == nil {
		e.graphs[graphName(number)] = true
		err = e.options.FS.SyncDir()
	}
	return number, check, err
}

// graphSections are what a graph's file holds.
func graphSections(g *ann.Graph, codes ann.Codes, lift quant.Lift) []segment.Section {
	a := g.Arrays()
	return []segment.Section{
		{Name: "size", Bytes: segment.Bytes([]uint32{uint32(codes.Size)})},
		{Name: "longest", Bytes: segment.Bytes([]uint32{math.Float32bits(lift.Longest)})},
		{Name: "margin", Bytes: segment.Bytes([]uint32{math.Float32bits(a.Margin)})},
		{Name: "codes", Bytes: codes.Data},
		{Name: "records", Bytes: codes.Records},
		{Name: "neighbors", Bytes: segment.Bytes(a.Neighbors)},
		{Name: "degrees", Bytes: a.Degrees},
		{Name: "sample", Bytes: segment.Bytes(a.Sample)},
		{Name: "top_neighbors", Bytes: segment.Bytes(a.TopNeighbors)},
		{Name: "top_degrees", Bytes: a.TopDegrees},
	}
}

var errOtherGraph = errors.New("it is not the segment's graph")

// openGraph reads a graph file.
func (e *Engine) openGraph(number uint64, check uint32, seg *segment.Segment) (*partGraph, error) {
	mapping, err := e.options.FS.Map(graphName(number))
	if err != nil {
		return nil, err
	}
	g, err := readGraph(mapping.Bytes(), check, seg)
	if err != nil {
		return nil, errors.Join(err, mapping.Close())
	}
	g.measure(seg)
	g.check = check
	g.file.number, g.file.size = number, int64(len(mapping.Bytes()))
	return g, mapping.Close()
}

func readGraph(b []byte, want uint32, seg *segment.Segment) (*partGraph, error) {
	s, check, err := segment.OpenSections(b)
	if err != nil {
		return nil, err
	}
	size, longest, margin := segment.Uint32s(s["size"]), segment.Uint32s(s["longest"]), segment.Uint32s(s["margin"])
	if check != want || len(size) != 1 || len(longest) != 1 || len(margin) != 1 {
		return nil, errOtherGraph
	}
	centre, _ := seg.Centre()
	lift := quant.Lift{Metric: seg.Metric(), Centre: centre, Longest: math.Float32frombits(longest[0])}
	width := quant.Padded(lift.LiftedDim(seg.Dim()), kernel.CodeBlock)
	if int(size[0]) != width || len(s["codes"]) != seg.Rows()*width || len(s["records"]) != seg.Rows()*quant.RecordSize(width) {
		return nil, errOtherGraph
	}
	return newPartGraph(ann.Codes{Data: s["codes"], Records: s["records"], Size: width}, ann.Arrays{
		Margin:    math.Float32frombits(margin[0]),
		Neighbors: segment.Uint32s(s["neighbors"]), Degrees: s["degrees"], Sample: segment.Uint32s(s["sample"]),
		TopNeighbors: segment.Uint32s(s["top_neighbors"]), TopDegrees: s["top_degrees"],
	}, lift)
}

// records are the 1-bit records of the part's rows: those of its graph where
// they are the same, since they are in memory anyway.
func (p *part) records() []byte {
	if p.graph != nil && p.graph.lift.Metric == Cosine {
		return p.graph.codes.Records
	}
	return p.seg.Codes()
}
