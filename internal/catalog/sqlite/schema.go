package sqlite

import (
	"context"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// applicationID marks the file as ours: "Qry1".
const applicationID = 0x51727931

// Pragmas of the connections. synchronous=FULL makes a commit survive loss of
// power: in WAL mode the log file is synced before a commit returns.
var (
	writerPragmas = []string{
		"busy_timeout=10000", "synchronous=FULL", "foreign_keys=ON",
		"cache_size=-32768", "wal_autocheckpoint=4000", "journal_size_limit=67108864",
		"temp_store=MEMORY",
	}
	readerPragmas = []string{
		"busy_timeout=10000", "query_only=ON", "cache_size=-16384", "temp_store=MEMORY",
	}
)

// migrations bring a database from version i to i+1 (PRAGMA user_version).
// A released one never changes.
var migrations = []string{schema1, schema2}

// schema1 is described in docs/formats/catalog.md.
const schema1 = `
CREATE TABLE collections (
  num         INTEGER PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE,
  description TEXT    NOT NULL,
  settings    TEXT    NOT NULL,
  fingerprint TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  seq         INTEGER NOT NULL
) STRICT;

CREATE TABLE access_lists (
  id     INTEGER PRIMARY KEY,
  labels TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE access_labels (
  label TEXT    NOT NULL,
  list  INTEGER NOT NULL REFERENCES access_lists (id),
  PRIMARY KEY (label, list)
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
  id    INTEGER PRIMARY KEY,
  hash  BLOB    NOT NULL UNIQUE,
  codec INTEGER NOT NULL,
  size  INTEGER NOT NULL,
  data  BLOB    NOT NULL
) STRICT;

CREATE TABLE documents (
  num         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL UNIQUE,
  collection  INTEGER REFERENCES collections (num),
  uri         TEXT    NOT NULL,
  version     INTEGER REFERENCES versions (vid),
  last_number INTEGER NOT NULL,
  access      INTEGER NOT NULL REFERENCES access_lists (id),
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  seq         INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_list ON documents (collection, id);
CREATE UNIQUE INDEX documents_uri ON documents (collection, uri) WHERE version IS NOT NULL;
CREATE INDEX documents_version ON documents (version);

CREATE TABLE versions (
  vid         INTEGER PRIMARY KEY AUTOINCREMENT,
  document    INTEGER NOT NULL REFERENCES documents (num),
  number      INTEGER NOT NULL,
  source_blob INTEGER NOT NULL REFERENCES blobs (id),
  text_blob   INTEGER NOT NULL REFERENCES blobs (id),
  source_hash BLOB    NOT NULL,
  text_hash   BLOB    NOT NULL,
  chunks_hash BLOB    NOT NULL,
  size_bytes  INTEGER NOT NULL,
  text_bytes  INTEGER NOT NULL,
  title       TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  media_type  TEXT    NOT NULL,
  language    TEXT    NOT NULL,
  attributes  TEXT    NOT NULL,
  access      INTEGER NOT NULL REFERENCES access_lists (id),
  modified_at INTEGER,
  created_at  INTEGER NOT NULL,
  chunks      INTEGER NOT NULL,
  pages       INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  UNIQUE (document, number)
) STRICT;
CREATE INDEX versions_source ON versions (source_blob);
CREATE INDEX versions_text ON versions (text_blob);

CREATE TABLE texts (
  id   INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE chunks (
  version    INTEGER NOT NULL REFERENCES versions (vid),
  ordinal    INTEGER NOT NULL,
  text       INTEGER NOT NULL,
  context    TEXT    NOT NULL,
  byte_start INTEGER NOT NULL,
  byte_end   INTEGER NOT NULL,
  char_start INTEGER NOT NULL,
  char_end   INTEGER NOT NULL,
  locator    TEXT    NOT NULL,
  PRIMARY KEY (version, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
  id          INTEGER PRIMARY KEY,
  fingerprint TEXT    NOT NULL UNIQUE,
  dim         INTEGER NOT NULL
) STRICT;

CREATE TABLE embeddings (
  key    INTEGER PRIMARY KEY,
  vector BLOB NOT NULL
) STRICT;

CREATE TABLE changes (
  seq         INTEGER PRIMARY KEY,
  time        INTEGER NOT NULL,
  kind        TEXT    NOT NULL,
  collection  TEXT    NOT NULL,
  document    TEXT,
  number      INTEGER,
  version     INTEGER,
  fingerprint TEXT,
  payload     BLOB
) STRICT;

CREATE TABLE cursors (
  follower    TEXT    PRIMARY KEY,
  seq         INTEGER NOT NULL,
  fingerprint TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  num         INTEGER PRIMARY KEY,
  id          TEXT    NOT NULL UNIQUE,
  collection  TEXT    NOT NULL,
  source      TEXT    NOT NULL,
  path        TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  error       TEXT    NOT NULL,
  listed      INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  finished_at INTEGER,
  accepted    INTEGER NOT NULL DEFAULT 0,
  queued      INTEGER NOT NULL DEFAULT 0,
  indexed     INTEGER NOT NULL DEFAULT 0,
  unchanged   INTEGER NOT NULL DEFAULT 0,
  skipped     INTEGER NOT NULL DEFAULT 0,
  failed      INTEGER NOT NULL DEFAULT 0,
  deleted     INTEGER NOT NULL DEFAULT 0,
  bytes       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_running ON jobs (id) WHERE state = 'running';

CREATE TABLE job_items (
  job        INTEGER NOT NULL REFERENCES jobs (num),
  position   INTEGER NOT NULL,
  item       TEXT    NOT NULL,
  result     TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  document   TEXT    NOT NULL,
  number     INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (job, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX job_items_item ON job_items (job, item);
CREATE INDEX job_items_result ON job_items (job, result, reason, position);

CREATE TABLE idempotency_keys (
  key        TEXT    PRIMARY KEY,
  request    BLOB    NOT NULL,
  done       INTEGER NOT NULL,
  status     INTEGER NOT NULL,
  body       BLOB    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
`

// schema2 gives the catalog an identity, by which what follows its log knows
// it again.
const schema2 = `
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('id', lower(hex(randomblob(16))));
`

// prepareFile checks that the file is new or ours before anything is written
// to it, then sets the connection up and migrates the schema.
func prepareFile(ctx context.Context, w *conn, path string) error {
	var app, version, objects int
	for pragma, dest := range map[string]*int{"application_id": &app, "user_version": &version} {
		if err := w.raw.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(dest); err != nil {
			return err
		}
	}
	if err := w.raw.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&objects); err != nil {
		return err
	}
	fresh := app == 0 && version == 0 && objects == 0
	switch {
	case !fresh && app != applicationID:
		return &rag.Error{Code: rag.CodeInternal, Message: path + " is a SQLite database, but not a Quarry catalog"}
	case version > len(migrations):
		return &rag.Error{Code: rag.CodeInternal, Message: fmt.Sprintf(
			"%s has format %d, written by a newer Quarry; this one reads up to %d", path, version, len(migrations))}
	}
	if fresh {
		if err := w.pragmas(ctx, []string{"page_size=8192"}); err != nil {
			return err
		}
	}
	var mode string
	if err := w.raw.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return &rag.Error{Code: rag.CodeInternal, Message: "the file system of " + path + " does not allow SQLite's write-ahead log"}
	}
	if err := w.pragmas(ctx, writerPragmas); err != nil {
		return err
	}
	return migrate(ctx, w, version)
}

// migrate runs each missing migration in its own transaction.
func migrate(ctx context.Context, w *conn, version int) error {
	for ; version < len(migrations); version++ {
		script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA application_id=%d;\nPRAGMA user_version=%d;\nCOMMIT;",
			migrations[version], applicationID, version+1)
		if _, err := w.raw.ExecContext(ctx, script); err != nil {
			return fmt.Errorf("migrate catalog to format %d: %w", version+1, err)
		}
	}
	return nil
}
