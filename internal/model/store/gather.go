package store

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxEntries = 100_000
	// A compressed stream may give this much, and then so many times what was
	// read of it: weights hardly compress, bombs do nothing else.
	freeBytes = 64 << 20
	maxRatio  = 100
)

// Gather copies the needed files of a model from source, a directory, a wheel
// or zip archive, or a tar archive, plain or compressed by gzip, into the empty
// folder dir. The model may stand in a folder inside; there must be one.
//
// SECURITY: archives are not trusted: a path that leads outside, a link in
// place of a file, or data far larger than the archive is refused.
func Gather(source, dir string) error {
	st, err := os.Stat(source)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if st.IsDir() {
		return gather(source, os.DirFS(source), dir)
	}
	kind, err := sniff(source)
	if err != nil {
		return err
	}
	switch kind {
	case "zip":
		err = gatherZip(source, dir)
	case "gzip", "tar":
		err = gatherTar(source, kind == "gzip", dir)
	default:
		err = errors.New("it is neither a directory nor a wheel, zip or tar(.gz) archive")
	}
	if err != nil {
		return fmt.Errorf("import %s: %w", filepath.Base(source), err)
	}
	return nil
}

func sniff(source string) (string, error) {
	f, err := os.Open(source)
	if err != nil {
		return "", fmt.Errorf("import: %w", err)
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("import: %w", err)
	}
	head = head[:n]
	switch {
	case strings.HasPrefix(string(head), "PK\x03\x04"):
		return "zip", nil
	case strings.HasPrefix(string(head), "\x1f\x8b"):
		return "gzip", nil
	case n == 512 && string(head[257:262]) == "ustar":
		return "tar", nil
	}
	return "", nil
}

// root finds the one folder of a tree that holds a model.
func root(paths []string) (string, error) {
	var found []string
	for _, p := range paths {
		folder := path.Dir(p)
		if base := path.Base(p); base != weights && base != index || slices.Contains(found, folder) {
			continue
		}
		if slices.Contains(paths, path.Join(folder, "config.json")) {
			found = append(found, folder)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("no folder with config.json and %s", weights)
	}
	return "", fmt.Errorf("it holds several models (%s): unpack it and import one", strings.Join(found, ", "))
}

// pick maps the needed paths of a tree to their places in the model.
func pick(paths []string) (map[string]string, error) {
	folder, err := root(paths)
	if err != nil {
		return nil, err
	}
	var inside []string
	for _, p := range paths {
		if folder == "." {
			inside = append(inside, p)
		} else if rel, ok := strings.CutPrefix(p, folder+"/"); ok {
			inside = append(inside, rel)
		}
	}
	wanted, err := Select(inside)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(wanted))
	for _, w := range wanted {
		out[path.Join(folder, w)] = w
	}
	return out, nil
}

func walkFiles(tree fs.FS, f func(p string) error) error {
	n := 0
	return fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if n++; n > maxEntries {
			return fmt.Errorf("more than %d files", maxEntries)
		}
		if d.IsDir() {
			return nil
		}
		return f(p)
	})
}

// gather copies from a directory. Links are followed: a download cache
// consists of them, and the directory is the user's own.
func gather(name string, tree fs.FS, dir string) error {
	var paths []string
	if err := walkFiles(tree, func(p string) error { paths = append(paths, p); return nil }); err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	wanted, err := pick(paths)
	if err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	for from, to := range wanted {
		if err := copyFile(tree, from, dir, to); err != nil {
			return fmt.Errorf("import %s: %s: %w", name, from, err)
		}
	}
	return nil
}

func copyFile(tree fs.FS, from, dir, to string) error {
	f, err := tree.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return errors.New("it is no file")
	}
	return put(dir, to, f, limitOf(to))
}

// put writes one file of at most limit bytes.
func put(dir, to string, r io.Reader, limit int64) error {
	name := filepath.Join(dir, filepath.FromSlash(to))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	return errors.Join(err, f.Close())
}

// inside cleans a path of an archive, and refuses one that leads outside.
func inside(name string) (string, error) {
	p := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if strings.HasPrefix(name, "/") || !filepath.IsLocal(filepath.FromSlash(p)) || strings.ContainsAny(p, ":\x00") {
		return "", fmt.Errorf("entry %q leads outside the archive", name)
	}
	return p, nil
}

func gatherZip(source, dir string) error {
	z, err := zip.OpenReader(source)
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	defer z.Close()
	if len(z.File) > maxEntries {
		return fmt.Errorf("more than %d entries", maxEntries)
	}
	entries := map[string]*zip.File{}
	var paths []string
	for _, f := range z.File {
		p, err := inside(f.Name)
		if err != nil {
			return err
		}
		if f.FileInfo().IsDir() {
			continue
		}
		if entries[p] != nil {
			return fmt.Errorf("entry %q is there twice", f.Name)
		}
		entries[p] = f
		paths = append(paths, p)
	}
	wanted, err := pick(paths)
	if err != nil {
		return err
	}
	for from, to := range wanted {
		if err := unzip(entries[from], dir, to); err != nil {
			return fmt.Errorf("entry %q: %w", from, err)
		}
	}
	return nil
}

func unzip(f *zip.File, dir, to string) error {
	if !f.Mode().IsRegular() {
		return errors.New("a file is expected, not a link")
	}
	limit := min(limitOf(to), freeBytes+maxRatio*int64(min(f.CompressedSize64, 1<<40)))
	if f.UncompressedSize64 > uint64(limit) {
		return fmt.Errorf("it says that it has %d bytes, %d at most are expected", f.UncompressedSize64, limit)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return put(dir, to, r, limit)
}

// gatherTar reads the archive twice: which files it holds, then those.
func gatherTar(source string, zipped bool, dir string) error {
	var paths []string
	err := walkTar(source, zipped, func(p string, h *tar.Header, _ io.Reader) error {
		if slices.Contains(paths, p) {
			return fmt.Errorf("entry %q is there twice", h.Name)
		}
		if len(paths) >= 10_000 {
			return errors.New("more than 10000 files")
		}
		paths = append(paths, p)
		return nil
	})
	if err != nil {
		return err
	}
	wanted, err := pick(paths)
	if err != nil {
		return err
	}
	return walkTar(source, zipped, func(p string, h *tar.Header, r io.Reader) error {
		to, ok := wanted[p]
		if !ok {
			return nil
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("entry %q: a file is expected, not a link", h.Name)
		}
		if err := put(dir, to, r, limitOf(to)); err != nil {
			return fmt.Errorf("entry %q: %w", h.Name, err)
		}
		return nil
	})
}

func walkTar(source string, zipped bool, f func(p string, h *tar.Header, r io.Reader) error) error {
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	defer file.Close()
	in := &meter{r: file}
	var r io.Reader = in
	if zipped {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		defer z.Close()
		r = &bounded{r: z, in: in}
	}
	t := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		if n > maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		p, err := inside(h.Name)
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if err := f(p, h, t); err != nil {
			return err
		}
	}
}

// meter counts what is read.
type meter struct {
	r io.Reader
	n int64
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	m.n += int64(n)
	return n, err
}

// bounded stops a stream that is far larger than what it was made of.
type bounded struct {
	r  io.Reader
	in *meter
	n  int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n += int64(n); b.n > freeBytes+maxRatio*b.in.n {
		return 0, fmt.Errorf("it unpacks to more than %d times its size", maxRatio)
	}
	return n, err
}
