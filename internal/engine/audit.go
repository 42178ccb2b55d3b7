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
func (e *Engine) Collections() []string { return e.state.Load().collections() }

func (s *state) collections() []string {
	var names []string
	s.each(func(name string, _ *view) {
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
	return whole(e, func(s *state) ([]Stored, error) { return s.stored(collection, after, limit) })
}

// Former is what the index holds of a former version.
type Former struct {
	Stored
	From, Until uint64 // seqs at which it appeared and went; From is 0 where that was before history was kept
	At          string // its place in the list
}

// Past is what the index keeps of a collection's past.
type Past struct {
	Kept   bool
	Oldest uint64 // the oldest seq that can be read
}

// Past tells how far back a collection can be read.
func (e *Engine) Past(collection string) (Past, error) {
	return whole(e, func(s *state) (Past, error) { return s.past(collection) })
}

// Former lists the former versions of a collection's documents by id and age,
// after a place in the list: limit of them. None where the past is not kept.
func (e *Engine) Former(collection, after string, limit int) ([]Former, error) {
	return whole(e, func(s *state) ([]Former, error) { return s.former(collection, after, limit) })
}

// whole reads a snapshot, and again without what turns out to be damaged.
func whole[T any](e *Engine, read func(s *state) (T, error)) (out T, err error) {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return out, ErrClosed
	}
	for {
		s := e.pin()
		out, err = read(s)
		s.unpin()
		if err == nil || !e.lost(err) {
			return out, err
		}
	}
}

func (s *state) stored(collection, after string, limit int) ([]Stored, error) {
	v := s.view(collection)
	if v == nil {
		return nil, ErrNoCollection
	}
	list, err := v.page(after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Stored, len(list))
	for i, r := range list {
		out[i], _ = r.read()
	}
	return out, nil
}

func (s *state) past(collection string) (Past, error) {
	v := s.view(collection + pastSuffix)
	if v == nil || v.lost > 0 {
		return Past{}, nil
	}
	if err := v.ready(); err != nil {
		return Past{}, err
	}
	return Past{Kept: true, Oldest: v.horizon().reaches(s.seq)}, nil
}

func (s *state) former(collection, after string, limit int) ([]Former, error) {
	v := s.view(collection + pastSuffix)
	if v == nil {
		return nil, nil
	}
	list, err := v.page(max(after, horizonID), limit)
	if err != nil {
		return nil, err
	}
	out := make([]Former, len(list))
	for i, r := range list {
		stored, hidden := r.read()
		out[i] = Former{Stored: stored, At: stored.ID,
			From: uint64(hidden[fieldFrom].Num()), Until: uint64(hidden[fieldUntil].Num())}
		out[i].ID = plainID(stored.ID)
	}
	return out, nil
}

// page lists the first live documents of a view behind an id, and with the last
// of them all that have its id.
func (v *view) page(after string, limit int) ([]storedRef, error) {
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
	return list[:n], nil
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

// read returns the document, and apart the fields that no caller can name.
func (r storedRef) read() (out Stored, hidden map[string]filter.Value) {
	d := r.part.seg.Summary(r.doc)
	hidden = map[string]filter.Value{}
	for key, value := range d.Fields {
		if strings.HasPrefix(key, "\x00") { // see history.go
			hidden[key] = value
			delete(d.Fields, key)
		}
	}
	out = Stored{ID: d.ID, Version: d.Version, Access: d.Access, Fields: d.Fields}
	for row, end := r.part.seg.RowsOf(r.doc); row < end; row++ {
		out.Rows = append(out.Rows, StoredRow{r.part.seg.OrdinalOf(row), r.part.seg.HashOf(row)})
	}
	return out, hidden
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
