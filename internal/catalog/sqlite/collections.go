package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

const collectionColumns = `name, description, settings, fingerprint, created_at, updated_at, seq`

func scanCollection(scan func(dest ...any) error) (c rag.Collection, err error) {
	var settings string
	var created, updated, seq int64
	if err := scan(&c.Name, &c.Description, &settings, &c.Fingerprint, &created, &updated, &seq); err != nil {
		return c, err
	}
	c.CreatedAt, c.UpdatedAt, c.Seq = timeOf(created), timeOf(updated), uint64(seq)
	if err := json.Unmarshal([]byte(settings), &c.Settings); err != nil {
		return c, fmt.Errorf("decode settings of collection %q: %w", c.Name, err)
	}
	return c, nil
}

// findCollection returns the collection and its row number.
func findCollection(r *conn, name string) (c rag.Collection, num int64, err error) {
	c, err = scanCollection(func(dest ...any) error {
		return r.one("SELECT num, "+collectionColumns+" FROM collections WHERE name = ?",
			[]any{name}, append([]any{&num}, dest...)...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = rag.NotFound(fmt.Sprintf("collection %q", name))
	}
	return c, num, err
}

// collectionEntry is the payload of a created or altered change.
type collectionEntry struct {
	Description string       `json:"description,omitempty"`
	Settings    rag.Settings `json:"settings"`
	Fingerprint string       `json:"fingerprint,omitempty"`
	CreatedAt   time.Time    `json:"created_at"`
	UpdatedAt   time.Time    `json:"updated_at"`
}

func (t *tx) appendCollection(kind rag.ChangeKind, c rag.Collection) (uint64, error) {
	payload, err := json.Marshal(collectionEntry{c.Description, c.Settings, c.Fingerprint, c.CreatedAt, c.UpdatedAt})
	if err != nil {
		return 0, err
	}
	return t.append(entry{kind: string(kind), collection: c.Name, payload: payload})
}

// CreateCollection creates an empty collection.
func (c *Catalog) CreateCollection(ctx context.Context, in rag.Collection) (out rag.Collection, err error) {
	if err := checkCollection(in); err != nil {
		return out, err
	}
	settings, err := json.Marshal(in.Settings)
	if err != nil {
		return out, fmt.Errorf("create collection: %w", err)
	}
	err = c.write(ctx, "create collection", func(t *tx) error {
		_, _, err := findCollection(t.conn, in.Name)
		if err == nil {
			return &rag.Error{Code: rag.CodeConflict, Message: fmt.Sprintf("collection %q exists already", in.Name)}
		}
		if rag.CodeOf(err) != rag.CodeNotFound {
			return err
		}
		out = in
		out.CreatedAt, out.UpdatedAt = t.now, t.now
		if out.Seq, err = t.appendCollection(rag.ChangeCreated, out); err != nil {
			return err
		}
		_, err = t.exec("INSERT INTO collections ("+collectionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?)",
			out.Name, out.Description, string(settings), out.Fingerprint, micros(t.now), micros(t.now), int64(out.Seq))
		return err
	})
	return out, err
}

// AlterCollection replaces what can be altered.
func (c *Catalog) AlterCollection(ctx context.Context, in rag.Collection, ifSeq uint64) (out rag.Collection, err error) {
	if err := checkCollection(in); err != nil {
		return out, err
	}
	settings, err := json.Marshal(in.Settings)
	if err != nil {
		return out, fmt.Errorf("alter collection: %w", err)
	}
	err = c.write(ctx, "alter collection", func(t *tx) error {
		old, num, err := findCollection(t.conn, in.Name)
		if err != nil {
			return err
		}
		if err := checkSeq(ifSeq, old.Seq, "collection"); err != nil {
			return err
		}
		if err := old.Settings.Vectors.Altered(in.Settings.Vectors); err != nil {
			return err
		}
		out = old
		out.Description, out.Settings, out.Fingerprint, out.UpdatedAt = in.Description, in.Settings, in.Fingerprint, t.now
		if out.Seq, err = t.appendCollection(rag.ChangeAltered, out); err != nil {
			return err
		}
		_, err = t.exec("UPDATE collections SET description = ?, settings = ?, fingerprint = ?, updated_at = ?, seq = ? WHERE num = ?",
			out.Description, string(settings), out.Fingerprint, micros(t.now), int64(out.Seq), num)
		return err
	})
	return out, err
}

func checkSeq(want, have uint64, what string) error {
	if want == 0 || want == have {
		return nil
	}
	return &rag.Error{Code: rag.CodePrecondition,
		Message: fmt.Sprintf("the %s was changed by someone else: it is at %d, not %d", what, have, want)}
}

// dropScript removes a collection's rows, in an order that foreign keys
// allow. Each statement takes the collection's number. Documents stay as bare
// ids with their last version number, so that a chunk key never gets a second
// meaning; embeddings stay, since they belong to texts, not to collections; given ones go.
var dropScript = []string{
	`CREATE TEMP TABLE IF NOT EXISTS dropped_blobs (id INTEGER PRIMARY KEY)`,
	`DELETE FROM temp.dropped_blobs`,
	`INSERT OR IGNORE INTO temp.dropped_blobs SELECT v.source_blob FROM documents d JOIN versions v ON v.document = d.num WHERE d.collection = ?1`,
	`INSERT OR IGNORE INTO temp.dropped_blobs SELECT v.text_blob FROM documents d JOIN versions v ON v.document = d.num WHERE d.collection = ?1`,
	`DELETE FROM chunks WHERE version IN (SELECT v.vid FROM documents d JOIN versions v ON v.document = d.num WHERE d.collection = ?1)`,
	`UPDATE documents SET version = NULL WHERE collection = ?1`,
	`DELETE FROM versions WHERE document IN (SELECT num FROM documents WHERE collection = ?1)`,
	`UPDATE documents SET uri = '', collection = NULL WHERE collection = ?1`,
	`DELETE FROM blobs WHERE id IN (SELECT id FROM temp.dropped_blobs) ` + unreferenced,
	`DELETE FROM temp.dropped_blobs`,
	`DELETE FROM collections WHERE num = ?1`,
}

// unreferenced selects blobs that no version uses.
const unreferenced = `AND NOT EXISTS (SELECT 1 FROM versions WHERE source_blob = blobs.id)
	AND NOT EXISTS (SELECT 1 FROM versions WHERE text_blob = blobs.id)`

// DropCollection removes the collection and all its documents.
func (c *Catalog) DropCollection(ctx context.Context, name string, ifSeq uint64) (seq uint64, err error) {
	err = c.write(ctx, "drop collection", func(t *tx) error {
		old, num, err := findCollection(t.conn, name)
		if err != nil {
			return err
		}
		if err := checkSeq(ifSeq, old.Seq, "collection"); err != nil {
			return err
		}
		for _, statement := range dropScript {
			var args []any
			if strings.Contains(statement, "?1") {
				args = []any{num}
			}
			if _, err := t.exec(statement, args...); err != nil {
				return err
			}
		}
		if rag.GivenFingerprint(old.Fingerprint) {
			if err := t.dropGiven(old.Fingerprint); err != nil {
				return err
			}
		}
		seq, err = t.append(entry{kind: string(rag.ChangeDropped), collection: name})
		return err
	})
	return seq, err
}

// Collection returns one collection.
func (c *Catalog) Collection(ctx context.Context, s rag.Scope, name string) (out rag.Collection, err error) {
	if s.Empty() {
		return out, rag.NotFound(fmt.Sprintf("collection %q", name))
	}
	err = c.read(ctx, "read collection", func(r *conn) error {
		out, _, err = findCollection(r, name)
		return err
	})
	return out, err
}

// ListCollections returns all collections by name.
func (c *Catalog) ListCollections(ctx context.Context, s rag.Scope) (out []rag.Collection, err error) {
	if s.Empty() {
		return nil, nil
	}
	err = c.read(ctx, "list collections", func(r *conn) error {
		return r.each("SELECT "+collectionColumns+" FROM collections ORDER BY name", nil, func(rows *sql.Rows) error {
			col, err := scanCollection(rows.Scan)
			out = append(out, col)
			return err
		})
	})
	return out, err
}
