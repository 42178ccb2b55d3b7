package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/quarry-search/quarry/internal/rag"
)

// Erasing is two steps. EraseVersions removes rows, in a transaction with its
// log entry: nothing can be read any more. Scrub rewrites the file, since
// SQLite leaves what was removed in free pages, in the unused ends of others,
// and in its write-ahead log.

// selectErasable finds a document with what it has of versions, in scope.
const selectErasable = `SELECT d.num, c.name, d.seq, coalesce(d.version, 0), coalesce(v.number, 0),
		(SELECT count(*) FROM versions w WHERE w.document = d.num)
	FROM documents d JOIN collections c ON c.num = d.collection LEFT JOIN versions v ON v.vid = d.version
	WHERE d.id = ? AND ` + visible

// erasable is a document whose versions are to be erased.
type erasable struct {
	num        int64
	id         string
	collection string
	seq        int64
	current    int64 // row of the current version, 0: deleted
	number     int   // of the current version
	versions   int
}

// EraseVersions removes former versions and what only they refer to.
func (c *Catalog) EraseVersions(ctx context.Context, s rag.Scope, id string, whole bool, ifSeq uint64) (out rag.Erased, err error) {
	err = c.write(ctx, "erase versions", func(t *tx) error {
		d := erasable{id: id}
		err := t.one(selectErasable, append([]any{id}, scopeArgs(s)...), &d.num, &d.collection, &d.seq, &d.current, &d.number, &d.versions)
		if errors.Is(err, sql.ErrNoRows) || err == nil && d.versions == 0 {
			return rag.NotFound(fmt.Sprintf("document %q", id))
		}
		if err != nil {
			return err
		}
		if err := checkSeq(ifSeq, uint64(d.seq), "document"); err != nil {
			return err
		}
		if whole && d.current != 0 {
			if err := t.goneForErasure(&d); err != nil {
				return err
			}
		}
		out = rag.Erased{Seq: uint64(d.seq), Collection: d.collection, DocumentID: id, Versions: d.versions}
		if d.current != 0 {
			out.Versions--
		}
		if out.Versions == 0 {
			return nil
		}
		if err := t.erase(d, &c.erased); err != nil {
			return err
		}
		out.Seq, err = t.append(entry{kind: string(rag.ChangeErased), collection: d.collection, document: id})
		return err
	})
	if err != nil {
		return rag.Erased{}, err
	}
	c.texts.clear()
	c.chunks.clear()
	return out, nil
}

// goneForErasure deletes the document, with an entry that does not hold its
// uri.
func (t *tx) goneForErasure(d *erasable) error {
	seq, err := t.append(entry{kind: string(rag.ChangeGone), collection: d.collection, document: d.id, number: d.number})
	if err != nil {
		return err
	}
	d.current, d.seq = 0, int64(seq)
	_, err = t.exec("UPDATE documents SET version = NULL, updated_at = ?, seq = ? WHERE num = ?", micros(t.now), int64(seq), d.num)
	return err
}

// eraseScript removes the versions of document ?1 but for ?2, the current one,
// and what nothing else refers to, in an order that foreign keys allow. A text
// is known by its hash, which tells whoever guesses it that it was there, so it
// goes too.
var eraseScript = []string{
	`CREATE TEMP TABLE IF NOT EXISTS erased_versions (vid INTEGER PRIMARY KEY)`,
	`CREATE TEMP TABLE IF NOT EXISTS erased_blobs (id INTEGER PRIMARY KEY)`,
	`CREATE TEMP TABLE IF NOT EXISTS erased_texts (id INTEGER PRIMARY KEY)`,
	`DELETE FROM temp.erased_versions`,
	`DELETE FROM temp.erased_blobs`,
	`DELETE FROM temp.erased_texts`,
	`INSERT INTO temp.erased_versions SELECT vid FROM versions WHERE document = ?1 AND vid <> ?2`,
	`INSERT OR IGNORE INTO temp.erased_blobs SELECT source_blob FROM versions WHERE vid IN (SELECT vid FROM temp.erased_versions)`,
	`INSERT OR IGNORE INTO temp.erased_blobs SELECT text_blob FROM versions WHERE vid IN (SELECT vid FROM temp.erased_versions)`,
	`INSERT OR IGNORE INTO temp.erased_texts SELECT text FROM chunks WHERE version IN (SELECT vid FROM temp.erased_versions)`,
	`DELETE FROM chunks WHERE version IN (SELECT vid FROM temp.erased_versions)`,
	`DELETE FROM versions WHERE vid IN (SELECT vid FROM temp.erased_versions)`,
	`DELETE FROM blobs WHERE id IN (SELECT id FROM temp.erased_blobs) ` + unreferenced,
	`DELETE FROM temp.erased_texts WHERE id IN (SELECT text FROM chunks WHERE text IN (SELECT id FROM temp.erased_texts))`,
	`DELETE FROM embeddings WHERE key IN (SELECT (m.id << 40) | e.id FROM models m, temp.erased_texts e)`,
}

// eraseTraces removes what is left of a document, ?1, of which no version is:
// names that its sources had, and responses to requests that put it.
var eraseTraces = []string{
	`UPDATE documents SET uri = '' WHERE id = ?1`,
	`UPDATE job_items SET item = 'erased:' || position, detail = '' WHERE document = ?1`,
	`DELETE FROM idempotency_keys WHERE instr(body, CAST(?1 AS BLOB)) > 0`,
}

