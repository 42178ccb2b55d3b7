package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// File is a downloaded file.
type File struct {
	Path   string
	Size   int64
	SHA256 string
}

// Download brings files of a listing into dir and returns them in the order
// of paths. What an earlier call left in dir is used: whole files are checked,
// parts are continued. pinned holds the SHA-256 that a file must have, by
// path; it may be nil.
func (c *Client) Download(ctx context.Context, l Listing, paths []string, dir string, pinned map[string]string) ([]File, error) {
	listed := map[string]Remote{}
	for _, f := range l.Files {
		listed[f.Path] = f
	}
	out := make([]File, 0, len(paths))
	for _, p := range paths {
		remote, ok := listed[p]
		if !ok || !safePath(p) {
			return nil, fmt.Errorf("download %s: %s has no such file", p, l.Ref)
		}
		d := &download{c: c, listing: l, remote: remote, target: filepath.Join(dir, filepath.FromSlash(p)), pinned: pinned[p]}
		f, err := d.run(ctx)
		if err != nil {
			return nil, fmt.Errorf("download %s: %w", p, c.explain(l.Ref, err))
		}
		out = append(out, f)
	}
	return out, nil
}

// download is one file on its way.
type download struct {
	c       *Client
	listing Listing
	remote  Remote
	target  string
	pinned  string

	meta linked
	part string // the file so far; its name holds the entity tag
}

// errChanged says that the remote file is not the one that was begun.
var errChanged = errors.New("the file changed on the server while it was read")

// errWrong is a whole file with other bytes than it should have.
var errWrong = errors.New("the SHA-256 does not match")

// maxFresh is how often a file is begun anew when it changed or was wrong.
const maxFresh = 2

func (d *download) run(ctx context.Context) (File, error) {
	if f, err := d.check(d.target); err == nil {
		return f, nil
	}
	if err := os.MkdirAll(filepath.Dir(d.target), 0o755); err != nil {
		return File{}, fmt.Errorf("make directory: %w", err)
	}
	for fresh := 1; ; fresh++ {
		f, err := d.once(ctx)
		if err == nil || fresh == maxFresh || !errors.Is(err, errChanged) && !errors.Is(err, errWrong) {
			return f, err
		}
	}
}

func (d *download) address() string {
	var escaped []string
	for segment := range strings.SplitSeq(d.remote.Path, "/") {
		escaped = append(escaped, url.PathEscape(segment))
	}
	return d.c.endpoint.String() + "/" + d.listing.Ref.ID + "/resolve/" + d.listing.Commit + "/" + strings.Join(escaped, "/")
}

// once downloads the file as the server has it now.
func (d *download) once(ctx context.Context) (File, error) {
	if err := d.c.retry(ctx, func() (bool, error) { return false, d.head(ctx) }); err != nil {
		return File{}, err
	}
	tag := sha256.Sum256([]byte(d.meta.etag))
	d.part = d.target + "." + hex.EncodeToString(tag[:6]) + ".part"
	if d.meta.etag == "" { // nothing tells whether a part is of this file
		if err := d.discard(); err != nil {
			return File{}, err
		}
	}
	if err := d.c.retry(ctx, func() (bool, error) { return d.fetch(ctx) }); err != nil {
		if errors.Is(err, errChanged) {
			err = errors.Join(err, d.discard())
		}
		return File{}, err
	}
	f, err := d.check(d.part)
	if err != nil {
		return File{}, errors.Join(err, d.discard())
	}
	if err := os.Rename(d.part, d.target); err != nil {
		return File{}, fmt.Errorf("name the file: %w", err)
	}
	return f, nil
}

func (d *download) discard() error {
	if err := os.Remove(d.part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove part: %w", err)
	}
	return nil
}

var plainBytes = http.Header{"Accept-Encoding": {"identity"}}

// head asks what the file is.
func (d *download) head(ctx context.Context) error {
	res, meta, err := d.c.send(ctx, http.MethodHead, d.address(), plainBytes)
	if err != nil {
		return err
	}
	if res.StatusCode >= 400 {
		return fault(res)
	}
	_ = res.Body.Close() // a HEAD has none
	if meta.size < 0 && res.StatusCode == http.StatusOK {
		meta.size = res.ContentLength
	}
	if meta.size < 0 {
		meta.size = d.remote.Size
	}
	if err := d.accept(meta); err != nil {
		return err
	}
	d.meta = meta
	return nil
}

// accept checks what the server says of the file before a byte is read.
func (d *download) accept(m linked) error {
	if m.commit != "" && m.commit != d.listing.Commit {
		return fmt.Errorf("the server answers with commit %s, not %s", printable(m.commit), d.listing.Commit)
	}
	if m.size < 0 {
		return errors.New("the server does not tell the file's size")
	}
	if d.remote.Size >= 0 && m.size != d.remote.Size {
		return fmt.Errorf("the server says %d bytes, the listing %d", m.size, d.remote.Size)
	}
	if m.size > d.c.o.MaxBytes {
		return fmt.Errorf("the server says %d bytes; a file may have %d", m.size, d.c.o.MaxBytes)
	}
	for _, want := range []string{d.pinned, d.remote.SHA256} {
		if sha256Pattern.MatchString(m.etag) && want != "" && m.etag != want {
			return fmt.Errorf("%w: the server has %s, expected was %s", errWrong, m.etag, want)
		}
	}
	return nil
}

