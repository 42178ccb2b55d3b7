package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/quarry-search/quarry/internal/engine/segment"
)

// Damage takes one segment out of service and leaves the rest as it is. A
// damaged segment is dropped from its collection, which is marked as one that
// lost documents; the mark is part of the manifest, and stays until whoever has
// the documents has put back those that no other segment holds: see Lost.

// Problem is something wrong with a file of the index.
type Problem struct {
	Collection string
	File       string // "" for a segment in memory
	Err        error
}

func (p *Problem) Error() string {
	return "collection " + p.Collection + ", " + p.File + ": " + p.Err.Error()
}
func (p *Problem) Unwrap() error { return p.Err }

func (p *part) name() string {
	if p.file == nil {
		return ""
	}
	return segmentName(p.file.number)
}

// partError is damage that was found in a part.
type partError struct {
	part *part
	err  error
}

func (e *partError) Error() string { return e.part.name() + ": " + e.err.Error() }
func (e *partError) Unwrap() error { return e.err }

// damage makes an error of reading a part's segment a partError.
func (p *part) damage(err error) error {
	var found *segment.DamageError
	if errors.As(err, &found) {
		return &partError{p, err}
	}
	return err
}

// ready verifies everything of the part but its vectors, the first time.
func (p *part) ready() error { return p.damage(p.seg.Ready()) }

// verifyVectors reports damage to the vectors of rows.
func (p *part) verifyVectors(rows []uint32) error { return p.damage(p.seg.VerifyVectors(rows)) }

// ready verifies the parts of a view.
func (v *view) ready() error {
	for _, p := range v.parts {
		if err := p.ready(); err != nil {
			return err
		}
	}
	return nil
}

// lost reports whether err is damage to a part, which it then takes out of the
// index: what failed can be tried again. e.mu is not held.
func (e *Engine) lost(err error) bool {
	var found *partError
	if !errors.As(err, &found) {
		return false
	}
	e.mu.Lock()
	now := e.state.Load()
	collection, gone := "", false
	now.each(func(name string, v *view) {
		at := v.holding(found.part.seg)
		if at < 0 {
			return
		}
		next := v.like()
		next.parts = slices.Delete(slices.Clone(v.parts), at, at+1)
		e.losses++
		next.lost = e.losses
		collection, gone = name, true
		e.publish(now.seq, now.withoutPast(name, map[string]*view{name: next}))
		e.merged.Store(true)
	})
	e.mu.Unlock()
	if gone {
		e.report(&Problem{Collection: collection, File: found.part.name(), Err: found.err})
	}
	return true
}

func (e *Engine) report(p *Problem) {
	if e.options.Damaged != nil {
		e.options.Damaged(p)
	}
}

// Lost returns the collections that lack documents which stood in a damaged
// segment, each with the number of its last loss, for Healed.
//
// To heal one: Restore the documents of the log's source that Missing names,
// then call Healed.
func (e *Engine) Lost() map[string]uint64 {
	var out map[string]uint64
	e.state.Load().each(func(name string, v *view) {
		if v.lost > 0 {
			if out == nil {
				out = map[string]uint64{}
			}
			out[name] = v.lost
		}
	})
	return out
}

// Missing returns those of ids that the collection does not hold.
func (e *Engine) Missing(collection string, ids []string) ([]string, error) {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return nil, ErrClosed
	}
	for {
		missing, err := e.missing(collection, ids)
		if err == nil || !e.lost(err) {
			return missing, err
		}
	}
}

func (e *Engine) missing(collection string, ids []string) (missing []string, err error) {
	s := e.pin()
	defer s.unpin()
	v := s.view(collection)
	if v == nil {
		return nil, ErrNoCollection
	}
	if err := v.ready(); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(v.parts, func(p *part) bool { _, ok := p.find(id); return ok }) {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// Restore puts documents back that a damaged segment held: changes of kind Put,
// whose Seq does not count. Those that are there are left alone, and so is a
// collection that is not.
//
// They may be newer than Applied: the entries of the log that made them so
// follow, and end in the same state.
func (e *Engine) Restore(changes []Change) error {
	return e.change(func(t *transaction) error {
		for _, c := range changes {
			d := t.draft(c.Collection)
			if d.dropped || c.Kind != Put {
				continue
			}
			if _, _, there := d.find(c.Document.ID); there || d.put[c.Document.ID] != nil {
				continue
			}
			if err := d.restore(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// restore puts a document with its own vectors: other rows that wait for the
// same ones get them by the log.
func (d *draft) restore(c Change) error {
	d.putNew(c.Document)
	rows := d.put[c.Document.ID].Rows
	for i := range rows {
		v, ok := c.Vectors[rows[i].Hash]
		if !ok {
			continue
		}
		if reason := d.settings.checkVector(v, d.dim); reason != "" {
			return &VectorError{Hash: rows[i].Hash, Reason: reason}
		}
		rows[i].Vector, d.dim = v, len(v)
	}
	return nil
}

// Healed says that every document was restored that the collection lacked at
// its loss number n. After another loss it does nothing.
func (e *Engine) Healed(collection string, n uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.state.Load()
	v := now.view(collection)
	if v == nil || v.lost != n {
		return
	}
	next := v.like()
	next.parts, next.lost = v.parts, 0
	e.publish(now.seq, now.withoutPast(collection, map[string]*view{collection: next}))
	e.merged.Store(true)
}

// Warm verifies every file once, so that searches find it done, takes out what
// is damaged, and reads the graphs: until then segments are scanned. Run begins
// with it.
func (e *Engine) Warm(ctx context.Context) {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return
	}
	s := e.pin()
	defer s.unpin()
	s.each(func(name string, v *view) {
		for _, p := range v.parts {
			if ctx.Err() != nil {
				return
			}
			if err := p.ready(); err != nil {
				e.lost(err)
			} else if p.graph == nil && p.stored != nil {
				e.readStored(name, p)
			}
		}
	})
}

// readStored reads a part's graph. Without it the part is scanned, and gets
// another one.
func (e *Engine) readStored(collection string, p *part) {
	g, err := e.openGraph(p.stored.number, p.stored.check, p.seg)
	if err != nil {
		e.report(&Problem{Collection: collection, File: graphName(p.stored.number), Err: err})
		g = nil
	}
	if !e.install(collection, p.seg, g) && g != nil {
		_ = g.file.mapping.Close() // it is the memory of a part that is gone
	}
}

// Check verifies every block of every file, and that what is listed by word, by
// label and by value is what the rows and documents say.
// It returns how many segments it looked at and what is wrong, and takes out
// what is damaged.
func (e *Engine) Check(ctx context.Context) (segments int, problems []error) {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return 0, []error{ErrClosed}
	}
	s := e.pin()
	defer s.unpin()
	s.each(func(name string, v *view) {
		for _, p := range v.parts {
			if ctx.Err() != nil {
				return
			}
			segments++
			wrong := p.seg.Verify()
			if err := p.seg.Ready(); err == nil && len(wrong) == 0 {
				for _, check := range []func() error{p.seg.CheckPostings, p.seg.CheckColumns} {
					if err := check(); err != nil {
						wrong = append(wrong, err)
					}
				}
			} else if len(wrong) == 0 {
				wrong = append(wrong, err)
			}
			for _, err := range wrong {
				problems = append(problems, &Problem{Collection: name, File: p.name(), Err: err})
			}
			if len(wrong) > 0 {
				e.lost(&partError{p, wrong[0]})
			}
		}
	})
	if err := ctx.Err(); err != nil {
		problems = append(problems, err)
	}
	return segments, problems
}
