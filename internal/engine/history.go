package engine

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/filter"
)

// Where history is kept, by Options.KeepHistory or the collection's own
// History, what a document was before it was replaced or
// deleted is kept in a collection of its own beside the document's, its past:
// an ordinary collection, written, merged and checked like any other. A
// document there is one former version; fields that no caller can name tell
// from when to when it stood. A read as of some seq searches both collections
// under a filter on these fields.
//
// SECURITY: the access list of every former version is the document's present
// one, or the last that it had: a changed list is written to them all.
const (
	pastSuffix   = "\x00past" // of the collection's name
	fieldFrom    = "\x00from" // seq at which the version appeared
	fieldUntil   = "\x00until"
	fieldOldest  = "\x00oldest" // of the horizon
	fieldCreated = "\x00created"
	fieldUnknown = "\x00unknown"
	horizonID    = "\x00" // of the document without rows that says how far the past reaches
)

// HistoryError says that documents as they stood at a seq are not kept.
type HistoryError struct {
	AsOf, Oldest uint64 // what was asked for, and the oldest seq that can be read
}

func (e *HistoryError) Error() string {
	return fmt.Sprintf("documents as of change %d are not kept: the oldest change that can be read is %d", e.AsOf, e.Oldest)
}

// standing is the filter of the versions that stood at a seq.
func standing(asOf uint64) filter.Filter {
	at := filter.NumberOf(float64(asOf))
	// What was there before history was kept has no beginning.
	return filter.All(filter.Negate(filter.Test(filter.Gt, fieldFrom, at)), filter.Negate(filter.Test(filter.Lte, fieldUntil, at)))
}

// asOf returns the view of a collection and its past that a read as of seq
// searches; nil when the collection did not exist then.
func (s *state) asOf(name string, v *view, seq uint64) (*view, error) {
	past := s.view(name + pastSuffix)
	if past == nil || past.lost > 0 || v.lost > 0 {
		return nil, &HistoryError{seq, s.seq}
	}
	if err := past.ready(); err != nil {
		return nil, err
	}
	h := past.horizon()
	if h.created && seq < h.oldest {
		return nil, nil
	}
	if oldest := h.reaches(s.seq); seq < oldest {
		return nil, &HistoryError{seq, oldest}
	}
	both := v.like()
	both.parts = slices.Concat(v.parts, past.parts)
	return both, nil
}

// horizon is how far a past reaches.
type horizon struct {
	oldest  uint64   // seq that can be read as of
	created bool     // there was nothing before oldest
	unknown []string // documents in a state that no change told: see Unknown
}

func horizonOf(fields map[string]filter.Value) horizon {
	return horizon{uint64(fields[fieldOldest].Num()), fields[fieldCreated].Bool(), slices.Clone(fields[fieldUnknown].List())}
}

func (h horizon) document() *segment.Document {
	return &segment.Document{ID: horizonID, Fields: map[string]filter.Value{
		fieldOldest: filter.NumberOf(float64(h.oldest)), fieldCreated: filter.BoolOf(h.created), fieldUnknown: filter.ListOf(h.unknown...),
	}}
}

func (v *view) horizon() horizon {
	for _, p := range v.parts {
		if doc, ok := p.find(horizonID); ok {
			return horizonOf(p.seg.Document(doc).Fields)
		}
	}
	return horizon{}
}

func (d *draft) horizon() horizon {
	if doc := d.put[horizonID]; doc != nil {
		return horizonOf(doc.Fields)
	}
	return (&view{parts: d.parts}).horizon()
}

// reaches is the oldest seq that can be read as of at now.
func (h horizon) reaches(now uint64) uint64 {
	if len(h.unknown) > 0 {
		return now
	}
	return h.oldest
}

// copyID names a former version: it sorts with its document, by age.
func copyID(id string, from uint64) string {
	return id + "\x00" + string(binary.BigEndian.AppendUint64(nil, from))
}

// plainID is the document that a version, former or not, belongs to.
func plainID(id string) string {
	id, _, _ = strings.Cut(id, "\x00")
	return id
}

// keeps reports whether the change's collection keeps history, after it.
func (t *transaction) keeps(c Change) bool {
	history := InheritHistory
	if c.Kind == Create || c.Kind == Alter {
		history = c.History
	} else if d := t.open[c.Collection]; d != nil {
		history = d.history
	} else if v := t.old.view(c.Collection); v != nil {
		history = v.history
	}
	return history == KeepHistory || history == InheritHistory && t.engine.options.KeepHistory
}

