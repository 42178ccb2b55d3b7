//go:build unix

package folder

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLinksPipesAndNames(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "real.md", "x")
	must(t, os.Symlink(".", filepath.Join(dir, "loop")))
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "out")))
	must(t, os.Symlink("real.md", filepath.Join(dir, "inside")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	put(t, dir, "two\nlines", "x")
	bad := filepath.Join(dir, "bad\xff\xfename")
	if err := os.WriteFile(bad, []byte("x"), 0o644); err != nil {
		t.Skipf("this file system takes no such names: %v", err)
	}
	if l, err := net.Listen("unix", filepath.Join(dir, "sock")); err == nil {
		defer l.Close()
	}
	f := open(t, dir, Options{})
	got, _ := list(t, f)
	want := map[string]string{
		"real.md": "", "loop": "skipped symlink", "out": "skipped symlink", "inside": "skipped symlink",
		"pipe": "skipped unsupported", "sock": "skipped unsupported",
		"two%0Alines": "skipped name", "bad%FF%FEname": "skipped name",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The same when the file became a link or a pipe after it was listed.
	for _, name := range []string{"out", "pipe", "loop"} {
		if _, err := f.Read(t.Context(), f.Prefix()+name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was read: %v", name, err)
		}
	}
}

func TestSwapAfterTheLook(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.md", "x")
	put(t, dir, "other", "y")
	f := open(t, dir, Options{})
	f.opened = func() {
		must(t, os.Rename(filepath.Join(dir, "other"), filepath.Join(dir, "a.md")))
		put(t, dir, "other", "y")
	}
	// The opened file is the one that was looked at, whatever the name now means.
	in, err := f.Read(t.Context(), f.Prefix()+"a.md")
	if err != nil || string(in.Data) != "x" {
		t.Errorf("got %q, %v", in.Data, err)
	}
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser may read everything")
	}
	dir := t.TempDir()
	put(t, dir, "secret.md", "x")
	put(t, dir, "closed/in.md", "x")
	must(t, os.Chmod(filepath.Join(dir, "secret.md"), 0))
	must(t, os.Chmod(filepath.Join(dir, "closed"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "closed"), 0o755) })
	f := open(t, dir, Options{})
	got, _ := list(t, f)
	if diff := cmp.Diff(map[string]string{"secret.md": "", "closed/": "failed unreadable"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := f.Read(t.Context(), f.Prefix()+"secret.md"); reason(err) != "failed unreadable" {
		t.Errorf("got %v", err)
	}
}
