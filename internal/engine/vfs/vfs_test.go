package vfs

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"unsafe"
)

func read(t *testing.T, f FS, name string) []byte {
	t.Helper()
	m, err := f.Map(name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return bytes.Clone(m.Bytes())
}

// TestFS holds both file systems to one behaviour.
func TestFS(t *testing.T) {
	dir, err := OpenDir(t.TempDir() + "/a/b")
	if err != nil {
		t.Fatal(err)
	}
	unmapped, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	unmapped.mmap = func(*os.File, int) ([]byte, error) { refused++; return nil, errors.ErrUnsupported }
	defer func() {
		if refused == 0 {
			t.Error("nothing was mapped, so nothing fell back")
		}
	}()
	for name, f := range map[string]FS{"dir": dir, "without mmap": unmapped, "memory": NewMemory()} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.Map("absent"); !errors.Is(err, ErrNotExist) {
				t.Errorf("map of an absent file: %v", err)
			}
			if err := f.Remove("absent"); !errors.Is(err, ErrNotExist) {
				t.Errorf("remove of an absent file: %v", err)
			}
			for _, content := range [][]byte{{}, []byte("first"), bytes.Repeat([]byte("large"), 100_000)} {
				if err := WriteFile(f, "x", content); err != nil {
					t.Fatal(err)
				}
				if got := read(t, f, "x"); !bytes.Equal(got, content) {
					t.Errorf("read %d bytes of %d", len(got), len(content))
				}
			}
			m, err := f.Map("x")
			if err != nil {
				t.Fatal(err)
			}
			if uintptr(unsafe.Pointer(&m.Bytes()[0]))%8 != 0 {
				t.Error("a mapping is not aligned")
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if names, err := f.List(); err != nil || !slices.Equal(names, []string{"x"}) {
				t.Errorf("names %v, %v", names, err)
			}
			if err := f.Remove("x"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWriteFileSurvivesCrashes stops WriteFile at each operation and wants the
// old or the new content after any crash.
func TestWriteFileSurvivesCrashes(t *testing.T) {
	before, after := []byte("old content"), bytes.Repeat([]byte("new"), 999)
	for op := 1; op < 12; op++ {
		for seed := range uint64(50) {
			m := NewMemory()
			if err := WriteFile(m, "x", before); err != nil {
				t.Fatal(err)
			}
			m.FailAt(m.Ops()+op, 0)
			err := WriteFile(m, "x", after)
			got := read(t, m.Crash(rand.New(rand.NewPCG(seed, uint64(op)))), "x")
			if !bytes.Equal(got, after) && (err == nil || !bytes.Equal(got, before)) {
				t.Fatalf("operation %d, seed %d: error %v, then %q", op, seed, err, got)
			}
		}
	}
}
