package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/quarry-search/quarry/internal/rag"
)

// FileName is the database's name inside the data directory.
const FileName = "catalog.db"

// Options tune a Catalog. The zero value takes all defaults.
type Options struct {
	Readers        int              // reading connections; default max(4, CPUs)
	TextCacheBytes int              // normalised texts kept decompressed; default 64 MiB
	ChunkCache     int              // chunks kept hydrated; default 16384
	Now            func() time.Time // default time.Now
}

func (o Options) withDefaults() Options {
	if o.Readers <= 0 {
		o.Readers = max(4, runtime.NumCPU())
	}
	if o.TextCacheBytes <= 0 {
		o.TextCacheBytes = 64 << 20
	}
	if o.ChunkCache <= 0 {
		o.ChunkCache = 16384
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Catalog implements rag.Catalog. Safe for concurrent use.
type Catalog struct {
	path    string
	id      string
	now     func() time.Time
	db      *sql.DB // owns every connection
	readers chan *conn
	writer  writer
	head    head
	blobs   codec
	texts   *cache[rag.Hash, string]
	chunks  *cache[rag.ChunkKey, rag.Chunk]
	counts  countCache
	erased  erasedTexts

	closeOnce sync.Once
	closed    chan struct{}
	closeErr  error
}

var _ rag.Catalog = (*Catalog)(nil)

// Open opens the catalog in dir, which must exist, and creates or migrates it
// as needed. A file that is not a Quarry catalog, is damaged at its root or
// was written by a newer version is refused and left as it is.
func Open(dir string, opts Options) (*Catalog, error) {
	opts = opts.withDefaults()
	blobs, err := newCodec()
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	c := &Catalog{
		path:    filepath.Join(dir, FileName),
		now:     opts.Now,
		blobs:   blobs,
		texts:   newCache[rag.Hash, string](opts.TextCacheBytes),
		chunks:  newCache[rag.ChunkKey, rag.Chunk](opts.ChunkCache),
		readers: make(chan *conn, opts.Readers),
		closed:  make(chan struct{}),
	}
	if err := c.open(opts.Readers); err != nil {
		if c.db != nil {
			_ = c.db.Close() // the first error is the one to tell
		}
		return nil, err
	}
	return c, nil
}

func (c *Catalog) open(readers int) error {
	ctx := context.Background()
	// The path goes through url.URL so that '?' and '%' in it stay literal.
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(c.path)}).String()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return fmt.Errorf("open catalog %s: %w", c.path, err)
	}
	c.db = db
	db.SetMaxOpenConns(readers + 1)
	db.SetMaxIdleConns(0)

	w, err := newConn(ctx, db)
	if err != nil {
		return c.openError(err)
	}
	if err := prepareFile(ctx, w, c.path); err != nil {
		return c.openError(err)
	}
	if err := syncDir(filepath.Dir(c.path)); err != nil {
		return fmt.Errorf("open catalog: sync directory: %w", err)
	}
	if err := w.raw.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'id'").Scan(&c.id); err != nil {
		return c.openError(err)
	}
	seq, err := lastSeq(ctx, w)
	if err != nil {
		return c.openError(err)
	}
	c.writer.init(w, seq)
	c.head.advance(seq)
	for range readers {
		r, err := newConn(ctx, db)
		if err != nil {
			return c.openError(err)
		}
		if err := r.pragmas(ctx, readerPragmas); err != nil {
			return c.openError(err)
		}
		c.readers <- r
	}
	return c.forgetClaims(ctx)
}

// ID is the catalog's identity: random, given when it was made, and kept by
// copies of it.
func (c *Catalog) ID() string { return c.id }

func (c *Catalog) openError(err error) error {
	var e *rag.Error
	if errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("open catalog %s: %w", c.path, storeError(err))
}

// Close waits for running reads and writes, then closes the database. Later
// calls fail with CodeUnavailable.
func (c *Catalog) Close() error {
	c.closeOnce.Do(func() {
		c.stopWriting()
		close(c.closed)
		for range cap(c.readers) {
			r := <-c.readers
			c.closeErr = errors.Join(c.closeErr, r.close())
		}
		c.closeErr = errors.Join(c.closeErr, c.writer.conn.close(), c.db.Close())
	})
	return c.closeErr
}

// read runs fn on a reading connection, inside one snapshot.
func (c *Catalog) read(ctx context.Context, action string, fn func(r *conn) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	select {
	case <-c.closed:
		return errClosed
	default:
	}
	var r *conn
	select {
	case r = <-c.readers:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", action, ctx.Err())
	case <-c.closed:
		return errClosed
	}
	defer func() { c.readers <- r }()
	return actionError(ctx, action, r.snapshot(ctx, fn))
}

// syncDir makes the directory's entries durable, where the platform can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
