package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/internal/engine/vfs"
)

// oraclePast is what the oracle keeps of a collection's past.
type oraclePast struct {
	docs    []*oracleDoc
	oldest  uint64
	created bool // there was nothing before oldest
	unknown map[string]bool
}

// keepOrNot begins or ends a collection's past as a change has it. Engines of
// these tests keep history unless the collection says otherwise.
func (o *oracle) keepOrNot(c Change) {
	if c.Collection == "" {
		return
	}
	if c.Kind == Create || c.Kind == Alter {
		o.history[c.Collection] = c.History
	}
	switch past := o.pasts[c.Collection]; {
	case o.history[c.Collection] == NoHistory || c.Kind == Drop:
		delete(o.pasts, c.Collection)
	case c.Kind == Create:
		o.pasts[c.Collection] = &oraclePast{oldest: c.Seq, created: true, unknown: map[string]bool{}}
	case past == nil && c.Kind != Erase:
		o.pasts[c.Collection] = &oraclePast{oldest: o.seq, unknown: map[string]bool{}}
	}
}

// history draws whether a collection keeps its past; most do, and all in tests
// that need them to.
func (w *world) history() History {
	if !w.varied {
		return InheritHistory
	}
	return []History{InheritHistory, InheritHistory, KeepHistory, NoHistory}[w.r.IntN(4)]
}

func (p *oraclePast) lose(id string) {
	if p != nil {
		p.unknown[id] = true
	}
}

func (p *oraclePast) all() []*oracleDoc {
	if p == nil {
		return nil
	}
	return p.docs
}

// known ends a gap in what the changes told of a document.
func (p *oraclePast) known(c Change) {
	if p != nil && p.unknown[c.Document.ID] {
		delete(p.unknown, c.Document.ID)
		p.oldest, p.created = max(p.oldest, c.Seq), false
	}
}

func (p *oraclePast) keep(d *oracleDoc, c Change) {
	if p != nil && d != nil {
		old := *d
		old.until, old.vectors = c.Seq, maps.Clone(d.vectors)
		p.docs = append(p.docs, &old)
	}
}

func (p *oraclePast) setAccess(doc Document) {
	for _, d := range p.all() {
		if d.ID == doc.ID {
			d.Access = doc.Access
		}
	}
}

func (p *oraclePast) erase(id string) {
	if p != nil {
		p.docs = slices.DeleteFunc(p.docs, func(d *oracleDoc) bool { return d.ID == id })
	}
}

// forget drops what was gone by seq.
func (p *oraclePast) forget(seq uint64) {
	before := len(p.docs)
	p.docs = slices.DeleteFunc(p.docs, func(d *oracleDoc) bool { return d.until <= seq })
	if len(p.docs) < before {
		p.created = p.created && seq <= p.oldest
		p.oldest = max(p.oldest, seq)
	}
}

func (d *oracleDoc) attach(vectors map[Hash][]float32) {
	for _, r := range d.Rows {
		if v := vectors[r.Hash]; v != nil && d.vectors[r.Hash] == nil {
			d.vectors[r.Hash] = v
		}
	}
}

