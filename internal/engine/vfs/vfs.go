package vfs

import (
	"errors"
	"io/fs"
)

// FS is a folder. Names are flat: no separators. Safe for concurrent use.
//
// What Create wrote is durable after File.Sync; that a name exists, or has
// another file behind it, after SyncDir.
type FS interface {
	// Create makes an empty file, in place of any that is there.
	Create(name string) (File, error)
	// Map returns a file's bytes, which must not be written to.
	Map(name string) (Mapping, error)
	// Rename gives a file another name, in place of any that has it.
	Rename(old, new string) error
	// Remove removes a file. One that is not there is fs.ErrNotExist.
	Remove(name string) error
	// List returns the names, in no order.
	List() ([]string, error)
	// SyncDir makes names durable.
	SyncDir() error
}

// File is a file being written, from its start to its end.
type File interface {
	Write(p []byte) (int, error)
	Sync() error
	Close() error
}

// Mapping is the content of a file. Bytes starts at a multiple of 8 in memory,
// and must not be used after Close.
type Mapping interface {
	Bytes() []byte
	Close() error
}

// ErrNotExist is what errors about files that are not there wrap.
var ErrNotExist = fs.ErrNotExist

// WriteFile replaces a file so that after any crash either the old content or
// the new one is there, whole: it writes another name, syncs, and renames.
func WriteFile(f FS, name string, content []byte) error {
	temporary := name + ".tmp"
	file, err := f.Create(temporary)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, f.Remove(temporary))
	}
	if err := f.Rename(temporary, name); err != nil {
		return err
	}
	return f.SyncDir()
}
