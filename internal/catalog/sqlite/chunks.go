package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

const chunkColumns = `k.ordinal, t.hash, k.context, k.byte_start, k.byte_end, k.char_start, k.char_end, k.locator`

const (
	selectChunks = `SELECT ` + chunkColumns + ` FROM chunks k JOIN texts t ON t.id = k.text WHERE k.version = ? ORDER BY k.ordinal`
	selectChunk  = `SELECT ` + chunkColumns + ` FROM chunks k JOIN texts t ON t.id = k.text WHERE k.version = ? AND k.ordinal = ?`
)

// scanChunk scans chunkColumns after dest's leading columns. Document, version
// and text are the caller's to fill in.
func scanChunk(scan func(dest ...any) error, dest ...any) (k rag.Chunk, err error) {
	var hash []byte
	var locator string
	err = scan(append(dest, &k.Key.Ordinal, &hash, &k.Context,
		&k.Span.ByteStart, &k.Span.ByteEnd, &k.Span.CharStart, &k.Span.CharEnd, &locator)...)
	if err != nil {
		return k, err
	}
	copy(k.TextHash[:], hash)
	k.Locator, err = decodeLocator(locator)
	return k, err
}

// cut sets a chunk's text from the text it lies in.
func cut(k *rag.Chunk, text string) error {
	s := k.Span
	if s.ByteStart < 0 || s.ByteEnd < s.ByteStart || s.ByteEnd > len(text) {
		return &rag.Error{Code: rag.CodeInternal, Message: "a stored chunk is damaged; run quarry fsck",
			Err: fmt.Errorf("chunk %s: span %d to %d in %d bytes", k.Key, s.ByteStart, s.ByteEnd, len(text))}
	}
	k.Text = text[s.ByteStart:s.ByteEnd]
	return nil
}

// DocumentChunks returns all chunks of a version, in order.
func (c *Catalog) DocumentChunks(ctx context.Context, s rag.Scope, id string, version int) (out []rag.Chunk, err error) {
	err = c.read(ctx, "read chunks", func(r *conn) error {
		x, err := findDocument(r, s, id, version)
		if err != nil {
			return err
		}
		text, err := c.readText(r, x.Version.TextHash, x.textBlob)
		if err != nil {
			return err
		}
		return r.each(selectChunks, []any{x.vid}, func(rows *sql.Rows) error {
			k, err := scanChunk(rows.Scan)
			if err != nil {
				return err
			}
			k.Key.DocumentID, k.Key.Version = x.ID, x.Version.Number
			out = append(out, k)
			return cut(&out[len(out)-1], text)
		})
	})
	return out, err
}

const selectHashes = `SELECT t.hash FROM chunks k JOIN texts t ON t.id = k.text
	JOIN versions v ON v.vid = k.version JOIN documents d ON d.num = v.document AND d.version = v.vid
	WHERE d.id = ? AND d.collection IS NOT NULL AND ` + visible + ` ORDER BY k.ordinal`

// TextHashes returns the text hashes of the chunks of a document's current
// version, in order, without reading its text.
func (c *Catalog) TextHashes(ctx context.Context, s rag.Scope, id string) (out []rag.Hash, err error) {
	err = c.read(ctx, "read text hashes", func(r *conn) error {
		return r.each(selectHashes, append([]any{id}, scopeArgs(s)...), func(rows *sql.Rows) error {
			var hash sql.RawBytes
			err := rows.Scan(&hash)
			out = append(out, rag.Hash{})
			copy(out[len(out)-1][:], hash)
			return err
		})
	})
	return out, err
}

// selectKeyed finds many documents, each at a version, in one query: the
// parameter is a JSON list of [id, number].
const selectKeyed = `SELECT` + documentColumns + `
	FROM json_each(?) j
	CROSS JOIN documents d ON d.id = j.value ->> 0
	CROSS JOIN versions v ON v.document = d.num AND v.number = j.value ->> 1
	JOIN collections c ON c.num = d.collection
	JOIN access_lists a ON a.id = d.access
	JOIN access_lists va ON va.id = v.access
	WHERE ` + visible

// findVersions returns the visible ones among the documents and versions of
// keys, by key with ordinal 0.
func findVersions(r *conn, s rag.Scope, keys []rag.ChunkKey) (map[rag.ChunkKey]*row, error) {
	found := make(map[rag.ChunkKey]*row, len(keys))
	var wanted [][2]any
	for _, key := range keys {
		key.Ordinal = 0
		if _, seen := found[key]; !seen && key.Version > 0 {
			found[key] = nil
			wanted = append(wanted, [2]any{key.DocumentID, key.Version})
		}
	}
	list, err := json.Marshal(wanted)
	if err != nil {
		return nil, err
	}
	err = r.each(selectKeyed, append([]any{string(list)}, scopeArgs(s)...), func(rows *sql.Rows) error {
		x, err := scanRow(rows.Scan)
		found[rag.ChunkKey{DocumentID: x.ID, Version: x.Version.Number}] = &x
		return err
	})
	return found, err
}

// Chunks hydrates keys in their order.
func (c *Catalog) Chunks(ctx context.Context, s rag.Scope, keys []rag.ChunkKey) ([]rag.StoredChunk, error) {
	out := make([]rag.StoredChunk, len(keys))
	if len(keys) == 0 || s.Empty() {
		return out, ctx.Err()
	}
	err := c.read(ctx, "read chunks", func(r *conn) error {
		// SECURITY: visibility is read afresh in every call; only what the
		// chunk says is cached.
		versions, err := findVersions(r, s, keys)
		if err != nil {
			return err
		}
		for i, key := range keys {
			x := versions[rag.ChunkKey{DocumentID: key.DocumentID, Version: key.Version}]
			if x == nil {
				continue
			}
			k, err := c.readChunk(r, x, key)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			out[i] = rag.StoredChunk{Chunk: k, Document: x.Document}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// readChunk returns a chunk of a version that the caller may see.
func (c *Catalog) readChunk(r *conn, x *row, key rag.ChunkKey) (rag.Chunk, error) {
	if k, ok := c.chunks.get(key); ok {
		return k, nil
	}
	k, err := scanChunk(func(dest ...any) error { return r.one(selectChunk, []any{x.vid, key.Ordinal}, dest...) })
	if err != nil {
		return k, err
	}
	k.Key = key
	text, err := c.readText(r, x.Version.TextHash, x.textBlob)
	if err != nil {
		return k, err
	}
	if err := cut(&k, text); err != nil {
		return k, err
	}
	c.chunks.put(key, k, 1)
	return k, nil
}
