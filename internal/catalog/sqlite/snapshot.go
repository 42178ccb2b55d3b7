package sqlite

import (
	"context"
)

// Snapshot calls fn with the catalog as it is when fn begins: all that fn reads
// of it is of that one seq, which is its Head. Writers go on meanwhile; what
// they write stays in the write-ahead log until fn returned, so it should not
// take long, and it must not write or close.
func (c *Catalog) Snapshot(ctx context.Context, fn func(at *Catalog) error) error {
	return c.read(ctx, "read catalog", func(r *conn) error {
		var seq int64
		if err := r.one("SELECT coalesce(max(seq), 0) FROM changes", nil, &seq); err != nil {
			return err
		}
		r.held = true
		defer func() { r.held = false }()
		at := &Catalog{path: c.path, id: c.id, now: c.now, readers: make(chan *conn, 1), blobs: c.blobs, texts: c.texts, chunks: c.chunks, closed: c.closed}
		at.readers <- r
		at.head.advance(uint64(seq))
		return fn(at)
	})
}
