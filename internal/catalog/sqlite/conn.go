package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// conn is one database connection with its prepared statements. Not safe for
// concurrent use: the writer's turn or the readers' channel hands it out.
type conn struct {
	ctx   context.Context // of the call that holds the connection
	raw   *sql.Conn
	stmts map[string]*sql.Stmt // by SQL text; the texts are constants
	held  bool                 // inside a snapshot that outlives the call: see Catalog.Snapshot
}

func newConn(ctx context.Context, db *sql.DB) (*conn, error) {
	raw, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{ctx: ctx, raw: raw, stmts: map[string]*sql.Stmt{}}, nil
}

func (c *conn) pragmas(ctx context.Context, list []string) error {
	for _, p := range list {
		if _, err := c.raw.ExecContext(ctx, "PRAGMA "+p); err != nil {
			return fmt.Errorf("pragma %s: %w", p, err)
		}
	}
	return nil
}

func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.raw.PrepareContext(c.ctx, query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

// exec runs a statement that returns no rows.
func (c *conn) exec(query string, args ...any) (sql.Result, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(c.ctx, args...)
}

// one scans the single row of a query; sql.ErrNoRows when there is none.
func (c *conn) one(query string, args []any, dest ...any) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(c.ctx, args...).Scan(dest...)
}

// each calls fn for every row of a query.
func (c *conn) each(query string, args []any, fn func(rows *sql.Rows) error) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(c.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// snapshot runs fn in a read transaction, under ctx. The transaction begins
// and ends even when the caller has gone: a connection that kept its snapshot
// would show its next user the past.
func (c *conn) snapshot(ctx context.Context, fn func(r *conn) error) error {
	if c.held {
		c.ctx = ctx
		return fn(c)
	}
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	c.ctx = ctx
	err := fn(c)
	c.ctx = context.Background()
	if _, endErr := c.exec("ROLLBACK"); err == nil {
		err = endErr
	}
	return err
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		_ = s.Close() // closing the connection finalises them as well
	}
	return c.raw.Close()
}