// standing lists the documents that stand, or stood at the time of the query,
// by id.
func (o *oracle) standing(q Query) []*oracleDoc {
	all := slices.Collect(maps.Values(o.collections[q.Collection]))
	if q.AsOf != 0 {
		all = append(all, o.pasts[q.Collection].all()...)
		all = slices.DeleteFunc(all, func(d *oracleDoc) bool { return d.from > q.AsOf || d.until != 0 && d.until <= q.AsOf })
	}
	slices.SortFunc(all, func(a, b *oracleDoc) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// searchAsOf is search, where the past that is asked for is kept.
func (o *oracle) searchAsOf(q Query) (Result, error) {
	past := o.pasts[q.Collection]
	if q.AsOf == 0 || q.AsOf >= o.seq {
		return o.search(q), nil
	}
	if past == nil {
		return Result{}, &HistoryError{q.AsOf, o.seq}
	}
	if past.created && q.AsOf < past.oldest {
		return Result{}, nil
	}
	oldest := past.oldest
	if len(past.unknown) > 0 {
		oldest = o.seq
	}
	if q.AsOf < oldest {
		return Result{}, &HistoryError{q.AsOf, oldest}
	}
	return o.search(q), nil
}

// rewritePast forgets or purges something.
func (w *world) rewritePast(e *Engine) error {
	if w.r.IntN(2) == 0 {
		seq, coll := w.r.Uint64N(e.Applied()+1), w.collection()
		if past := w.oracle.pasts[coll]; past != nil && w.r.IntN(2) == 0 {
			past.forget(seq)
			return e.ForgetIn(coll, seq)
		}
		for _, p := range w.oracle.pasts {
			p.forget(seq)
		}
		return e.Forget(seq)
	}
	coll, id := w.collection(), w.id()
	w.oracle.pasts[coll].erase(id)
	if err := e.Purge(coll, id); err != nil {
		return err
	}
	return scrub(e, coll, id)
}

// scrub scrubs a document and reports what is left of its dead versions.
func scrub(e *Engine, coll, id string) error {
	if err := e.Scrub(context.Background(), coll, []string{id}); err != nil {
		return err
	}
	s := e.pin()
	defer s.unpin()
	for _, name := range []string{coll, coll + pastSuffix} {
		if v := s.view(name); v != nil && slices.ContainsFunc(v.parts, func(p *part) bool { return p.holdsDead([]string{id}) }) {
			return fmt.Errorf("a segment of %q still holds a dead version of %q", name, id)
		}
	}
	return nil
}

// TestScrubKeepsGraphs scrubs a document out of a segment with a graph: it gets
// a graph again, and its former files are gone.
func TestScrubKeepsGraphs(t *testing.T) {
	fs := vfs.NewMemory()
	e, _ := withGraph(t, fs)
	before := namesOf(t, fs)
	list, err := e.Stored("a", "", 1)
	must(t, err)
	must(t, e.Apply([]Change{{Seq: e.Applied() + 1, Kind: Delete, Collection: "a", Document: Document{ID: list[0].ID}}}))
	must(t, scrub(e, "a", list[0].ID))
	p := e.state.Load().view("a").parts[0]
	if p.graph == nil || !p.whole() {
		t.Errorf("graph %v, whole %v", p.graph != nil, p.whole())
	}
	for _, name := range namesOf(t, fs) {
		if name != manifestName && slices.Contains(before, name) {
			t.Errorf("%s is still there", name)
		}
	}
	must(t, e.Close())
}

// TestDamageEndsThePast damages every segment in turn: nothing wrong is told of
// the past, neither while documents are missing nor after they were put back.
func TestDamageEndsThePast(t *testing.T) {
	filledWith := func() (*vfs.Memory, *world) {
		w, fs := newWorld(21), vfs.NewMemory()
		e := openKeeping(t, fs)
		for range 4 {
			for range 25 {
				w.step()
			}
			must(t, w.catchUp(e))
			must(t, e.Flush())
		}
		must(t, e.Close())
		return fs, w
	}
	kept, ended := 0, 0
	first, _ := filledWith()
	for i := range namesOf(t, first) {
		fs, w := filledWith()
		name := namesOf(t, fs)[i]
		if name == manifestName {
			continue
		}
		fs.Damage(name, func(b []byte) []byte { b[len(b)/2] ^= 4; return b })
		e := openKeeping(t, fs)
		e.Warm(context.Background())
		before := uint64(len(w.log))
		for _, coll := range []string{"a", "b"} {
			for seq := uint64(1); seq < before; seq++ {
				q := Query{Collection: coll, Text: "alpha", Limit: 50, Scope: Scope{All: true}, AsOf: seq}
				got, err := e.Search(context.Background(), q)
				want, wantErr := w.oracle.searchAsOf(q)
				switch {
				case err != nil && wantErr == nil:
					ended++
				case err == nil && wantErr == nil && got.Allowed == want.Allowed:
					kept++
				case err == nil:
					t.Fatalf("%s: collection %s as of %d: %d rows, want %d, %v", name, coll, seq, got.Allowed, want.Allowed, wantErr)
				}
			}
		}
		must(t, e.Close())
	}
	if kept == 0 || ended == 0 {
		t.Errorf("%d reads of the past went on, %d ended", kept, ended)
	}
}
