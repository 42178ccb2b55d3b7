package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// keyLifetime is how long a stored response answers repeats.
const keyLifetime = 24 * time.Hour

// BeginKey claims an idempotency key.
func (c *Catalog) BeginKey(ctx context.Context, key string, request rag.Hash) (stored rag.KeyRecord, ok bool, err error) {
	if key == "" || len(key) > 255 {
		return stored, false, rag.Invalid("", "an idempotency key has 1 to 255 characters")
	}
	err = c.write(ctx, "claim idempotency key", func(t *tx) error {
		if _, err := t.exec("DELETE FROM idempotency_keys WHERE created_at < ?", micros(t.now.Add(-keyLifetime))); err != nil {
			return err
		}
		var hash []byte
		err := t.one("SELECT request, done, status, body FROM idempotency_keys WHERE key = ?", []any{key},
			&hash, &stored.Done, &stored.Status, &stored.Body)
		if err == nil {
			copy(stored.Request[:], hash)
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		ok, stored = true, rag.KeyRecord{Request: request}
		_, err = t.exec("INSERT INTO idempotency_keys (key, request, done, status, body, created_at) VALUES (?, ?, 0, 0, x'', ?)",
			key, request[:], micros(t.now))
		return err
	})
	return stored, ok && err == nil, err
}

// EndKey stores the response to a claimed key.
func (c *Catalog) EndKey(ctx context.Context, key string, status int, body []byte) error {
	if body == nil {
		body = []byte{}
	}
	return c.write(ctx, "store idempotent response", func(t *tx) error {
		res, err := t.exec("UPDATE idempotency_keys SET done = 1, status = ?, body = ? WHERE key = ?", status, body, key)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return rag.NotFound("the idempotency key")
	})
}

// DropKey forgets a claim.
func (c *Catalog) DropKey(ctx context.Context, key string) error {
	return c.write(ctx, "drop idempotency key", func(t *tx) error {
		_, err := t.exec("DELETE FROM idempotency_keys WHERE key = ?", key)
		return err
	})
}

// forgetClaims drops the claims of requests that died with their process: this
// one has just started, and no other is on the directory.
func (c *Catalog) forgetClaims(ctx context.Context) error {
	return c.write(ctx, "forget idempotency claims", func(t *tx) error {
		_, err := t.exec("DELETE FROM idempotency_keys WHERE done = 0")
		return err
	})
}
