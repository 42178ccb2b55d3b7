package engine

import (
	"context"
	"errors"
)

// Snapshot is the index at one seq, for whoever looks through all of it while
// changes go on being applied. Its files stay mapped until Close, for which the
// engine's Close waits.
//
// What holds a Snapshot must not call the engine before it closed it.
type Snapshot struct {
	engine *Engine
	state  *state
}

// Snapshot returns the index as it is now.
func (e *Engine) Snapshot() (*Snapshot, error) {
	e.gate.RLock()
	if e.closed {
		e.gate.RUnlock()
		return nil, ErrClosed
	}
	return &Snapshot{e, e.pin()}, nil
}

// Close lets the snapshot's files go.
func (s *Snapshot) Close() {
	s.state.unpin()
	s.engine.gate.RUnlock()
}

// Seq is the last change that the snapshot shows.
func (s *Snapshot) Seq() uint64 { return s.state.seq }

// Lost reports whether a collection lacks documents that a damaged segment held.
func (s *Snapshot) Lost() (lost bool) {
	s.state.each(func(_ string, v *view) { lost = lost || v.lost > 0 })
	return lost
}

// Collections, Stored, Former and Past are those of Engine, but that damage is
// an error and changes nothing.
func (s *Snapshot) Collections() []string { return s.state.collections() }

// Stored lists live documents: see Engine.Stored.
func (s *Snapshot) Stored(collection, after string, limit int) ([]Stored, error) {
	return s.state.stored(collection, after, limit)
}

// Former lists former versions: see Engine.Former.
func (s *Snapshot) Former(collection, after string, limit int) ([]Former, error) {
	return s.state.former(collection, after, limit)
}

// Past tells how far back a collection can be read.
func (s *Snapshot) Past(collection string) (Past, error) { return s.state.past(collection) }

// Rows counts the live rows of a collection, and those that have a vector.
func (s *Snapshot) Rows(collection string) (rows, vectors int64, err error) {
	v := s.state.view(collection)
	if v == nil {
		return 0, 0, ErrNoCollection
	}
	for _, p := range v.parts {
		rows += int64(p.liveRows)
		vectors += int64(p.vectors)
	}
	return rows, vectors, nil
}

// compactTries is how often a merge that changes have made void is begun again.
const compactTries = 3

// CompactCollection makes one segment of a collection and one of its past,
// without the dead, and makes the result durable, while searches and Apply go
// on. One processor does it, but for a graph, which half of them build. What
// changes meanwhile may leave a little behind.
func (e *Engine) CompactCollection(ctx context.Context, collection string) error {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return ErrClosed
	}
	if e.state.Load().view(collection) == nil {
		return ErrNoCollection
	}
	for _, name := range []string{collection, collection + pastSuffix} {
		for range compactTries {
			if err := ctx.Err(); err != nil {
				return err
			}
			whole, err := e.compactOnce(ctx, name)
			if err != nil && !e.lost(err) {
				return err
			}
			if whole {
				break
			}
		}
	}
	return e.flush()
}

// compactOnce merges the parts of a view, unless they are one and whole.
func (e *Engine) compactOnce(ctx context.Context, name string) (whole bool, err error) {
	s := e.pin()
	defer s.unpin()
	v := s.view(name)
	if v == nil || len(v.parts) == 0 || len(v.parts) == 1 && v.parts[0].whole() {
		return true, nil
	}
	rows := 0
	for _, p := range v.parts {
		if err := p.ready(); err != nil {
			return false, err
		}
		rows += p.liveRows
	}
	if rows >= e.options.GraphRows {
		err = e.consolidate(ctx, name, v, v.parts)
	} else {
		err = e.mergeParts(name, v.parts)
	}
	return false, errors.Join(err, ctx.Err())
}
