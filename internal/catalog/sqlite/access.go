package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/quarry-search/quarry/internal/rag"
)

// putAccess returns the row of a sorted access list, which documents share.
func (t *tx) putAccess(labels []string) (id int64, err error) {
	text := encodeList(labels)
	err = t.one("SELECT id FROM access_lists WHERE labels = ?", []any{text}, &id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	res, err := t.exec("INSERT INTO access_lists (labels) VALUES (?)", text)
	if err != nil {
		return 0, err
	}
	if id, err = res.LastInsertId(); err != nil {
		return 0, err
	}
	for _, label := range labels {
		if _, err := t.exec("INSERT INTO access_labels (label, list) VALUES (?, ?)", label, id); err != nil {
			return 0, err
		}
	}
	return id, nil
}

func (t *tx) labels(id int64) ([]string, error) {
	var text string
	if err := t.one("SELECT labels FROM access_lists WHERE id = ?", []any{id}, &text); err != nil {
		return nil, err
	}
	return decodeList(text)
}

// setAccess changes the access list of a current document, unless it is that
// list already.
func (t *tx) setAccess(x *row, labels []string) (changed bool, err error) {
	if slices.Equal(x.Access, labels) {
		return false, nil
	}
	access, err := t.putAccess(labels)
	if err != nil {
		return false, err
	}
	seq, err := t.append(entry{kind: string(rag.ChangeAccess), collection: x.Collection, document: x.ID,
		number: x.Version.Number, payload: []byte(encodeList(labels))})
	if err != nil {
		return false, err
	}
	x.Access, x.UpdatedAt, x.Seq = labels, t.now, seq
	_, err = t.exec("UPDATE documents SET access = ?, updated_at = ?, seq = ? WHERE num = ?",
		access, micros(t.now), int64(seq), x.num)
	return true, err
}

// SetAccess replaces the access list of a current document. A nil list means
// everyone, an empty one nobody but admins.
func (c *Catalog) SetAccess(ctx context.Context, id string, access []string, ifSeq uint64) (out rag.Document, err error) {
	if access == nil {
		access = []string{rag.Everyone}
	}
	labels, err := cleanAccess(access)
	if err != nil {
		return out, err
	}
	err = c.write(ctx, "set access list", func(t *tx) error {
		x, err := currentDocument(t.conn, id)
		if err != nil {
			return err
		}
		if err := checkSeq(ifSeq, x.Seq, "document"); err != nil {
			return err
		}
		_, err = t.setAccess(&x, labels)
		out = x.Document
		return err
	})
	return out, err
}

// DeleteDocument makes the current version gone.
func (c *Catalog) DeleteDocument(ctx context.Context, s rag.Scope, id string, ifSeq uint64) (seq uint64, err error) {
	err = c.write(ctx, "delete document", func(t *tx) error {
		x, err := findDocument(t.conn, s, id, 0)
		if err != nil {
			return err
		}
		if err := checkSeq(ifSeq, x.Seq, "document"); err != nil {
			return err
		}
		seq, err = t.append(entry{kind: string(rag.ChangeGone), collection: x.Collection, document: x.ID,
			number: x.Version.Number, payload: []byte(x.URI)})
		if err != nil {
			return err
		}
		_, err = t.exec("UPDATE documents SET version = NULL, updated_at = ?, seq = ? WHERE num = ?",
			micros(t.now), int64(seq), x.num)
		return err
	})
	return seq, err
}
