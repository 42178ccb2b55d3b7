package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/engine/vfs"
)

// accounted counts the files and mappings of a folder that are open.
type accounted struct {
	vfs.FS
	t               *testing.T
	files, mappings atomic.Int64
	most            atomic.Int64 // mappings at once
}

func (a *accounted) Create(name string) (vfs.File, error) {
	f, err := a.FS.Create(name)
	if err != nil {
		return nil, err
	}
	a.files.Add(1)
	return &accountedFile{File: f, of: a}, nil
}

func (a *accounted) Map(name string) (vfs.Mapping, error) {
	m, err := a.FS.Map(name)
	if err != nil {
		return nil, err
	}
	a.most.Store(max(a.most.Load(), a.mappings.Add(1)))
	return &accountedMapping{Mapping: m, of: a, name: name}, nil
}

type accountedFile struct {
	vfs.File
	of *accounted
}

func (f *accountedFile) Close() error {
	f.of.files.Add(-1)
	return f.File.Close()
}

type accountedMapping struct {
	vfs.Mapping
	of     *accounted
	name   string
	closed atomic.Bool
}

func (m *accountedMapping) Close() error {
	if m.closed.Swap(true) {
		m.of.t.Errorf("%s is unmapped twice", m.name)
	}
	m.of.mappings.Add(-1)
	return m.Mapping.Close()
}

// TestEverythingIsClosed walks an index on a real disk through flushes, merges,
// graphs, searches, damage and healing, and wants no file and no mapping open
// after Close, nor more than its files and those of running searches before.
func TestEverythingIsClosed(t *testing.T) {
	dir, err := vfs.OpenDir(t.TempDir())
	must(t, err)
	fs := &accounted{FS: dir, t: t}
	w := newWorld(0)
	for round := range 4 {
		e, err := Open(Options{FS: fs, KnownField: known, SmallRows: 4, FlushBytes: 4000, FlushEvery: 2 * time.Millisecond, GraphRows: 20})
		must(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { e.Run(ctx, func(err error) { t.Error(err) }) })
		running.Go(func() {
			for ctx.Err() == nil {
				if _, err := e.Search(context.Background(), Query{Collection: "a", Text: "alpha", Vector: testVector(1), Limit: 9, Scope: Scope{All: true}}); err != nil && !errors.Is(err, ErrNoCollection) { // dropped, or not there yet
					t.Error(err)
				}
			}
		})
		for range 30 {
			for range 5 {
				w.step()
			}
			must(t, w.catchUp(e))
		}
		w.heal(t, e)
		cancel()
		running.Wait()
		must(t, e.Flush())
		must(t, e.tend(context.Background(), false))
		open := 0
		e.state.Load().each(func(_ string, v *view) {
			for _, p := range v.parts {
				if p.file != nil {
					open++
				}
			}
		})
		if got := fs.mappings.Load(); got != int64(open) {
			t.Errorf("round %d: %d mappings for %d segments in files", round, got, open)
		}
		must(t, e.Close())
		if fs.files.Load() != 0 || fs.mappings.Load() != 0 {
			t.Fatalf("round %d: %d files and %d mappings are open", round, fs.files.Load(), fs.mappings.Load())
		}
		names := namesOf(t, dir)
		damage(t, dir, names[1+round%(len(names)-1)])
	}
	if fs.most.Load() == 0 {
		t.Error("nothing was mapped")
	}
}

// damage flips a bit in the middle of a file.
func damage(t *testing.T, fs vfs.FS, name string) {
	t.Helper()
	m, err := fs.Map(name)
	must(t, err)
	b := slices.Clone(m.Bytes())
	must(t, m.Close())
	b[len(b)/2] ^= 1
	f, err := fs.Create(name)
	must(t, err)
	_, err = f.Write(b)
	must(t, err)
	must(t, f.Close())
}
