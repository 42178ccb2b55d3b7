package vfs

import (
	"io"
	"os"
	"path/filepath"
	"unsafe"
)

// Dir is a folder of the operating system.
type Dir struct {
	path string
	mmap func(f *os.File, size int) ([]byte, error)
}

var _ FS = (*Dir)(nil)

// OpenDir returns the folder at path, made when it is not there.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return &Dir{path, mapFile}, nil
}

func (d *Dir) at(name string) string { return filepath.Join(d.path, name) }

// Create implements FS.
func (d *Dir) Create(name string) (File, error) {
	return os.OpenFile(d.at(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}

// Rename, Remove, List and SyncDir implement FS.
func (d *Dir) Rename(old, new string) error { return os.Rename(d.at(old), d.at(new)) }
func (d *Dir) Remove(name string) error     { return os.Remove(d.at(name)) }
func (d *Dir) SyncDir() error               { return syncDir(d.path) }

func (d *Dir) List() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// smallFile is up to which size a file is read rather than mapped: a mapping
// costs pages and a place in the kernel's tables.
const smallFile = 256 << 10

// Map implements FS: by mmap where there is such a thing, else by reading.
func (d *Dir) Map(name string) (Mapping, error) {
	f, err := os.Open(d.at(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if size := int(info.Size()); size > smallFile {
		if b, err := d.mmap(f, size); err == nil {
			return mapped(b), nil
		}
	}
	b := aligned(int(info.Size()))
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return heap(b), nil
}

// aligned makes n bytes that start at a multiple of 8.
func aligned(n int) []byte {
	words := make([]uint64, (n+7)/8+1)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)[:n]
}

type heap []byte

func (h heap) Bytes() []byte { return h }
func (h heap) Close() error  { return nil }
