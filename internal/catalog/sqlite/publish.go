package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// publication is a rag.Publication made ready outside the transaction:
// validated, hashed, compressed.
type publication struct {
	rag.Publication
	access       []string // nil: not given
	attributes   string
	chunksHash   rag.Hash
	locators     []string
	source, text blob
}

func (c *Catalog) prepare(p rag.Publication) (publication, error) {
	q := publication{Publication: p}
	if err := checkDocument(p.Document); err != nil {
		return q, err
	}
	if err := checkChunks(p.Text, p.Chunks, p.Vectors); err != nil {
		return q, err
	}
	var err error
	if p.Document.Access != nil {
		if q.access, err = cleanAccess(p.Document.Access); err != nil {
			return q, err
		}
	}
	if q.attributes, err = encodeAttributes(p.Document.Version.Attributes); err != nil {
		return q, err
	}
	hashes := make([]rag.Hash, len(p.Chunks))
	q.locators = make([]string, len(p.Chunks))
	for i, k := range p.Chunks {
		hashes[i] = k.TextHash
		if q.locators[i], err = encodeLocator(k.Locator); err != nil {
			return q, err
		}
	}
	q.chunksHash = rag.HashBytes(joinHashes(hashes))
	q.source = c.blobs.encode(p.Source)
	if q.text = q.source; string(p.Source) != p.Text {
		q.text = c.blobs.encode([]byte(p.Text))
	}
	d, v := &q.Document, &q.Document.Version
	if !v.SourceHash.IsZero() && v.SourceHash != q.source.hash {
		return q, rag.Invalid("/source_hash", "the source hash is not that of the source bytes")
	}
	if d.ID == "" {
		d.ID = rag.DocumentID(d.Collection, d.URI)
	}
	v.SourceHash, v.TextHash = q.source.hash, q.text.hash
	v.SizeBytes, v.TextBytes = int64(len(p.Source)), int64(len(p.Text))
	v.Chunks = len(p.Chunks)
	return q, nil
}

// Publish commits a version of a document.
func (c *Catalog) Publish(ctx context.Context, p rag.Publication) (out rag.Published, err error) {
	q, err := c.prepare(p)
	if err != nil {
		return out, err
	}
	err = c.write(ctx, "publish document", func(t *tx) error {
		if out, err = t.publish(&q); err != nil || q.Job == "" {
			return err
		}
		return t.finishItem(q.Job, rag.JobItem{Item: q.Item, Result: out.Result,
			DocumentID: out.Document.ID, Version: out.Document.Version.Number, Seq: out.Seq}, q.Document.Version.SizeBytes)
	})
	if err != nil {
		return rag.Published{}, err
	}
	return out, nil
}

// standing is what the catalog knows of a document id, whatever its state.
type standing struct {
	num        int64 // 0: never seen
	collection sql.NullInt64
	version    sql.NullInt64
	lastNumber int
	access     int64
	createdAt  int64
}

func (t *tx) standing(id string) (d standing, err error) {
	err = t.one("SELECT num, collection, version, last_number, access, created_at FROM documents WHERE id = ?",
		[]any{id}, &d.num, &d.collection, &d.version, &d.lastNumber, &d.access, &d.createdAt)
	if errors.Is(err, sql.ErrNoRows) {
		return standing{}, nil
	}
	return d, err
}