// erase runs the scripts and takes the hashes of texts that are gone out of the
// log.
func (t *tx) erase(d erasable, erased *erasedTexts) error {
	for _, statement := range eraseScript {
		var args []any
		if strings.Contains(statement, "?2") {
			args = []any{d.num, d.current}
		}
		if _, err := t.exec(statement, args...); err != nil {
			return err
		}
	}
	gone := map[rag.Hash]bool{}
	err := t.each("SELECT hash FROM texts WHERE id IN (SELECT id FROM temp.erased_texts)", nil, func(rows *sql.Rows) error {
		var b sql.RawBytes
		err := rows.Scan(&b)
		gone[rag.Hash(b)] = true
		return err
	})
	if err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM texts WHERE id IN (SELECT id FROM temp.erased_texts)"); err != nil {
		return err
	}
	erased.add(gone)
	if err := t.eraseHashes(gone); err != nil {
		return err
	}
	_, err = t.exec("UPDATE changes SET payload = NULL WHERE kind = 'version_gone' AND document = ?", d.id) // former uris
	if err != nil || d.current != 0 {
		return err
	}
	for _, statement := range eraseTraces {
		if _, err := t.exec(statement, d.id); err != nil {
			return err
		}
	}
	return nil
}

// eraseHashes takes hashes out of the entries that announced their vectors.
func (t *tx) eraseHashes(gone map[rag.Hash]bool) error {
	type change struct {
		seq     int64
		payload []byte
	}
	var changes []change
	err := t.each("SELECT seq, payload FROM changes WHERE kind = 'vectors_ready'", nil, func(rows *sql.Rows) error {
		var seq int64
		var b sql.RawBytes
		if err := rows.Scan(&seq, &b); err != nil {
			return err
		}
		hashes := splitHashes(b)
		left := slices.DeleteFunc(slices.Clone(hashes), func(h rag.Hash) bool { return gone[h] })
		if len(left) < len(hashes) {
			changes = append(changes, change{seq, joinHashes(left)})
		}
		return nil
	})
	for _, c := range changes {
		if err == nil {
			_, err = t.exec("UPDATE changes SET payload = ? WHERE seq = ?", c.payload, c.seq)
		}
	}
	return err
}

// Erasures lists the log's entries of erasures.
func (c *Catalog) Erasures(ctx context.Context, after uint64) (out []rag.Erased, err error) {
	err = c.read(ctx, "list erasures", func(r *conn) error {
		return r.each("SELECT seq, collection, document FROM changes WHERE seq > ? AND kind = 'versions_erased' ORDER BY seq", []any{int64(after)},
			func(rows *sql.Rows) error {
				var e rag.Erased
				err := rows.Scan(&e.Seq, &e.Collection, &e.DocumentID)
				out = append(out, e)
				return err
			})
	})
	return out, err
}

var errScrubBusy = &rag.Error{Code: rag.CodeUnavailable,
	Message: "the catalog's write-ahead log is still being read, as by a check or a backup; erased content leaves it when that ends"}

// Scrub copies what is left into the file anew and empties the write-ahead
// log. It needs room for the catalog twice, and holds up writers meanwhile.
func (c *Catalog) Scrub(ctx context.Context) error {
	select {
	case <-c.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	case c.writer.turn <- struct{}{}:
	}
	defer func() { <-c.writer.turn }()
	w := c.writer.conn
	w.ctx = ctx
	defer func() { w.ctx = context.Background() }()
	// The copy is made in a temporary file: in memory it might not fit. Whoever
	// reads keeps the log from being emptied, and is not to hold up writers.
	if err := w.pragmas(ctx, []string{"temp_store=FILE", "busy_timeout=200"}); err != nil {
		return actionError(ctx, "scrub catalog", err)
	}
	_, err := w.raw.ExecContext(ctx, "VACUUM")
	busy := 0
	if err == nil {
		var frames, moved int
		err = w.raw.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	}
	if err := errors.Join(err, w.pragmas(context.WithoutCancel(ctx), writerPragmas)); err != nil {
		return actionError(ctx, "scrub catalog", err)
	}
	if busy != 0 {
		return errScrubBusy
	}
	return nil
}

// erasedTexts are the hashes of texts that this process erased: a follower may
// still be embedding one of them, whose vector must not come back.
type erasedTexts struct {
	mu     sync.Mutex
	hashes map[rag.Hash]bool
}

func (e *erasedTexts) add(gone map[rag.Hash]bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.hashes == nil {
		e.hashes = map[rag.Hash]bool{}
	}
	for h := range gone {
		e.hashes[h] = true
	}
}

// without leaves those out that were erased and that no version has had since.
func (e *erasedTexts) without(t *tx, hashes []rag.Hash, blobs [][]byte) (left []rag.Hash, of [][]byte, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.hashes) == 0 {
		return hashes, blobs, nil
	}
	for i, h := range hashes {
		if e.hashes[h] {
			var id int64
			err := t.one("SELECT id FROM texts WHERE hash = ?", []any{h[:]}, &id)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
		}
		left, of = append(left, h), append(of, blobs[i])
	}
	return left, of, nil
}
