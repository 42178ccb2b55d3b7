package vfs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// ErrInjected is the failure that Memory.FailAt asked for.
var ErrInjected = errors.New("injected failure")

// Memory is a file system for tests. It keeps apart what is durable and what
// a crash may lose.
type Memory struct {
	mu       sync.Mutex
	now      map[string]*content // as processes see it
	durable  map[string]*content // names that SyncDir made safe
	pending  []rename            // changes of names since then, in order
	ops      int
	failFrom int // first operation that fails; 0 for none
	failTo   int
}

// content is a file's bytes; synced of them survive a crash for certain.
type content struct {
	bytes  []byte
	synced int
}

// rename is a change of one name: file is nil where it was removed.
type rename struct {
	name string
	file *content
}

var _ FS = (*Memory)(nil)

// NewMemory returns an empty folder.
func NewMemory() *Memory {
	return &Memory{now: map[string]*content{}, durable: map[string]*content{}}
}

// Ops counts the operations that could fail so far.
func (m *Memory) Ops() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ops
}

// FailAt makes the operations numbered from up to to fail (from 1; to 0 means
// for ever), as a full disk does. FailAt(0, 0) ends that.
func (m *Memory) FailAt(from, to int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failFrom, m.failTo = from, to
}

// op counts an operation and fails it when its time has come. m.mu is held.
func (m *Memory) op() error {
	m.ops++
	if m.failFrom > 0 && m.ops >= m.failFrom && (m.failTo == 0 || m.ops < m.failTo) {
		return ErrInjected
	}
	return nil
}

// Crash returns what a machine finds after losing power now: durable names,
// any of the later changes of names each in or out, and of what was written
// but not synced a prefix, nothing, or all with some of its bytes zero.
func (m *Memory) Crash(r *rand.Rand) *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := NewMemory()
	names := map[string]*content{}
	for name, c := range m.durable {
		names[name] = c
	}
	for _, change := range m.pending {
		if r.IntN(2) == 0 {
			continue
		}
		if change.file == nil {
			delete(names, change.name)
		} else {
			names[change.name] = change.file
		}
	}
	for name, c := range names {
		survived := &content{bytes: tear(r, c)}
		survived.synced = len(survived.bytes)
		after.now[name], after.durable[name] = survived, survived
	}
	return after
}

func tear(r *rand.Rand, c *content) []byte {
	tail := c.bytes[c.synced:]
	whole := slices.Clone(c.bytes)
	if len(tail) == 0 {
		return whole
	}
	switch r.IntN(4) {
	case 0:
		return whole[:c.synced]
	case 1:
		return whole[:c.synced+r.IntN(len(tail))]
	case 2:
		from := c.synced + r.IntN(len(tail))
		clear(whole[from:min(from+512, len(whole))])
	}
	return whole
}

// Create implements FS.
func (m *Memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.op(); err != nil {
		return nil, err
	}
	c := &content{}
	m.set(name, c)
	return &memoryFile{m, c}, nil
}

func (m *Memory) set(name string, c *content) {
	if c == nil {
		delete(m.now, name)
	} else {
		m.now[name] = c
	}
	m.pending = append(m.pending, rename{name, c})
}

// Map implements FS.
func (m *Memory) Map(name string) (Mapping, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.now[name]
	if c == nil {
		return nil, fmt.Errorf("map %s: %w", name, ErrNotExist)
	}
	b := aligned(len(c.bytes))
	copy(b, c.bytes)
	return heap(b), nil
}

// Rename implements FS.
func (m *Memory) Rename(old, new string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.op(); err != nil {
		return err
	}
	c := m.now[old]
	if c == nil {
		return fmt.Errorf("rename %s: %w", old, ErrNotExist)
	}
	m.set(new, c)
	m.set(old, nil)
	return nil
}

// Remove implements FS.
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.op(); err != nil {
		return err
	}
	if m.now[name] == nil {
		return fmt.Errorf("remove %s: %w", name, ErrNotExist)
	}
	m.set(name, nil)
	return nil
}

// List implements FS.
func (m *Memory) List() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := make([]string, 0, len(m.now))
	for name := range m.now {
		names = append(names, name)
	}
	return names, nil
}

// SyncDir implements FS.
func (m *Memory) SyncDir() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.op(); err != nil {
		return err
	}
	m.durable = map[string]*content{}
	for name, c := range m.now {
		m.durable[name] = c
	}
	m.pending = nil
	return nil
}

// Damage changes a file in place, as a failing disk does.
func (m *Memory) Damage(name string, change func(b []byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.now[name]; c != nil {
		c.bytes = change(c.bytes)
		c.synced = len(c.bytes)
	}
}

type memoryFile struct {
	fs *Memory
	c  *content
}

func (f *memoryFile) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.op(); err != nil {
		half := len(p) / 2
		f.c.bytes = append(f.c.bytes, p[:half]...)
		return half, err
	}
	f.c.bytes = append(f.c.bytes, p...)
	return len(p), nil
}

func (f *memoryFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.op(); err != nil {
		return err
	}
	f.c.synced = len(f.c.bytes)
	return nil
}

func (f *memoryFile) Close() error { return nil }
