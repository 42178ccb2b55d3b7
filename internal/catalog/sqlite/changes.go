package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// maxBatchText bounds the normalised text behind one batch of changes.
const maxBatchText = 8 << 20

// logRow is a log entry as stored.
type logRow struct {
	seq         int64
	time        int64
	kind        rag.ChangeKind
	collection  string
	document    string
	number      int
	version     int64 // row id
	fingerprint string
	payload     []byte
	live        bool // the version it published is current
	textBytes   int
}

const selectLog = `
	SELECT l.seq, l.time, l.kind, l.collection, coalesce(l.document, ''), coalesce(l.number, 0),
		coalesce(l.version, 0), coalesce(l.fingerprint, ''), l.payload,
		d.num IS NOT NULL, coalesce(v.text_bytes, 0)
	FROM changes l
	LEFT JOIN documents d ON d.version = l.version
	LEFT JOIN versions v ON v.vid = d.version
	WHERE l.seq > ? ORDER BY l.seq LIMIT ?`

// Changes returns the next entries of the log.
func (c *Catalog) Changes(ctx context.Context, after uint64, limit int) (out []rag.Change, err error) {
	err = c.read(ctx, "read changes", func(r *conn) error {
		log, err := readLog(r, after, clampLimit(limit))
		if err != nil {
			return err
		}
		published, err := c.publishedVersions(r, log)
		if err != nil {
			return err
		}
		for _, l := range log {
			ch, err := l.change(published)
			if err != nil {
				return fmt.Errorf("change %d: %w", l.seq, err)
			}
			out = append(out, ch)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readLog reads rows until the limit or the bound on text. It always returns
// at least one row when there is one.
func readLog(r *conn, after uint64, limit int) (log []logRow, err error) {
	size := 0
	err = r.each(selectLog, []any{int64(after), limit}, func(rows *sql.Rows) error {
		var l logRow
		if size >= maxBatchText {
			return errEnough
		}
		err := rows.Scan(&l.seq, &l.time, &l.kind, &l.collection, &l.document, &l.number,
			&l.version, &l.fingerprint, &l.payload, &l.live, &l.textBytes)
		if err != nil {
			return err
		}
		if size += l.textBytes; size > maxBatchText && len(log) > 0 {
			return errEnough
		}
		log = append(log, l)
		return nil
	})
	if err == errEnough {
		err = nil
	}
	return log, err
}

// errEnough ends a row loop early.
var errEnough = fmt.Errorf("enough rows")

// publishedVersion is what a live published entry carries.
type publishedVersion struct {
	document rag.Document
	chunks   []rag.Chunk
}

const (
	selectLive = `SELECT` + documentColumns + documentFrom + `WHERE v.vid IN (SELECT value FROM json_each(?)) AND d.version = v.vid`

	selectLiveTexts = `SELECT v.vid, b.hash, b.codec, b.size, b.data
		FROM versions v JOIN blobs b ON b.id = v.text_blob WHERE v.vid IN (SELECT value FROM json_each(?))`

	selectLiveChunks = `SELECT k.version, ` + chunkColumns + ` FROM chunks k JOIN texts t ON t.id = k.text
		WHERE k.version IN (SELECT value FROM json_each(?)) ORDER BY k.version, k.ordinal`
)

// publishedVersions reads the documents and chunks of all live versions that
// the log rows published, by version row, in three queries.
func (c *Catalog) publishedVersions(r *conn, log []logRow) (map[int64]*publishedVersion, error) {
	var ids []int64
	for _, l := range log {
		if l.live {
			ids = append(ids, l.version)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	args := []any{string(list)}
	live := make(map[int64]*publishedVersion, len(ids))
	err = r.each(selectLive, args, func(rows *sql.Rows) error {
		x, err := scanRow(rows.Scan)
		live[x.vid] = &publishedVersion{document: x.Document, chunks: make([]rag.Chunk, 0, x.Version.Chunks)}
		return err
	})
	if err != nil {
		return nil, err
	}
	texts, err := c.liveTexts(r, args, len(ids))
	if err != nil {
		return nil, err
	}
	err = r.each(selectLiveChunks, args, func(rows *sql.Rows) error {
		var vid int64
		k, err := scanChunk(rows.Scan, &vid)
		if err != nil {
			return err
		}
		v := live[vid]
		k.Key.DocumentID, k.Key.Version = v.document.ID, v.document.Version.Number
		if err := cut(&k, texts[vid]); err != nil {
			return err
		}
		v.chunks = append(v.chunks, k)
		return nil
	})
	return live, err
}

// liveTexts reads texts past the cache, which a replay would only flush.
func (c *Catalog) liveTexts(r *conn, args []any, n int) (map[int64]string, error) {
	texts := make(map[int64]string, n)
	err := r.each(selectLiveTexts, args, func(rows *sql.Rows) error {
		var vid int64
		var hash, data sql.RawBytes
		var b blob
		if err := rows.Scan(&vid, &hash, &b.codec, &b.size, &data); err != nil {
			return err
		}
		copy(b.hash[:], hash)
		b.data = data
		text, err := c.blobs.decode(b)
		texts[vid] = string(text)
		return err
	})
	return texts, err
}

// change turns a stored row into a rag.Change.
func (l logRow) change(published map[int64]*publishedVersion) (rag.Change, error) {
	ch := rag.Change{Seq: uint64(l.seq), Time: timeOf(l.time), Kind: l.kind, Collection: l.collection}
	switch l.kind {
	case rag.ChangePublished:
		ch.Fingerprint = l.fingerprint
		if v := published[l.version]; l.live && v != nil {
			ch.Document, ch.Chunks = &v.document, v.chunks
			return ch, nil
		}
		ch.Superseded = true
		ch.Document = l.stub()
	case rag.ChangeErased:
		ch.Document = l.stub()
	case rag.ChangeGone:
		ch.Document = l.stub()
		ch.Document.URI = string(l.payload)
	case rag.ChangeAccess:
		ch.Document = l.stub()
		labels, err := decodeList(string(l.payload))
		if err != nil {
			return ch, err
		}
		ch.Document.Access = labels
	case rag.ChangeVectors:
		ch.Fingerprint, ch.TextHashes = l.fingerprint, splitHashes(l.payload)
	case rag.ChangeCreated, rag.ChangeAltered:
		var e collectionEntry
		if err := json.Unmarshal(l.payload, &e); err != nil {
			return ch, err
		}
		ch.Settings = &rag.Collection{Name: l.collection, Description: e.Description, Settings: e.Settings,
			Fingerprint: e.Fingerprint, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, Seq: uint64(l.seq)}
	}
	return ch, nil
}

// stub names a document where the entry carries no more than that.
func (l logRow) stub() *rag.Document {
	return &rag.Document{ID: l.document, Collection: l.collection, Version: rag.Version{Number: l.number}}
}

// Cursor returns how far a follower has read, 0 for an unknown one.
func (c *Catalog) Cursor(ctx context.Context, follower string) (uint64, error) {
	var seq int64
	err := c.read(ctx, "read cursor", func(r *conn) error {
		return r.one("SELECT coalesce(max(seq), 0) FROM cursors WHERE follower = ?", []any{follower}, &seq)
	})
	return uint64(seq), err
}

// SetCursor stores how far a follower has read.
func (c *Catalog) SetCursor(ctx context.Context, follower string, seq uint64) error {
	return c.write(ctx, "set cursor", func(t *tx) error { return t.setCursor(follower, seq, nil) })
}

// setCursor moves a cursor; fingerprint, when not nil, marks the follower as
// one that makes vectors under it.
func (t *tx) setCursor(follower string, seq uint64, fingerprint any) error {
	_, err := t.exec(`INSERT INTO cursors (follower, seq, fingerprint) VALUES (?, ?, ?)
		ON CONFLICT (follower) DO UPDATE SET seq = excluded.seq, fingerprint = coalesce(excluded.fingerprint, fingerprint)`,
		follower, int64(seq), fingerprint)
	return err
}
