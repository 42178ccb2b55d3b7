package sqlite

import (
	"context"
	"database/sql"

	"github.com/quarry-search/quarry/internal/rag"
)

// Ended is a version that was replaced or deleted, by the entry Until.
type Ended struct {
	DocumentID string
	Number     int
	Until      uint64
}

// Ended lists the versions of a collection's documents that ended after a seq,
// as the log tells it, in its order: erased ones too. It is for checks: what it
// keeps in memory grows with how many they are, and with deletions.
func (c *Catalog) Ended(ctx context.Context, collection string, after uint64) (out []Ended, err error) {
	type key struct {
		document string
		number   int
	}
	gone := map[key]bool{}
	err = c.read(ctx, "list former versions", func(r *conn) error {
		return r.each(`SELECT seq, kind, document, number FROM changes
			WHERE collection = ? AND kind IN ('version_published', 'version_gone') ORDER BY seq`, []any{collection}, func(rows *sql.Rows) error {
			var seq int64
			var kind rag.ChangeKind
			var k key
			if err := rows.Scan(&seq, &kind, &k.document, &k.number); err != nil {
				return err
			}
			if kind == rag.ChangePublished {
				k.number-- // the one that it replaced, unless that was deleted before
			}
			ended := kind == rag.ChangeGone || k.number > 0 && !gone[k]
			if kind == rag.ChangeGone {
				gone[k] = true
			}
			if ended && uint64(seq) > after {
				out = append(out, Ended{k.document, k.number, uint64(seq)})
			}
			return nil
		})
	})
	return out, err
}
