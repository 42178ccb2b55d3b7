package sqlite

import (
	"context"
	"fmt"
	"sync"

	"github.com/quarry-search/quarry/internal/rag"
)

const countDocuments = `
	SELECT count(*), coalesce(sum(v.chunks), 0), coalesce(sum(v.text_bytes), 0)
	FROM documents d JOIN versions v ON v.vid = d.version
	WHERE d.collection = ? AND ` + visible

const countEmbedded = `
	SELECT count(*)
	FROM documents d JOIN chunks k ON k.version = d.version
	JOIN embeddings e ON e.key = (? << 40) | k.text
	WHERE d.collection = ? AND ` + visible

// CountCollection counts the visible documents and their chunks. Embedded is a
// join over all of them, so the result is kept until the log moves.
func (c *Catalog) CountCollection(ctx context.Context, s rag.Scope, name string) (n rag.CollectionCounts, err error) {
	if s.Empty() {
		return n, rag.NotFound(fmt.Sprintf("collection %q", name))
	}
	args := scopeArgs(s)
	key := countKey{name, s.All(), args[1].(string)}
	seq, _ := c.head.get()
	if n, ok := c.counts.get(seq, key); ok {
		return n, nil
	}
	err = c.read(ctx, "count collection", func(r *conn) error {
		col, num, err := findCollection(r, name)
		if err != nil {
			return err
		}
		if err := r.one(countDocuments, append([]any{num}, args...), &n.Documents, &n.Chunks, &n.TextBytes); err != nil {
			return err
		}
		model, _, err := findModel(r, col.Fingerprint)
		if err != nil || model == 0 {
			return err
		}
		return r.one(countEmbedded, append([]any{model, num}, args...), &n.Embedded)
	})
	if err == nil {
		c.counts.put(seq, key, n)
	}
	return n, err
}

// countCache keeps counts that were read at or after a seq, until it moves.
// SECURITY: the caller's labels are part of the key.
type countCache struct {
	mu    sync.Mutex
	seq   uint64
	byKey map[countKey]rag.CollectionCounts
}

type countKey struct {
	collection string
	all        bool
	labels     string
}

func (c *countCache) get(seq uint64, key countKey) (rag.CollectionCounts, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seq != seq {
		return rag.CollectionCounts{}, false
	}
	n, ok := c.byKey[key]
	return n, ok
}

func (c *countCache) put(seq uint64, key countKey, n rag.CollectionCounts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq < c.seq {
		return
	}
	if seq > c.seq || len(c.byKey) >= 1024 || c.byKey == nil {
		c.seq, c.byKey = seq, map[countKey]rag.CollectionCounts{}
	}
	c.byKey[key] = n
}