func (t *tx) publish(q *publication) (out rag.Published, err error) {
	owner, collection, err := findCollection(t.conn, q.Document.Collection)
	if err != nil {
		return out, err
	}
	if err := checkGiven(owner, q.Vectors); err != nil {
		return out, err
	}
	d, err := t.standing(q.Document.ID)
	if err != nil {
		return out, err
	}
	if d.collection.Valid && d.collection.Int64 != collection {
		return out, &rag.Error{Code: rag.CodeConflict, Message: fmt.Sprintf("document %q belongs to another collection", q.Document.ID)}
	}
	if q.IfAbsent && d.version.Valid {
		return out, &rag.Error{Code: rag.CodeConflict, Message: fmt.Sprintf("document %q exists already", q.Document.ID)}
	}
	var current row
	if d.version.Valid {
		if current, err = currentDocument(t.conn, q.Document.ID); err != nil {
			return out, err
		}
	}
	if err := checkSeq(q.IfSeq, current.Seq, "document"); err != nil {
		return out, err
	}
	if d.version.Valid {
		same, err := t.unchanged(q, current, owner.Fingerprint)
		if err != nil {
			return out, err
		}
		if same {
			return t.keep(q, current)
		}
	}
	return t.replace(q, owner, collection, d)
}

// unchanged reports whether the publication says nothing new.
func (t *tx) unchanged(q *publication, current row, fingerprint string) (bool, error) {
	v, w := current.Version, q.Document.Version
	if v.SourceHash != w.SourceHash || v.Title != w.Title || v.Kind != w.Kind || current.URI != q.Document.URI {
		return false, nil
	}
	var attributes string
	var chunksHash []byte
	err := t.one("SELECT attributes, chunks_hash FROM versions WHERE vid = ?", []any{current.vid}, &attributes, &chunksHash)
	if err != nil || attributes != q.attributes || string(chunksHash) != string(q.chunksHash[:]) {
		return false, err
	}
	return t.holdsGiven(q, fingerprint)
}

// keep leaves the current version and changes at most its access list.
func (t *tx) keep(q *publication, current row) (out rag.Published, err error) {
	out = rag.Published{Document: current.Document, Result: rag.Unchanged, Seq: current.Version.Seq}
	if q.access == nil {
		return out, nil
	}
	changed, err := t.setAccess(&current, q.access)
	if changed {
		out.Document, out.Seq = current.Document, current.Seq
	}
	return out, err
}

// replace commits a new version over whatever there was.
func (t *tx) replace(q *publication, owner rag.Collection, collection int64, d standing) (out rag.Published, err error) {
	doc := q.Document
	seq, created := t.nextSeq(), t.now
	if d.version.Valid {
		created = timeOf(d.createdAt)
	}
	access, err := t.accessOf(q, d)
	if err != nil {
		return out, err
	}
	num, err := t.putDocument(doc, collection, d, access, seq)
	if err != nil {
		return out, err
	}
	vid, err := t.putVersion(q, num, d.lastNumber+1, access, seq)
	if err != nil {
		return out, err
	}
	if out.NewChunks, err = t.putChunks(vid, q); err != nil {
		return out, err
	}
	if err = t.putGiven(q, owner.Fingerprint); err != nil {
		return out, err
	}
	if _, err = t.exec("UPDATE documents SET version = ? WHERE num = ?", vid, num); err != nil {
		return out, uriConflict(err, doc)
	}
	change := entry{kind: string(rag.ChangePublished), collection: doc.Collection,
		document: doc.ID, number: d.lastNumber + 1, version: vid}
	if rag.GivenFingerprint(owner.Fingerprint) {
		change.fingerprint = owner.Fingerprint
	}
	out.Seq, err = t.append(change)
	if err != nil {
		return out, err
	}
	if doc.Access, err = t.labels(access); err != nil {
		return out, err
	}
	doc.CreatedAt, doc.UpdatedAt, doc.Seq = created, t.now, seq
	v := &doc.Version
	v.Number, v.CreatedAt, v.Seq, v.Access, v.Gone = d.lastNumber+1, t.now, seq, doc.Access, false
	if !v.ModifiedAt.IsZero() {
		v.ModifiedAt = timeOf(v.ModifiedAt.UnixMicro())
	}
	out.Document, out.Result = doc, rag.Indexed
	return out, nil
}

