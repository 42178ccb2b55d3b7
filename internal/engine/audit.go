package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/filter"
)

// Stored is what the index holds of a live document, without its words.
type Stored struct {
	ID      string
	Version int
	Access  []string
	Fields  map[string]filter.Value
	Rows    []StoredRow // in order
}

// StoredRow is a row of a stored document.
type StoredRow struct {
	Ordinal int
	Hash    Hash
}

// Collections lists the collections by name, without their pasts.
func (e *Engine) Collections() []string {
	var names []string
	e.state.Load().each(func(name string, _ *view) {
		if !strings.HasSuffix(name, pastSuffix) {
			names = append(names, name)
		}
	})
	slices.Sort(names)
	return names
}

// Stored lists live documents of a collection by id, after an id: limit of
// them, and with each all that have its id. One that stands more than once,
// which must not be, is listed as often.
func (e *Engine) Stored(collection, after string, limit int) ([]Stored, error) {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return nil, ErrClosed
	}
	for {
		list, err := e.stored(collection, after, limit)
		if err == nil || !e.lost(err) {
			return list, err
		}
	}
}

func (e *Engine) stored(collection, after string, limit int) ([]Stored, error) {
	s := e.pin()
	defer s.unpin()
	v := s.view(collection)
	if v == nil {
		return nil, ErrNoCollection
	}
	if err := v.ready(); err != nil {
		return nil, err
	}
	var list []storedRef
	for _, p := range v.parts {
		list = append(list, p.after(after, limit)...)
	}
	slices.SortFunc(list, func(a, b storedRef) int { return strings.Compare(a.id(), b.id()) })
	n := min(limit, len(list))
	for n > 0 && n < len(list) && list[n].id() == list[n-1].id() {
		n++
	}
	out := make([]Stored, n)
	for i, r := range list[:n] {
		out[i] = r.read()
	}
	return out, nil
}

// storedRef is a document of a part.
type storedRef struct {
	part *part
	doc  uint32
}

func (r storedRef) id() string { return r.part.seg.DocID(r.doc) }

// after lists the first live documents of the part behind an id.
func (p *part) after(id string, limit int) (list []storedRef) {
	doc, there := p.seg.Find(id)
	if there {
		doc++
	}
	for ; int(doc) < p.seg.Docs() && len(list) < limit; doc++ {
		if p.docs.Get(doc) {
			list = append(list, storedRef{p, doc})
		}
	}
	return list
}

func (r storedRef) read() Stored {
	d := r.part.seg.Summary(r.doc)
	for key := range d.Fields {
		if strings.HasPrefix(key, "\x00") { // see history.go
			delete(d.Fields, key)
		}
	}
	out := Stored{ID: d.ID, Version: d.Version, Access: d.Access, Fields: d.Fields}
	for row, end := r.part.seg.RowsOf(r.doc); row < end; row++ {
		out.Rows = append(out.Rows, StoredRow{r.part.seg.OrdinalOf(row), r.part.seg.HashOf(row)})
	}
	return out
}

// Reach is how many rows were looked for in graphs by their own vector, and
// how many of them were found.
type Reach struct{ Sampled, Found int64 }

const (
	reachSample = 200 // rows of each graph
	reachBeam   = beamLeast + 10*beamFactor
	reachLeast  = 0.95 // share of them that must be found
)

// CheckGraphs looks in each graph for some live rows, always the same ones,
// with the beam of a search for ten. A graph that cannot be read or finds too
// few of them is dropped: its segment is scanned, and gets another one.
func (e *Engine) CheckGraphs(ctx context.Context) (sum Reach, problems []error) {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return sum, []error{ErrClosed}
	}
	s := e.pin()
	defer s.unpin()
	s.each(func(name string, v *view) {
		for _, p := range v.parts {
			if ctx.Err() != nil || p.graph == nil && p.stored == nil || p.ready() != nil {
				continue
			}
			file, reach, err := e.reach(p)
			sum.Sampled += reach.Sampled
			sum.Found += reach.Found
			if err == nil {
				continue
			}
			found := &Problem{Collection: name, File: file, Err: err}
			problems = append(problems, found)
			e.install(name, p.seg, nil)
			e.report(found)
		}
	})
	if err := ctx.Err(); err != nil {
		problems = append(problems, err)
	}
	return sum, problems
}

// reach samples the graph of a part, which it reads when it was not yet.
func (e *Engine) reach(p *part) (file string, r Reach, err error) {
	g := p.graph
	if g == nil {
		if g, err = e.openGraph(p.stored.number, p.stored.check, p.seg); err != nil {
			return graphName(p.stored.number), r, err
		}
		defer func() { err = errors.Join(err, g.file.mapping.Close()) }()
	}
	rows := p.rows.AppendTo(nil)
	random := rand.New(rand.NewPCG(uint64(len(rows)), 3))
	sample := make([]uint32, min(reachSample, len(rows)))
	for i := range sample {
		j := i + random.IntN(len(rows)-i)
		rows[i], rows[j] = rows[j], rows[i]
		sample[i] = rows[i]
	}
	r = Reach{int64(len(sample)), int64(g.Reach(sample, reachBeam))}
	if float64(r.Found) < reachLeast*float64(r.Sampled) {
		err = fmt.Errorf("of %d rows that were looked for in the graph it finds %d", r.Sampled, r.Found)
	}
	return cmp.Or(graphFile(g), p.name()), r, err
}

// graphFile is the file of a graph, "" for one in memory.
func graphFile(g *partGraph) string {
	if g.file.number == 0 {
		return ""
	}
	return graphName(g.file.number)
}