// remember keeps what a change is about to replace, and returns the change
// with its document marked with when it appeared.
func (t *transaction) remember(c Change) Change {
	name := c.Collection + pastSuffix
	if v := t.old.view(c.Collection); v != nil && v.lost > 0 && c.Kind != Create && c.Kind != Drop {
		return c // the past begins anew when the collection is whole again
	}
	switch c.Kind {
	case Create:
		past := draftOf(&view{fingerprint: c.Fingerprint, settings: c.Settings, dim: c.Settings.Dim})
		past.write(horizon{oldest: c.Seq, created: true}.document())
		t.open[name] = past
	case Drop:
		t.open[name] = &draft{dropped: true}
	case Alter:
		t.past(c.Collection).alter(c.Fingerprint, c.Settings)
	case Put:
		t.keep(c)
		past := t.past(c.Collection)
		past.known(c.Document.ID, c.Seq)
		for _, id := range past.copies(c.Document.ID) {
			if old := past.peek(id); !slices.Equal(old, c.Document.Access) {
				past.setAccess(id, c.Document.Access)
			}
		}
		fields := maps.Clone(c.Document.Fields)
		if fields == nil {
			fields = map[string]filter.Value{}
		}
		fields[fieldFrom] = filter.NumberOf(float64(c.Seq))
		c.Document.Fields = fields
	case Delete:
		t.keep(c)
		t.past(c.Collection).known(c.Document.ID, c.Seq)
	case Unknown:
		t.past(c.Collection).unknown(c.Document.ID)
	case Erase:
		if t.draft(c.Collection + pastSuffix).dropped {
			break // there is no past
		}
		past := t.past(c.Collection)
		for _, id := range past.copies(c.Document.ID) {
			past.remove(id)
		}
	case SetAccess:
		past := t.past(c.Collection)
		for _, id := range past.copies(c.Document.ID) {
			past.setAccess(id, c.Document.Access)
		}
	}
	return c
}

// past returns the draft of a collection's past. One that begins now reaches no
// further back than the batch.
func (t *transaction) past(collection string) *draft {
	past := t.draft(collection + pastSuffix)
	if past.dropped || past.lost > 0 {
		d := t.existing(collection)
		past = draftOf(&view{fingerprint: d.fingerprint, settings: d.settings, dim: d.dim})
		past.write(horizon{oldest: t.seq}.document())
		t.open[collection+pastSuffix] = past
	}
	return past
}

// keep copies the document that a change replaces into the past.
func (t *transaction) keep(c Change) {
	d := t.draft(c.Collection)
	if d.dropped {
		return
	}
	var old segment.Document
	if doc := d.put[c.Document.ID]; doc != nil {
		old = *doc
	} else if i, at, ok := d.find(c.Document.ID); ok {
		d.verify(i, at)
		old = d.parts[i].seg.Document(at)
	} else {
		return
	}
	past := t.past(c.Collection)
	if c.Kind == Put && old.Version == c.Document.Version { // it was put back ahead of the log
		h := past.horizon()
		h.oldest, h.created = max(h.oldest, c.Seq), false
		past.write(h.document())
		return
	}
	from := uint64(old.Fields[fieldFrom].Num())
	old.ID = copyID(old.ID, from)
	old.Fields = maps.Clone(old.Fields)
	if old.Fields == nil {
		old.Fields = map[string]filter.Value{}
	}
	old.Fields[fieldFrom] = filter.NumberOf(float64(from))
	old.Fields[fieldUntil] = filter.NumberOf(float64(c.Seq))
	old.Rows = slices.Clone(old.Rows)
	if past.dim == 0 {
		past.dim = d.dim
	}
	past.write(&old)
}

// write puts a document whose rows are ready.
func (d *draft) write(doc *segment.Document) {
	d.remove(doc.ID)
	d.put[doc.ID] = doc
	for i := range doc.Rows {
		if doc.Rows[i].Vector == nil {
			d.wait(&doc.Rows[i])
		}
	}
}

// unknown notes that a document is in a state that no change told.
func (d *draft) unknown(id string) {
	h := d.horizon()
	if !slices.Contains(h.unknown, id) {
		h.unknown = append(h.unknown, id)
		d.write(h.document())
	}
}

