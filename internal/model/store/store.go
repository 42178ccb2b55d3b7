package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quarry-search/quarry/internal/model"
)

// Store is a directory of models. Its methods may be called from several
// processes at once, those that write by one at a time.
type Store struct{ dir string }

// New returns the store in dir, which need not exist yet.
func New(dir string) *Store { return &Store{dir: dir} }

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)

// CheckName refuses names that cannot be a folder everywhere.
func CheckName(name string) error {
	if !namePattern.MatchString(name) || strings.Contains(name, "..") || strings.HasSuffix(name, ".") ||
		strings.EqualFold(name, LockName) || strings.EqualFold(name, "lock") || strings.HasSuffix(strings.ToLower(name), converted) {
		return fmt.Errorf("model name %q: letters, digits, '.', '_' and '-' are expected, 96 at most", name)
	}
	return nil
}

const (
	converted = ".qmodel"
	staging   = ".staging"
	// stale is how old an abandoned download may become before it is removed.
	stale = 14 * 24 * time.Hour
)

// Folder is where the published files of a model are.
func (s *Store) Folder(name string) string { return filepath.Join(s.dir, name) }

// File is the converted file of a model.
func (s *Store) File(name string) string { return filepath.Join(s.dir, name+converted) }

// Staging returns a folder for the files of a model that is on its way. Equal
// keys give equal folders, so that a later call can go on.
func (s *Store) Staging(key string) (string, error) {
	sum := sha256.Sum256([]byte(key))
	root := filepath.Join(s.dir, staging)
	if old, err := os.ReadDir(root); err == nil {
		for _, d := range old {
			if info, err := d.Info(); err == nil && time.Since(info.ModTime()) > stale {
				if err := os.RemoveAll(filepath.Join(root, d.Name())); err != nil {
					return "", fmt.Errorf("remove abandoned download: %w", err)
				}
			}
		}
	}
	dir := filepath.Join(root, hex.EncodeToString(sum[:12]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	return dir, nil
}

// Open loads an installed model.
func (s *Store) Open(name string) (*model.Model, error) {
	e, ok, err := s.Entry(name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, s.unknown(name)
	}
	m, err := model.Open(s.File(name))
	if err != nil {
		return nil, fmt.Errorf("%w; quarry model verify %s says more", err, name)
	}
	if got := m.Info().Fingerprint; got != e.Fingerprint {
		return nil, fmt.Errorf("open model %s: its fingerprint is %s, the lock file says %s", name, got, e.Fingerprint)
	}
	return m, nil
}

func (s *Store) unknown(name string) error {
	entries, err := s.List()
	if err != nil {
		return err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	known := "none is"
	if len(names) > 0 {
		known = "there are: " + strings.Join(names, ", ")
	}
	return fmt.Errorf("model %q is not installed (%s); get it with quarry model pull or import", name, known)
}

// Install converts the files in folder, moves them into the store and writes
// them into the lock file, in place of a model of that name. Name, ID,
// Revision and Settings of e are the caller's; the rest is filled in.
func (s *Store) Install(folder string, e Entry) (Entry, model.Info, error) {
	fail := func(err error) (Entry, model.Info, error) { return Entry{}, model.Info{}, err }
	if err := CheckName(e.Name); err != nil {
		return fail(err)
	}
	var err error
	if e.Files, err = hashAll(folder); err != nil {
		return fail(err)
	}
	var data bytes.Buffer
	info, err := model.ConvertWith(folder, &data, model.Options{
		Name: e.Name, Origin: e.origin(), Quantisation: e.Settings.Quantisation, Dim: e.Settings.Dim,
		Matryoshka: e.Settings.Matryoshka, QueryPrompt: e.Settings.QueryPrompt, PassagePrompt: e.Settings.PassagePrompt,
	})
	if err != nil {
		return fail(err)
	}
	e.Fingerprint = info.Fingerprint
	// Stopped in between, the lock file does not match what is there: Open and
	// Verify say so, and installing again mends it.
	if err := os.RemoveAll(s.Folder(e.Name)); err != nil {
		return fail(fmt.Errorf("replace model: %w", err))
	}
	if err := os.Rename(folder, s.Folder(e.Name)); err != nil {
		return fail(fmt.Errorf("move model: %w", err))
	}
	if err := writeFile(s.File(e.Name), data.Bytes()); err != nil {
		return fail(err)
	}
	if err := s.change(e.Name, &e); err != nil {
		return fail(err)
	}
	return e, info, nil
}

func (e Entry) origin() string {
	if e.Revision == "" {
		return e.ID
	}
	return e.ID + "@" + e.Revision
}

// hashAll lists the files below folder, and removes what no model consists of.
func hashAll(folder string) ([]File, error) {
	var paths []string
	root := os.DirFS(folder)
	err := walkFiles(root, func(p string) error { paths = append(paths, p); return nil })
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	wanted, err := Select(paths)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, p := range paths {
		name := filepath.Join(folder, filepath.FromSlash(p))
		if !slices.Contains(wanted, p) {
			if err := os.Remove(name); err != nil {
				return nil, fmt.Errorf("remove left-over: %w", err)
			}
			continue
		}
		f, err := hashFile(name)
		if err != nil {
			return nil, err
		}
		f.Path = p
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

func hashFile(name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return File{}, fmt.Errorf("hash %s: %w", filepath.Base(name), err)
	}
	return File{Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// Remove deletes a model.
func (s *Store) Remove(name string) error {
	_, ok, err := s.Entry(name)
	if err != nil {
		return err
	}
	if !ok {
		return s.unknown(name)
	}
	if err := s.change(name, nil); err != nil {
		return err
	}
	if err := os.Remove(s.File(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove model: %w", err)
	}
	if err := os.RemoveAll(s.Folder(name)); err != nil {
		return fmt.Errorf("remove model: %w", err)
	}
	return nil
}

// Verify compares the files of a model with the lock file, and the converted
// file with its checksum and fingerprint. It returns one sentence per fault.
func (s *Store) Verify(name string) (faults []string, err error) {
	e, ok, err := s.Entry(name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, s.unknown(name)
	}
	for _, want := range e.Files {
		if !filepath.IsLocal(filepath.FromSlash(want.Path)) {
			faults = append(faults, fmt.Sprintf("%s: no path inside the model", want.Path))
			continue
		}
		got, err := hashFile(filepath.Join(s.Folder(name), filepath.FromSlash(want.Path)))
		switch {
		case errors.Is(err, os.ErrNotExist):
			faults = append(faults, want.Path+": missing")
		case err != nil:
			return faults, err
		case got.Size != want.Size:
			faults = append(faults, fmt.Sprintf("%s: %d bytes, %d in the lock file", want.Path, got.Size, want.Size))
		case got.SHA256 != want.SHA256:
			faults = append(faults, fmt.Sprintf("%s: SHA-256 is %s, %s in the lock file", want.Path, got.SHA256, want.SHA256))
		}
	}
	if _, err := s.Open(name); err != nil {
		faults = append(faults, err.Error())
	}
	return faults, nil
}
