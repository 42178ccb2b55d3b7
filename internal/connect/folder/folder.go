package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// Options tune a Folder. The zero value of each field takes its default.
type Options struct {
	MaxBytes int64         // larger files are skipped unread; 64 MiB
	Base     string        // absolute path that attributes are relative to; the folder itself
	Exclude  []string      // absolute paths that are never listed, such as the data directory
	Rescan   time.Duration // Watch walks the whole folder this often at least; 10 minutes
	Debounce time.Duration // Watch waits for this much quiet after an event; 300 ms

	// Unwatched is told once when the system has no file watches left and Watch
	// goes on by walking the folder.
	Unwatched func(err error)
}

// Folder is a folder, or a single file, as a source of documents. Safe for
// concurrent use, but for Watch, which runs once.
type Folder struct {
	opts Options
	path string   // absolute, symbolic links resolved, of the folder
	only string   // name of the single file in it, "" for all
	root *os.Root // SECURITY: every file is opened through it, so no link leads outside

	opened func() // called after each opening, for tests that change the file then

	mu   sync.Mutex
	seen map[string]stamp // by item: what the last listing saw
}

// stamp tells two states of an entry apart without reading it.
type stamp struct {
	size     int64
	modified time.Time
	mode     fs.FileMode
}

// Open opens a folder or a single file. Close it after use.
func Open(name string, opts Options) (*Folder, error) {
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = 64 << 20
	}
	if opts.Rescan <= 0 {
		opts.Rescan = 10 * time.Minute
	}
	if opts.Debounce <= 0 {
		opts.Debounce = 300 * time.Millisecond
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	f := &Folder{opts: opts, path: abs, seen: map[string]stamp{}}
	for i, p := range opts.Exclude {
		if resolved, err := filepath.EvalSymlinks(p); err == nil {
			opts.Exclude[i] = resolved
		}
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("open folder: %s is neither a folder nor a regular file", name)
		}
		f.path, f.only = filepath.Dir(abs), filepath.Base(abs)
	}
	if f.root, err = os.OpenRoot(f.path); err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	return f, nil
}

// Close releases the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Path is the absolute path of the folder, or of the single file.
func (f *Folder) Path() string { return filepath.Join(f.path, f.only) }

// Prefix is what the uri of every document of this source begins with. Other
// uris may begin with it too: Owns decides.
func (f *Folder) Prefix() string {
	if f.only != "" {
		return f.uri(f.only)
	}
	return strings.TrimSuffix(fileURI(f.path), "/") + "/"
}

// Owns reports whether uri lies in this source.
func (f *Folder) Owns(uri string) bool {
	if f.only != "" {
		return uri == f.Prefix()
	}
	return strings.HasPrefix(uri, f.Prefix())
}

// uri is the item of a slash-separated path relative to the folder.
func (f *Folder) uri(rel string) string {
	return fileURI(filepath.Join(f.path, filepath.FromSlash(rel)))
}

// fileURI writes an absolute path as a uri, percent-encoded, so that any name
// at all has one and it holds no control characters.
func fileURI(abs string) string {
	p := filepath.ToSlash(abs)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // "C:/x" on Windows
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// rel is the inverse of uri.
func (f *Folder) rel(item string) (string, bool) {
	u, err := url.Parse(item)
	if err != nil || u.Scheme != "file" || !f.Owns(item) {
		return "", false
	}
	if f.only != "" {
		return f.only, true
	}
	p := u.Path
	if vol := filepath.VolumeName(f.path); vol != "" {
		p = strings.TrimPrefix(p, "/")
	}
	rel, err := filepath.Rel(f.path, filepath.FromSlash(p))
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// List calls found for every entry, in the order of their names, folder by
// folder. Refusal is nil for a file that Read can be asked for; otherwise it
// is a *rag.Refusal and the entry (a folder's item ends in "/") is not looked
// into. An error that is not found's own means that the folder could not be
// listed; what was found before it stands.
func (f *Folder) List(ctx context.Context, found func(item string, refusal error) error) error {
	seen, err := f.walk(ctx, ignoreFolder, found)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.seen = seen
	f.mu.Unlock()
	return nil
}

// walk visits every entry. It calls enter with the path of each folder before
// it reads the entries, and returns a stamp for each item that it found.
func (f *Folder) walk(ctx context.Context, enter func(dir string), found func(item string, refusal error) error) (map[string]stamp, error) {
	seen := map[string]stamp{}
	visit := func(rel string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if rel == "." && err != nil {
			return fmt.Errorf("list folder: %w", err)
		}
		if rel == "." {
			enter(f.path)
			return nil
		}
		info, refusal := f.judge(rel, d, err)
		if refusal == nil && d.IsDir() {
			enter(filepath.Join(f.path, filepath.FromSlash(rel)))
			return nil
		}
		if refusal == nil && info == nil {
			return nil // gone since its folder was read
		}
		item, s := f.uri(rel), stamp{}
		if d.IsDir() {
			item += "/"
		} else if info != nil {
			s = stamp{size: info.Size(), modified: info.ModTime(), mode: info.Mode()}
		}
		seen[item] = s
		if err := found(item, refusal); err != nil {
			return err
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if f.only == "" {
		return seen, fs.WalkDir(f.root.FS(), ".", visit)
	}
	info, err := f.root.Lstat(f.only)
	if err != nil {
		return seen, fmt.Errorf("list folder: %w", err)
	}
	enter(f.path)
	return seen, visit(f.only, fs.FileInfoToDirEntry(info), nil)
}

// judge decides about one entry without opening it. A file that vanished
// yields neither info nor refusal.
func (f *Folder) judge(rel string, d fs.DirEntry, err error) (fs.FileInfo, error) {
	if err != nil {
		return nil, refuseError(err)
	}
	if f.only == "" {
		if err := refuseName(d.Name(), d.IsDir()); err != nil {
			return nil, err
		}
	}
	abs := filepath.Join(f.path, filepath.FromSlash(rel))
	for _, excluded := range f.opts.Exclude {
		if abs == excluded {
			return nil, rag.Skip(rag.ReasonPolicy, "Quarry's own data")
		}
	}
	if d.IsDir() {
		return nil, refuseFolder(f.root.FS(), rel)
	}
	info, err := d.Info()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, refuseError(err)
	case !info.Mode().IsRegular():
		return info, refuseType(info.Mode())
	}
	return info, nil
}

// refuseError turns an error of the file system into a refusal: its own words
// may name paths and are left out.
func refuseError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return rag.Fail(rag.ReasonUnreadable, "permission denied")
	}
	return rag.Fail(rag.ReasonUnreadable, "input/output error")
}

// fromBase is a path relative to Options.Base.
func (f *Folder) fromBase(rel string) string {
	if f.opts.Base == "" {
		return rel
	}
	from, err := filepath.Rel(f.opts.Base, filepath.Join(f.path, filepath.FromSlash(rel)))
	if err != nil || !filepath.IsLocal(from) {
		return rel
	}
	return filepath.ToSlash(from)
}

// firstFolder is the first element of a relative path that has several.
func firstFolder(rel string) string {
	if first, _, ok := strings.Cut(rel, "/"); ok {
		return first
	}
	return ""
}

// extension is the lower-case extension without its dot, "" for none.
func extension(rel string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(rel), "."))
}