// fetch reads what is missing of the part.
func (d *download) fetch(ctx context.Context) (progress bool, err error) {
	file, err := os.OpenFile(d.part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, fmt.Errorf("open part: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	offset, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return false, fmt.Errorf("open part: %w", err)
	}
	if offset == d.meta.size {
		return false, nil
	}
	if offset > d.meta.size {
		offset = 0
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := plainBytes.Clone()
	if offset > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	res, meta, err := d.c.send(ctx, http.MethodGet, d.address(), header)
	if err != nil {
		return false, err
	}
	if res.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		_ = res.Body.Close() // an error page
		return false, &cutError{errors.Join(errors.New("the server refuses to continue"), file.Truncate(0))}
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusPartialContent {
		return false, fault(res)
	}
	defer res.Body.Close()
	if meta.etag != d.meta.etag {
		return false, errChanged
	}
	if offset, err = begin(file, res, offset, d.meta.size); err != nil {
		return false, err
	}
	return d.copy(ctx, file, res.Body, offset, cancel)
}

// begin puts the file where the response starts, and cuts off what follows.
func begin(file *os.File, res *http.Response, offset, size int64) (int64, error) {
	if res.StatusCode == http.StatusOK {
		offset = 0 // the whole file, whatever was asked
	} else {
		var first, last, total int64
		if n, _ := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total); n != 3 || first != offset || total != size {
			return 0, &cutError{errors.Join(
				fmt.Errorf("the server answers with the range %q for byte %d of %d", printable(res.Header.Get("Content-Range")), offset, size), file.Truncate(0))}
		}
	}
	if err := file.Truncate(offset); err != nil {
		return 0, fmt.Errorf("write part: %w", err)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return 0, fmt.Errorf("write part: %w", err)
	}
	return offset, nil
}

// copy writes the body, never more than the file's size.
func (d *download) copy(ctx context.Context, file *os.File, body io.Reader, offset int64, cancel context.CancelCauseFunc) (progress bool, err error) {
	stalled := fmt.Errorf("nothing came for %s", d.c.o.Stall)
	timer := time.AfterFunc(d.c.o.Stall, func() { cancel(stalled) })
	defer timer.Stop()
	buffer := make([]byte, 256<<10)
	at := offset
	for {
		n, err := body.Read(buffer)
		timer.Reset(d.c.o.Stall)
		if at += int64(n); at > d.meta.size {
			return false, fmt.Errorf("the server sends more than the %d bytes it said", d.meta.size)
		}
		if _, werr := file.Write(buffer[:n]); werr != nil {
			return false, fmt.Errorf("write part: %w", werr)
		}
		if n > 0 {
			d.c.o.Progress(Progress{Path: d.remote.Path, Done: at, Total: d.meta.size})
		}
		switch {
		case err == nil:
		case at == d.meta.size:
			return true, nil
		default: // cut off, or stalled: no cancellation by the caller
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return at > offset, &cutError{fmt.Errorf("the connection ended at byte %d of %d: %v", at, d.meta.size, err)}
		}
	}
}

var (
	sha256Pattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	sha1Pattern   = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// check hashes a whole file and compares it with all that is known of it: the
// caller's pin, the listing, and the entity tag, which is the SHA-256 of a
// large file and git's SHA-1 of a small one.
func (d *download) check(path string) (File, error) {
	file, err := os.Open(path)
	if err != nil {
		return File{}, fmt.Errorf("check: %w", err)
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return File{}, fmt.Errorf("check: %w", err)
	}
	strong, git := sha256.New(), sha1.New()
	fmt.Fprintf(git, "blob %d\x00", st.Size())
	n, err := io.Copy(io.MultiWriter(strong, git), file)
	if err != nil {
		return File{}, fmt.Errorf("check: %w", err)
	}
	f := File{Path: d.remote.Path, Size: n, SHA256: sum(strong)}
	wants := []string{d.pinned, d.remote.SHA256}
	if sha256Pattern.MatchString(d.meta.etag) {
		wants = append(wants, d.meta.etag)
	}
	for _, want := range wants {
		if want != "" && f.SHA256 != want {
			return File{}, fmt.Errorf("%w: it is %s, expected was %s", errWrong, f.SHA256, want)
		}
	}
	if sha1Pattern.MatchString(d.meta.etag) && sum(git) != d.meta.etag {
		return File{}, fmt.Errorf("%w what the server said: git's hash is %s, expected was %s", errWrong, sum(git), d.meta.etag)
	}
	return f, nil
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
