package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// LockName is the file that pins the models of a directory.
const LockName = "models.lock"

const lockVersion = 1

// Entry is one model in the lock file.
type Entry struct {
	Name        string   `json:"name"`               // folder and file are named so
	ID          string   `json:"id"`                 // where it is from: "hf:org/name" or "file:name.whl"
	Revision    string   `json:"revision,omitempty"` // commit on the hub
	Fingerprint string   `json:"fingerprint"`        // of the converted model
	Settings    Settings `json:"settings"`
	Files       []File   `json:"files"` // as published, sorted by path
}

// Settings are the choices of a conversion that the published files leave open.
type Settings struct {
	Quantisation  string  `json:"quantisation,omitempty"` // int8, bf16, f32; "" is int8
	Dim           int     `json:"dim,omitempty"`          // Matryoshka cut
	Matryoshka    bool    `json:"matryoshka,omitempty"`   // vectors may be cut, though the files do not say so
	QueryPrompt   *string `json:"query_prompt,omitempty"`
	PassagePrompt *string `json:"passage_prompt,omitempty"`
}

// File is a published file.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// SizeBytes is the size of all published files.
func (e Entry) SizeBytes() (n int64) {
	for _, f := range e.Files {
		n += f.Size
	}
	return n
}

type lockFile struct {
	Version int     `json:"version"`
	Models  []Entry `json:"models"` // sorted by name
}

// List returns all models, sorted by name.
func (s *Store) List() ([]Entry, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, LockName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", LockName, err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var f lockFile
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("read %s: %w", LockName, err)
	}
	if f.Version != lockVersion {
		return nil, fmt.Errorf("read %s: version %d is not supported", LockName, f.Version)
	}
	for _, e := range f.Models {
		if err := CheckName(e.Name); err != nil {
			return nil, fmt.Errorf("read %s: %w", LockName, err)
		}
	}
	return f.Models, nil
}

// Entry finds a model by its name.
func (s *Store) Entry(name string) (Entry, bool, error) {
	entries, err := s.List()
	if err != nil {
		return Entry{}, false, err
	}
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false, nil
	}
	return entries[i], true, nil
}

// change rewrites the lock file without the entry of name, and with e unless
// that is nil.
func (s *Store) change(name string, e *Entry) error {
	entries, err := s.List()
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.Name == name })
	if e != nil {
		entries = append(entries, *e)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	raw, err := json.MarshalIndent(lockFile{Version: lockVersion, Models: entries}, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", LockName, err)
	}
	return writeFile(filepath.Join(s.dir, LockName), append(raw, '\n'))
}

// writeFile replaces a file by one that is whole and on the disk.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
