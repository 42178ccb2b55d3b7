package engine

import (
	"runtime"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// Apply applies changes in order; those at or before Applied are ignored.
// Either all become visible at once, or none and the error says why. The
// engine keeps the vectors' slices no longer than the call.
//
// When much more is in memory than should be, Apply flushes first, and fails
// when that fails, as on a full disk: try again later.
func (e *Engine) Apply(changes []Change) error {
	if e.options.FS != nil && e.state.Load().memory > 4*e.options.FlushBytes {
		if err := e.Flush(); err != nil {
			return err
		}
	}
	return e.change(func(t *transaction) error {
		for i, c := range changes {
			if i%yieldRows == 0 {
				runtime.Gosched()
			}
			if c.Seq <= t.seq {
				continue
			}
			if err := t.apply(c); err != nil {
				return err
			}
			t.seq = c.Seq
		}
		return nil
	})
}

// change publishes what fill puts into a transaction. When that finds damage
// it begins anew, without the damaged part.
func (e *Engine) change(fill func(t *transaction) error) error {
	e.gate.RLock()
	defer e.gate.RUnlock()
	for {
		if e.closed {
			return ErrClosed
		}
		if err := e.changeOnce(fill); err == nil || !e.lost(err) {
			return err
		}
	}
}

func (e *Engine) changeOnce(fill func(t *transaction) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.state.Load()
	t := transaction{engine: e, old: old, seq: old.seq, open: map[string]*draft{}}
	if err := fill(&t); err != nil {
		return err
	}
	if t.seq == old.seq && len(t.open) == 0 {
		return nil
	}
	changed := map[string]*view{}
	for name, d := range t.open {
		v, err := d.finish(e.options, e.background.Load())
		if err != nil {
			return err
		}
		changed[name] = v
	}
	e.publish(t.seq, changed)
	if t.seq == old.seq {
		e.merged.Store(true)
	}
	select {
	case e.wake <- struct{}{}:
	default: // it is awake
	}
	return nil
}

// transaction collects what a batch changes.
type transaction struct {
	engine *Engine
	old    *state
	seq    uint64
	open   map[string]*draft
}

// draft is a collection under change.
type draft struct {
	dropped     bool
	fingerprint string
	settings    VectorSettings
	history     History
	dim         int
	parts       []*part
	dead        []map[uint32]bool // [part] documents that died
	lost        uint64
	put         map[string]*segment.Document // written by this batch
	waiting     map[Hash][]*segment.Row      // rows of put without a vector
	damage      error                        // found while the parts were read
}

func (t *transaction) draft(name string) *draft {
	d := t.open[name]
	if d == nil {
		d = &draft{dropped: true}
		if v := t.old.view(name); v != nil {
			if d = draftOf(v); v.ready() != nil {
				d.damage, d.parts = v.ready(), nil // finish fails
			}
		}
		t.open[name] = d
	}
	return d
}

func draftOf(v *view) *draft {
	d := &draft{fingerprint: v.fingerprint, settings: v.settings, history: v.history, dim: v.dim, parts: v.parts, lost: v.lost}
	d.dead = make([]map[uint32]bool, len(v.parts))
	d.put, d.waiting = map[string]*segment.Document{}, map[Hash][]*segment.Row{}
	return d
}

func (t *transaction) apply(c Change) error {
	if t.keeps(c) {
		c = t.remember(c)
	} else if name := c.Collection + pastSuffix; c.Collection != "" && (t.open[name] != nil || t.old.view(name) != nil) {
		t.open[name] = &draft{dropped: true} // it would not tell of this change
	}
	switch c.Kind {
	case Create:
		t.open[c.Collection] = draftOf(&view{fingerprint: c.Fingerprint, settings: c.Settings, history: c.History, dim: c.Settings.Dim})
	case Drop:
		t.open[c.Collection] = &draft{dropped: true}
	case Alter:
		d := t.existing(c.Collection)
		d.alter(c.Fingerprint, c.Settings)
		d.history = c.History
	case Put:
		t.existing(c.Collection).putNew(c.Document)
	case Delete:
		if d := t.draft(c.Collection); !d.dropped {
			d.remove(c.Document.ID)
		}
	case SetAccess:
		if d := t.draft(c.Collection); !d.dropped {
			d.setAccess(c.Document.ID, c.Document.Access)
		}
	}
	if len(c.Vectors) == 0 {
		return nil
	}
	return t.attach(c)
}

// existing returns the draft of a collection, which a log may also bring into
// being by its first document.
func (t *transaction) existing(name string) *draft {
	d := t.draft(name)
	if d.dropped {
		d = draftOf(&view{})
		t.open[name] = d
	}
	return d
}

// attach hands a change's vectors to the collections that they are for.
func (t *transaction) attach(c Change) error {
	if c.Collection != "" {
		return t.existing(c.Collection).attach(c.Vectors)
	}
	for i := range t.old.shards {
		for name, v := range t.old.shards[i] {
			if v.waits() {
				t.draft(name)
			}
		}
	}
	for _, d := range t.open {
		if d.dropped || d.fingerprint != "" && c.Fingerprint != "" && d.fingerprint != c.Fingerprint {
			continue
		}
		if err := d.attach(c.Vectors); err != nil {
			return err
		}
	}
	return nil
}

// waits reports whether a live row has no vector yet.
func (v *view) waits() bool {
	for _, p := range v.parts {
		if p.vectors < p.liveRows {
			return true
		}
	}
	return false
}

// alter takes the vectors away when others will come in their place.
func (d *draft) alter(fingerprint string, settings VectorSettings) {
	same := fingerprint == d.fingerprint && settings.Metric == d.settings.Metric && settings.Dim == d.settings.Dim
	d.fingerprint, d.settings = fingerprint, settings
	if same {
		return
	}
	d.dim = settings.Dim
	for i, p := range d.parts {
		p.docs.Each(func(doc uint32) {
			if p.seg.Dim() > 0 && !d.dead[i][doc] {
				d.edit(p.seg.DocID(doc))
			}
		})
	}
	for _, doc := range d.put {
		for i := range doc.Rows {
			if doc.Rows[i].Vector != nil {
				doc.Rows[i].Vector = nil
				d.wait(&doc.Rows[i])
			}
		}
	}
}

func (d *draft) wait(r *segment.Row) { d.waiting[r.Hash] = append(d.waiting[r.Hash], r) }

// putNew replaces a document.
func (d *draft) putNew(doc Document) {
	d.remove(doc.ID)
	rows := make([]segment.Row, len(doc.Rows))
	language := bm25.LanguageOf(doc.Language)
	for i, r := range doc.Rows {
		rows[i] = segment.Row{Ordinal: r.Ordinal, Hash: r.Hash, Tokens: tokens(language, r)}
	}
	segment.SortRows(rows)
	d.put[doc.ID] = &segment.Document{
		ID: doc.ID, Version: doc.Version, Access: doc.Access, Fields: doc.Fields, Language: language, Rows: rows,
	}
	for i := range rows {
		d.wait(&rows[i])
	}
}

// tokens analyses the texts of a row.
func tokens(language bm25.Language, r Row) []segment.Token {
	list := make([]segment.Token, 0, (len(r.Title)+len(r.Heading)+len(r.Text))/5)
	for field, text := range [...]string{segment.Title: r.Title, segment.Heading: r.Heading, segment.Body: r.Text} {
		bm25.Analyze(language, text, func(t bm25.Token) {
			list = append(list, segment.Token{Form: t.Form, Term: t.Term, Field: segment.TextField(field)})
		})
	}
	return list
}

func (d *draft) setAccess(id string, access []string) {
	if doc := d.edit(id); doc != nil {
		doc.Access = access
	}
}

// remove makes a document die, if it is there.
func (d *draft) remove(id string) {
	delete(d.put, id)
	if i, doc, ok := d.find(id); ok {
		d.kill(i, doc)
	}
}

func (d *draft) kill(i int, doc uint32) {
	if d.dead[i] == nil {
		d.dead[i] = map[uint32]bool{}
	}
	d.dead[i][doc] = true
}

// find looks for a live document among the parts.
func (d *draft) find(id string) (i int, doc uint32, ok bool) {
	for i, p := range d.parts {
		if doc, ok := p.find(id); ok && !d.dead[i][doc] {
			return i, doc, true
		}
	}
	return 0, 0, false
}

// edit takes a live document out of its segment to be written anew, and
// returns it; nil when there is none.
func (d *draft) edit(id string) *segment.Document {
	if doc := d.put[id]; doc != nil {
		return doc
	}
	i, ordinal, ok := d.find(id)
	if !ok {
		return nil
	}
	d.kill(i, ordinal)
	d.verify(i, ordinal)
	doc := d.parts[i].seg.Document(ordinal)
	d.put[id] = &doc
	for r := range doc.Rows {
		if doc.Rows[r].Vector == nil {
			d.wait(&doc.Rows[r])
		}
	}
	return &doc
}

// verify keeps the first damage found among the vectors of a document that is
// about to be copied.
func (d *draft) verify(i int, doc uint32) {
	seg := d.parts[i].seg
	from, to := seg.RowsOf(doc)
	for row := from; row < to && d.damage == nil; row++ {
		if has := seg.HasVector(); has != nil && has.Get(row) {
			d.damage = d.parts[i].verifyVectors([]uint32{row})
		}
	}
}

// attach gives vectors to the rows that wait for them.
func (d *draft) attach(vectors map[Hash][]float32) error {
	for h, v := range vectors {
		for i, p := range d.parts {
			for _, row := range p.seg.Waiting(h) {
				if doc := p.seg.DocOf(row); p.docs.Get(doc) && !d.dead[i][doc] {
					d.edit(p.seg.DocID(doc))
				}
			}
		}
		if len(d.waiting[h]) == 0 {
			continue
		}
		if reason := d.settings.checkVector(v, d.dim); reason != "" {
			return &VectorError{Hash: h, Reason: reason}
		}
		d.dim = len(v)
		for _, r := range d.waiting[h] {
			r.Vector = v
		}
		delete(d.waiting, h)
	}
	return nil
}

// finish makes the view that the draft describes, nil for a dropped one.
// Segments of fewer than o.SmallRows rows are merged with it; background says that
// somebody else merges larger ones.
func (d *draft) finish(o Options, background bool) (*view, error) {
	if d.dropped || d.damage != nil {
		return nil, d.damage
	}
	v := &view{fingerprint: d.fingerprint, settings: d.settings, history: d.history, dim: d.dim, lost: d.lost}
	for i, p := range d.parts {
		if len(d.dead[i]) > 0 {
			dead := make([]uint32, 0, len(d.dead[i]))
			for doc := range d.dead[i] {
				dead = append(dead, doc)
			}
			p = p.without(dead)
		}
		if p.liveDocs > 0 {
			v.parts = append(v.parts, p)
		}
	}
	docs := make([]segment.Document, 0, len(d.put))
	for _, doc := range d.put {
		docs = append(docs, *doc)
	}
	return v, v.add(docs, o, background)
}
