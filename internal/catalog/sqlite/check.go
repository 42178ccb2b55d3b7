package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// checker walks one connection and gathers what it finds. With a transaction
// it mends what can be derived.
type checker struct {
	c      *Catalog
	r      *conn
	repair *tx // nil: look only
	report rag.CheckReport
	bad    map[int64]bool // blobs whose content is damaged
}

// Check verifies the catalog's invariants on one snapshot. With repair, no
// write runs beside it.
func (c *Catalog) Check(ctx context.Context, repair bool) (rag.CheckReport, error) {
	k := &checker{c: c, bad: map[int64]bool{}}
	k.report.Checked = map[string]int64{}
	var err error
	if repair {
		err = c.write(ctx, "check catalog", func(t *tx) error {
			k.r, k.repair = t.conn, t
			return k.run()
		})
	} else {
		err = c.read(ctx, "check catalog", func(r *conn) error {
			k.r = r
			return k.run()
		})
	}
	return k.report, err
}

func (k *checker) run() error {
	steps := []struct {
		name string
		run  func() error
	}{
		{"database", k.checkDatabase},
		{"blobs", k.checkBlobs},
		{"versions", k.checkVersions},
		{"documents", k.checkDocuments},
		{"log", k.checkLog},
		{"embeddings", k.checkEmbeddings},
		{"jobs", k.checkJobs},
		{"orphan blobs", k.checkOrphans},
	}
	for _, s := range steps {
		if err := k.r.ctx.Err(); err != nil {
			return err
		}
		if err := s.run(); err != nil {
			return fmt.Errorf("check %s: %w", s.name, err)
		}
	}
	return nil
}

func (k *checker) problem(invariant, subject, format string, args ...any) {
	k.found(false, invariant, subject, format, args...)
}

func (k *checker) found(repaired bool, invariant, subject, format string, args ...any) {
	k.report.Problems = append(k.report.Problems, rag.Problem{
		Invariant: invariant, Subject: subject, Detail: fmt.Sprintf(format, args...), Repaired: repaired})
}

func (k *checker) checked(what string, n int) { k.report.Checked[what] += int64(n) }

// checkDatabase asks SQLite about its own structures.
func (k *checker) checkDatabase() error {
	k.checked("database", 1)
	err := k.r.each("PRAGMA integrity_check(20)", nil, func(rows *sql.Rows) error {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			k.problem("database", FileName, "%s", line)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return k.r.each("PRAGMA foreign_key_check", nil, func(rows *sql.Rows) error {
		var table, parent string
		var rowid sql.NullInt64
		var constraint int
		if err := rows.Scan(&table, &rowid, &parent, &constraint); err != nil {
			return err
		}
		k.problem("foreign_key", fmt.Sprintf("%s row %d", table, rowid.Int64), "it points to a row of %s that does not exist", parent)
		return nil
	})
}

// checkDocuments tests that a document's version is its own and its newest.
func (k *checker) checkDocuments() error {
	return k.r.each(`SELECT d.id, coalesce(v.document IS d.num, 0), coalesce(v.number, 0), d.last_number, d.version IS NOT NULL,
			(SELECT coalesce(max(number), 0) FROM versions WHERE document = d.num)
		FROM documents d LEFT JOIN versions v ON v.vid = d.version`, nil, func(rows *sql.Rows) error {
		var id string
		var own, live bool
		var number, last, newest int
		if err := rows.Scan(&id, &own, &number, &last, &live, &newest); err != nil {
			return err
		}
		k.checked("documents", 1)
		switch {
		case live && !own:
			k.problem("current_version", id, "its current version belongs to another document")
		case live && number != newest:
			k.problem("current_version", id, "version %d is current, but %d is newer", number, newest)
		case newest > last:
			k.problem("version_number", id, "it has a version %d, but the last number given is %d", newest, last)
		}
		return nil
	})
}

// checkLog tests that the log has the entry of each current version, and of
// each document's and collection's last change.
func (k *checker) checkLog() error {
	err := k.r.each(`SELECT d.id, v.number, v.seq, coalesce(l.kind, ''), coalesce(l.document, ''), coalesce(l.number, 0), coalesce(l.version, 0) = v.vid
		FROM documents d JOIN versions v ON v.vid = d.version LEFT JOIN changes l ON l.seq = v.seq`, nil, func(rows *sql.Rows) error {
		var id, document string
		var kind rag.ChangeKind
		var number, logged int
		var seq int64
		var same bool
		if err := rows.Scan(&id, &number, &seq, &kind, &document, &logged, &same); err != nil {
			return err
		}
		k.checked("log", 1)
		switch {
		case kind == "":
			k.problem("log", id, "the log has no entry %d for its version %d", seq, number)
		case kind != rag.ChangePublished || document != id || logged != number || !same:
			k.problem("log", id, "entry %d of the log is not that of its version %d", seq, number)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, q := range []string{
		`SELECT 'document ' || id, seq FROM documents WHERE collection IS NOT NULL AND seq NOT IN (SELECT seq FROM changes)`,
		`SELECT 'collection ' || name, seq FROM collections WHERE seq NOT IN (SELECT seq FROM changes)`,
		`SELECT 'follower ' || follower, seq FROM cursors WHERE seq > (SELECT coalesce(max(seq), 0) FROM changes)`,
	} {
		err := k.r.each(q, nil, func(rows *sql.Rows) error {
			var subject string
			var seq int64
			err := rows.Scan(&subject, &seq)
			k.problem("log", subject, "it names entry %d, which the log does not have", seq)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