// accessOf decides the access list of a new version.
//
// SECURITY: a document that had a list keeps it when none is given, so that an
// edit, or a deletion and a new upload, never opens what was closed. Only a
// document without readable history starts open to everyone.
func (t *tx) accessOf(q *publication, d standing) (int64, error) {
	switch {
	case q.access != nil:
		return t.putAccess(q.access)
	case d.collection.Valid:
		return d.access, nil
	}
	return t.putAccess([]string{rag.Everyone})
}

func (t *tx) putDocument(doc rag.Document, collection int64, d standing, access int64, seq uint64) (int64, error) {
	now := micros(t.now)
	if d.num == 0 {
		res, err := t.exec(`INSERT INTO documents (id, collection, uri, version, last_number, access, created_at, updated_at, seq)
			VALUES (?, ?, ?, NULL, 1, ?, ?, ?, ?)`, doc.ID, collection, doc.URI, access, now, now, int64(seq))
		if err != nil {
			return 0, err
		}
		return res.LastInsertId()
	}
	created := any(d.createdAt)
	if !d.version.Valid {
		created = now
	}
	_, err := t.exec(`UPDATE documents SET collection = ?, uri = ?, last_number = last_number + 1, access = ?,
		created_at = ?, updated_at = ?, seq = ? WHERE num = ?`,
		collection, doc.URI, access, created, now, int64(seq), d.num)
	return d.num, uriConflict(err, doc)
}

// uriConflict recognises the unique index on a collection's uris.
func uriConflict(err error, doc rag.Document) error {
	if isUniqueViolation(err) {
		return &rag.Error{Code: rag.CodeConflict, Field: "/uri", Err: err,
			Message: "another document of the collection has this uri"}
	}
	return err
}

func (t *tx) putVersion(q *publication, document int64, number int, access int64, seq uint64) (int64, error) {
	source, err := t.putBlob(q.source)
	if err != nil {
		return 0, err
	}
	text := source
	if q.text.hash != q.source.hash {
		if text, err = t.putBlob(q.text); err != nil {
			return 0, err
		}
	}
	v := q.Document.Version
	res, err := t.exec(`INSERT INTO versions (document, number, source_blob, text_blob, source_hash, text_hash, chunks_hash,
		size_bytes, text_bytes, title, kind, media_type, language, attributes, access, modified_at, created_at, chunks, pages, seq)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		document, number, source, text, v.SourceHash[:], v.TextHash[:], q.chunksHash[:],
		v.SizeBytes, v.TextBytes, v.Title, string(v.Kind), v.MediaType, v.Language, q.attributes, access,
		micros(v.ModifiedAt), micros(t.now), v.Chunks, v.Pages, int64(seq))
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// putChunks stores the chunks of a version and counts the text hashes that
// were new.
func (t *tx) putChunks(vid int64, q *publication) (fresh int, err error) {
	for i, k := range q.Chunks {
		text, isNew, err := t.putText(k.TextHash)
		if err != nil {
			return fresh, fmt.Errorf("chunk %d: %w", i, err)
		}
		if isNew {
			fresh++
		}
		_, err = t.exec(`INSERT INTO chunks (version, ordinal, text, context, byte_start, byte_end, char_start, char_end, locator)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			vid, i, text, k.Context, k.Span.ByteStart, k.Span.ByteEnd, k.Span.CharStart, k.Span.CharEnd, q.locators[i])
		if err != nil {
			return fresh, fmt.Errorf("chunk %d: %w", i, err)
		}
	}
	return fresh, nil
}

// putText returns the number that stands for a text hash, new or not.
func (t *tx) putText(h rag.Hash) (id int64, isNew bool, err error) {
	err = t.one("SELECT id FROM texts WHERE hash = ?", []any{h[:]}, &id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, false, err
	}
	res, err := t.exec("INSERT INTO texts (hash) VALUES (?)", h[:])
	if err != nil {
		return 0, false, err
	}
	id, err = res.LastInsertId()
	return id, true, err
}
