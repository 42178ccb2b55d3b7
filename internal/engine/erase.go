package engine

import (
	"context"
	"strings"
)

// Scrub rewrites the segments that still hold dead versions of these documents
// of a collection, and of its past, without them, and makes the result durable:
// no file of the index holds any of them then. Versions that live are left
// alone, so former ones are erased or purged first.
//
// Searches and Apply go on. A graph is rebuilt from the one that was there.
func (e *Engine) Scrub(ctx context.Context, collection string, ids []string) error {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return ErrClosed
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		scrubbed, err := e.scrubOne(ctx, collection, ids)
		if err != nil && !e.lost(err) {
			return err
		}
		if err == nil && !scrubbed {
			break
		}
	}
	return e.flush()
}

// scrubOne rewrites one segment, and reports whether there was such.
func (e *Engine) scrubOne(ctx context.Context, collection string, ids []string) (bool, error) {
	s := e.pin()
	defer s.unpin()
	for _, name := range []string{collection, collection + pastSuffix} {
		v := s.view(name)
		if v == nil {
			continue
		}
		for _, p := range v.parts {
			if err := p.ready(); err != nil {
				return false, err
			}
			if !p.holdsDead(ids) {
				continue
			}
			if p.graph != nil || p.liveRows >= e.options.GraphRows {
				return true, e.consolidate(ctx, name, v, []*part{p})
			}
			return true, e.mergeParts(name, []*part{p})
		}
	}
	return false, nil
}

// holdsDead reports whether the part's segment holds a dead version of one of
// the documents.
func (p *part) holdsDead(ids []string) bool {
	if p.whole() {
		return false
	}
	for _, id := range ids {
		if doc, ok := p.seg.Find(id); ok && !p.docs.Get(doc) {
			return true
		}
		prefix := id + "\x00"
		for doc, _ := p.seg.Find(prefix); int(doc) < p.seg.Docs() && strings.HasPrefix(p.seg.DocID(doc), prefix); doc++ {
			if !p.docs.Get(doc) {
				return true
			}
		}
	}
	return false
}
