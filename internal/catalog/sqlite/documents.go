package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// documentFrom selects documents d at versions v. A dropped document has no
// collection and is never selected.
const documentFrom = `
	FROM versions v
	JOIN documents d ON d.num = v.document
	JOIN collections c ON c.num = d.collection
	JOIN access_lists a ON a.id = d.access
	JOIN access_lists va ON va.id = v.access `

const documentColumns = `
	d.num, d.id, c.name, d.uri, a.labels, d.created_at, d.updated_at, d.seq, d.version IS NOT v.vid,
	v.vid, v.text_blob, v.source_blob,
	v.number, v.source_hash, v.text_hash, v.size_bytes, v.text_bytes, v.title, v.kind, v.media_type,
	v.language, v.attributes, va.labels, coalesce(v.modified_at, 0), v.modified_at IS NOT NULL,
	v.created_at, v.chunks, v.pages, v.seq `

// row is a document at a version, with the row numbers of its parts.
type row struct {
	rag.Document
	num, vid             int64
	textBlob, sourceBlob int64
}

// scanRow scans documentColumns, after dest's own leading columns.
func scanRow(scan func(dest ...any) error, dest ...any) (x row, err error) {
	var access, versionAccess, attributes string
	var created, updated, seq, modified, versionCreated, versionSeq int64
	var hasModified bool
	var sourceHash, textHash []byte
	d, v := &x.Document, &x.Document.Version
	err = scan(append(dest,
		&x.num, &d.ID, &d.Collection, &d.URI, &access, &created, &updated, &seq, &v.Gone,
		&x.vid, &x.textBlob, &x.sourceBlob,
		&v.Number, &sourceHash, &textHash, &v.SizeBytes, &v.TextBytes, &v.Title, &v.Kind, &v.MediaType,
		&v.Language, &attributes, &versionAccess, &modified, &hasModified,
		&versionCreated, &v.Chunks, &v.Pages, &versionSeq)...)
	if err != nil {
		return x, err
	}
	d.CreatedAt, d.UpdatedAt, d.Seq = timeOf(created), timeOf(updated), uint64(seq)
	v.CreatedAt, v.Seq = timeOf(versionCreated), uint64(versionSeq)
	if hasModified {
		v.ModifiedAt = timeOf(modified)
	}
	copy(v.SourceHash[:], sourceHash)
	copy(v.TextHash[:], textHash)
	if d.Access, err = decodeList(access); err != nil {
		return x, fmt.Errorf("decode access list of %s: %w", d.ID, err)
	}
	if v.Access, err = decodeList(versionAccess); err != nil {
		return x, fmt.Errorf("decode access list of %s: %w", d.ID, err)
	}
	v.Attributes, err = decodeAttributes(attributes)
	return x, err
}

const (
	selectUnscoped = `SELECT` + documentColumns + documentFrom + `WHERE d.id = ? AND v.vid = d.version`

	selectCurrent = `SELECT` + documentColumns + documentFrom + `WHERE d.id = ? AND v.vid = d.version AND ` + visible
	selectVersion = `SELECT` + documentColumns + documentFrom + `WHERE d.id = ? AND v.number = ? AND ` + visible
	selectHistory = `SELECT` + documentColumns + documentFrom + `WHERE d.id = ? AND ` + visible + ` ORDER BY v.number DESC`
	selectList    = `SELECT` + documentColumns + documentFrom + `
		WHERE d.collection = ? AND d.id > ? AND d.version = v.vid
		AND (? = '' OR (d.uri >= ? AND d.uri < ?)) AND ` + visible + ` ORDER BY d.id LIMIT ?`
)

// findDocument returns a visible document at its current version (number 0)
// or at another.
func findDocument(r *conn, s rag.Scope, id string, number int) (x row, err error) {
	query, args := selectCurrent, []any{id}
	if number != 0 {
		query, args = selectVersion, []any{id, number}
	}
	x, err = scanRow(func(dest ...any) error { return r.one(query, append(args, scopeArgs(s)...), dest...) })
	return x, noDocument(err, id, number)
}

// currentDocument returns a current document whoever may see it.
//
// SECURITY: only for writes that compare a document with what it is to become;
// who may change it was decided before the catalog was called.
func currentDocument(r *conn, id string) (x row, err error) {
	x, err = scanRow(func(dest ...any) error { return r.one(selectUnscoped, []any{id}, dest...) })
	return x, noDocument(err, id, 0)
}

// noDocument turns the absence of a row into the answer for a document that
// does not exist or may not be seen, alike.
func noDocument(err error, id string, number int) error {
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	what := fmt.Sprintf("document %q", id)
	if number != 0 {
		what = fmt.Sprintf("version %d of %s", number, what)
	}
	return rag.NotFound(what)
}

// Document returns a document at its current or a given version.
func (c *Catalog) Document(ctx context.Context, s rag.Scope, id string, version int) (out rag.Document, err error) {
	err = c.read(ctx, "read document", func(r *conn) error {
		x, err := findDocument(r, s, id, version)
		out = x.Document
		return err
	})
	return out, err
}

// Page sizes of lists.
const (
	defaultLimit = 100
	maxLimit     = 10000
)

func clampLimit(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return min(n, maxLimit)
}

// ListDocuments returns a page of the current documents of a collection.
func (c *Catalog) ListDocuments(ctx context.Context, s rag.Scope, l rag.DocumentList) (out []rag.Document, err error) {
	if s.Empty() {
		return nil, rag.NotFound(fmt.Sprintf("collection %q", l.Collection))
	}
	err = c.read(ctx, "list documents", func(r *conn) error {
		_, num, err := findCollection(r, l.Collection)
		if err != nil {
			return err
		}
		args := []any{num, l.After, l.URIPrefix, l.URIPrefix, prefixEnd(l.URIPrefix)}
		args = append(append(args, scopeArgs(s)...), clampLimit(l.Limit))
		return r.each(selectList, args, func(rows *sql.Rows) error {
			x, err := scanRow(rows.Scan)
			out = append(out, x.Document)
			return err
		})
	})
	return out, err
}

// prefixEnd is a string above every valid UTF-8 string with the prefix: no
// UTF-8 byte is 0xff.
func prefixEnd(prefix string) string { return prefix + "\xff" }

// Versions returns all versions of a document, newest first.
func (c *Catalog) Versions(ctx context.Context, s rag.Scope, id string) (out []rag.Version, err error) {
	err = c.read(ctx, "list versions", func(r *conn) error {
		err := r.each(selectHistory, append([]any{id}, scopeArgs(s)...), func(rows *sql.Rows) error {
			x, err := scanRow(rows.Scan)
			out = append(out, x.Version)
			return err
		})
		if err == nil && len(out) == 0 {
			return rag.NotFound(fmt.Sprintf("document %q", id))
		}
		return err
	})
	return out, err
}

// Text returns a version's normalised text.
func (c *Catalog) Text(ctx context.Context, s rag.Scope, id string, version int) (text string, err error) {
	err = c.read(ctx, "read text", func(r *conn) error {
		x, err := findDocument(r, s, id, version)
		if err != nil {
			return err
		}
		text, err = c.readText(r, x.Version.TextHash, x.textBlob)
		return err
	})
	return text, err
}

// Source returns a version's original bytes.
func (c *Catalog) Source(ctx context.Context, s rag.Scope, id string, version int) (source []byte, err error) {
	err = c.read(ctx, "read source", func(r *conn) error {
		x, err := findDocument(r, s, id, version)
		if err != nil {
			return err
		}
		source, err = c.readBlob(r, x.sourceBlob)
		return err
	})
	return source, err
}
