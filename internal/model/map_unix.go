//go:build unix

package model

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// readFile maps a model file, so that its weights are shared between
// processes and weigh nothing on the collector. The mapping lasts as long as
// the process: models are few and live long.
//
// Invariant: model files are replaced by renaming, never written in place; a
// file that shrinks while it is mapped ends the process.
func readFile(path string) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Size() == 0 || int64(int(st.Size())) != st.Size() {
		return nil, errors.New("not a model file: empty or larger than memory")
	}
	data, err = unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	return data, nil
}