// known notes that a change has told the state of a document again: what it was
// since it became unknown never will be.
func (d *draft) known(id string, seq uint64) {
	h := d.horizon()
	if i := slices.Index(h.unknown, id); i >= 0 {
		h.unknown = slices.Delete(h.unknown, i, i+1)
		h.oldest, h.created = max(h.oldest, seq), false
		d.write(h.document())
	}
}

// copies lists the former versions of a document.
func (d *draft) copies(id string) []string {
	prefix := id + "\x00"
	var ids []string
	for i, p := range d.parts {
		for doc, _ := p.seg.Find(prefix); int(doc) < p.seg.Docs() && strings.HasPrefix(p.seg.DocID(doc), prefix); doc++ {
			if p.docs.Get(doc) && !d.dead[i][doc] {
				ids = append(ids, strings.Clone(p.seg.DocID(doc)))
			}
		}
	}
	for put := range d.put {
		if strings.HasPrefix(put, prefix) {
			ids = append(ids, put)
		}
	}
	return ids
}

// peek returns a document's access list.
func (d *draft) peek(id string) []string {
	if doc := d.put[id]; doc != nil {
		return doc.Access
	}
	if i, at, ok := d.find(id); ok {
		return d.parts[i].seg.Document(at).Access
	}
	return nil
}

// Forget drops from every past the versions that were replaced or deleted at or
// before seq; what is left can be read from then on. It is how retention ends.
func (e *Engine) Forget(seq uint64) error {
	return e.rewritePasts(func(past *draft) { past.forget(seq) })
}

// ForgetIn is Forget for one collection.
func (e *Engine) ForgetIn(collection string, seq uint64) error {
	return e.rewritePast(collection, func(past *draft) { past.forget(seq) })
}

func (d *draft) forget(seq uint64) {
	old := filter.Test(filter.Lte, fieldUntil, filter.NumberOf(float64(seq)))
	for i, p := range d.parts {
		match := p.seg.Match(old)
		match.And(p.docs)
		match.Each(func(doc uint32) { d.kill(i, doc) })
	}
	if d.changed() {
		h := d.horizon()
		h.created = h.created && seq <= h.oldest
		h.oldest = max(h.oldest, seq)
		d.write(h.document())
	}
}

// Purge drops every former version of a document from a collection's past, as
// if it had never been: for documents that must be erased.
func (e *Engine) Purge(collection, id string) error {
	return e.rewritePast(collection, func(past *draft) {
		for _, copied := range past.copies(id) {
			past.remove(copied)
		}
	})
}

// DropPast drops a collection's past: it can be read from now on, once
// something changes in it.
func (e *Engine) DropPast(collection string) error {
	return e.change(func(t *transaction) error {
		if name := collection + pastSuffix; t.old.view(name) != nil {
			t.open[name] = &draft{dropped: true}
		}
		return nil
	})
}

func (d *draft) changed() bool {
	return slices.ContainsFunc(d.dead, func(dead map[uint32]bool) bool { return len(dead) > 0 })
}

func (e *Engine) rewritePasts(change func(*draft)) error {
	var names []string
	e.state.Load().each(func(name string, _ *view) {
		if base, ok := strings.CutSuffix(name, pastSuffix); ok {
			names = append(names, base)
		}
	})
	for _, name := range names {
		if err := e.rewritePast(name, change); err != nil {
			return err
		}
	}
	return nil
}

// rewritePast publishes a past after change, at the same seq.
func (e *Engine) rewritePast(collection string, change func(*draft)) error {
	return e.change(func(t *transaction) error {
		name := collection + pastSuffix
		past := t.draft(name)
		if past.dropped {
			delete(t.open, name)
			return nil
		}
		if change(past); !past.changed() && past.damage == nil {
			delete(t.open, name)
		}
		return nil
	})
}

// withoutPast adds to changed, where a collection lost documents, that its past
// goes too: it cannot be put back, nor can it tell since when those that are
// put back have stood.
func (s *state) withoutPast(name string, changed map[string]*view) map[string]*view {
	past := strings.TrimSuffix(name, pastSuffix) + pastSuffix
	if s.view(past) != nil {
		changed[past] = nil
	}
	return changed
}
