package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// lockName is the lock file in the data directory. Its content only tells who
// holds it; the lock itself is the operating system's, so that it ends with
// the process, however that ends.
const lockName = "lock"

// Holder says which process works on a data directory.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Address string    `json:"address,omitempty"` // base URL of its API, "" while it starts
	Since   time.Time `json:"since"`
}

func (h Holder) String() string {
	s := fmt.Sprintf("process %d on host %s", h.PID, h.Host)
	if h.Address != "" {
		s += ", which serves " + h.Address
	}
	return s
}

// errLocked reports that another open file holds the lock.
var errLocked = errors.New("locked")

// lock is a held lock file.
type lock struct {
	file   *os.File
	holder Holder
}

// acquire takes the data directory for this process. CodeConflict names who
// has it.
func acquire(dir string) (*lock, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	err = lockFile(file)
	if errors.Is(err, errLocked) {
		holder := readHolder(file)
		_ = file.Close() // only read
		return nil, &rag.Error{Code: rag.CodeConflict, Message: fmt.Sprintf(
			"the data directory %s is in use by %s; stop that, ask it with --server, or choose another directory with --data", dir, holder)}
	}
	if err != nil {
		_ = file.Close() // not locked
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	l := &lock{file: file, holder: Holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second)}}
	return l, l.write()
}

// serve tells where the holder can be asked.
func (l *lock) serve(address string) error {
	l.holder.Address = address
	return l.write()
}

func (l *lock) write() error {
	text, err := json.Marshal(l.holder)
	if err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	text = append(text, '\n')
	if _, err := l.file.WriteAt(text, 0); err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	if err := l.file.Truncate(int64(len(text))); err != nil {
		return fmt.Errorf("write lock file: %w", err)
	}
	return nil
}

// release empties the file and gives the lock up. The file stays: removing it
// would let two processes lock two files of one name.
func (l *lock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

func readHolder(file *os.File) (h Holder) {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 4096))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{Host: "unknown"}
	}
	return h
}

// HolderOf tells which process works on the data directory dir; ok is false
// when none does.
func HolderOf(dir string) (h Holder, ok bool, err error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return Holder{}, false, nil
	}
	if err != nil {
		return Holder{}, false, fmt.Errorf("open lock file: %w", err)
	}
	defer file.Close()
	err = lockFile(file)
	if errors.Is(err, errLocked) {
		return readHolder(file), true, nil
	}
	if err != nil {
		return Holder{}, false, fmt.Errorf("look at the lock: %w", err)
	}
	return Holder{}, false, nil
}
