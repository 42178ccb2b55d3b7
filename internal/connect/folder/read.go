package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// readTries is how often a file that changes while it is read is read again.
const readTries = 3

// errMoved says that the file changed between two looks at it.
var errMoved = errors.New("the file changed while it was read")

// Read reads one listed file. Its attributes are path (relative to the
// folder, or to Options.Base), ext and folder (the first folder of the path), as
// far as there are any. Errors: fs.ErrNotExist (wrapped) when the file is gone; a *rag.Refusal
// for what must not or cannot be read; the context's error.
func (f *Folder) Read(ctx context.Context, item string) (rag.Incoming, error) {
	rel, ok := f.rel(item)
	if !ok {
		return rag.Incoming{}, rag.Skip(rag.ReasonInvalid, "not a file of this folder")
	}
	for range readTries {
		if err := ctx.Err(); err != nil {
			return rag.Incoming{}, err
		}
		data, info, err := f.readOnce(rel)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return rag.Incoming{}, err
		}
		return rag.Incoming{
			URI:        item,
			Data:       data,
			ModifiedAt: info.ModTime().UTC(),
			Attributes: attributes(f.fromBase(rel)),
			Item:       item,
		}, nil
	}
	return rag.Incoming{}, rag.Fail(rag.ReasonChanged, fmt.Sprintf("it changed during each of %d reads", readTries))
}

func attributes(rel string) map[string]filter.Value {
	m := map[string]filter.Value{"path": filter.StringOf(rel)}
	if ext := extension(rel); ext != "" {
		m["ext"] = filter.StringOf(ext)
	}
	if first := firstFolder(rel); first != "" {
		m["folder"] = filter.StringOf(first)
	}
	return m
}

// readOnce reads the file and makes sure that it was the same, unchanged
// regular file before, during and after.
func (f *Folder) readOnce(rel string) ([]byte, fs.FileInfo, error) {
	before, err := f.root.Lstat(rel)
	if err != nil {
		return nil, nil, readError(err)
	}
	if err := f.admit(before); err != nil {
		return nil, nil, err
	}
	// SECURITY: between the look and the opening the name may have become a
	// link or a pipe. The root refuses links that lead outside, openFlags keep
	// a pipe from blocking, and SameFile refuses whatever else was opened.
	file, err := f.root.OpenFile(rel, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, nil, readError(err)
	}
	defer file.Close()
	if f.opened != nil {
		f.opened()
	}
	opened, err := file.Stat()
	if err != nil {
		return nil, nil, readError(err)
	}
	if !os.SameFile(before, opened) || moved(before, opened) {
		return nil, nil, errMoved
	}
	data, err := io.ReadAll(io.LimitReader(file, f.opts.MaxBytes+1))
	if err != nil {
		return nil, nil, readError(err)
	}
	if int64(len(data)) > f.opts.MaxBytes {
		return nil, nil, f.tooLarge(int64(len(data)))
	}
	after, err := file.Stat()
	if err != nil {
		return nil, nil, readError(err)
	}
	if moved(opened, after) || int64(len(data)) != after.Size() {
		return nil, nil, errMoved
	}
	return data, after, nil
}

// admit judges what Lstat told, before anything is opened.
func (f *Folder) admit(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return fmt.Errorf("read file: a folder has taken its place: %w", fs.ErrNotExist)
	case !info.Mode().IsRegular():
		return refuseType(info.Mode())
	case info.Size() > f.opts.MaxBytes:
		return f.tooLarge(info.Size())
	}
	return nil
}

func (f *Folder) tooLarge(size int64) error {
	return rag.Skip(rag.ReasonTooLarge, fmt.Sprintf("more than the limit of %d bytes: at least %d", f.opts.MaxBytes, size))
}

func moved(a, b fs.FileInfo) bool {
	return a.Size() != b.Size() || !a.ModTime().Equal(b.ModTime())
}

func readError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read file: %w", fs.ErrNotExist)
	}
	return refuseError(err)
}
