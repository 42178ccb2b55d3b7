//go:build !unix

package vfs

import (
	"errors"
	"os"
)

// mapFile has no form here: Map reads.
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

type mapped = heap

// syncDir has nothing to do: here the journal orders renames.
func syncDir(string) error { return nil }
