package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/quarry-search/quarry/internal/rag"
)

var errClosed = &rag.Error{Code: rag.CodeUnavailable, Message: "the catalog is closed"}

// actionError names the failed action and gives a database error its code.
// Errors that carry a code already stay as they are.
func actionError(ctx context.Context, action string, err error) error {
	var coded *rag.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &coded):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", action, ctx.Err())
	}
	return storeError(fmt.Errorf("%s: %w", action, err))
}

// storeError wraps what the database said in the sentence a user may see.
func storeError(err error) error {
	code, ok := resultCode(err)
	if !ok {
		return err
	}
	switch code {
	case lib.SQLITE_FULL:
		return &rag.Error{Code: rag.CodeUnavailable, Message: "disk full: the catalog cannot grow", Err: err}
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return &rag.Error{Code: rag.CodeUnavailable, Message: "the catalog is locked by another process", Err: err}
	case lib.SQLITE_IOERR, lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_NOMEM:
		return &rag.Error{Code: rag.CodeUnavailable, Message: "the catalog's disk cannot be read or written", Err: err}
	case lib.SQLITE_CORRUPT:
		return &rag.Error{Code: rag.CodeInternal, Message: "the catalog's file is damaged; run quarry fsck", Err: err}
	case lib.SQLITE_NOTADB:
		return &rag.Error{Code: rag.CodeInternal, Message: FileName + " is not a Quarry catalog, or its first page is damaged", Err: err}
	}
	return err
}

// resultCode returns SQLite's primary result code.
func resultCode(err error) (int, bool) {
	var e *driver.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code() & 0xff, true
}

// spoilsTransaction reports whether SQLite may have rolled the whole
// transaction back by itself, so that no other statement may run in it.
func spoilsTransaction(err error) bool {
	code, ok := resultCode(err)
	if !ok {
		return false
	}
	switch code {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_NOMEM, lib.SQLITE_CORRUPT,
		lib.SQLITE_BUSY, lib.SQLITE_INTERRUPT, lib.SQLITE_NOTADB:
		return true
	}
	return false
}

func isUniqueViolation(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE
}
