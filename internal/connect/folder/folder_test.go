package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

func put(t *testing.T, dir, rel, text string) {
	t.Helper()
	name := filepath.Join(dir, rel)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string, opts Options) *Folder {
	t.Helper()
	f, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// list returns "relative item" → "" or the reason of its refusal.
func list(t *testing.T, f *Folder) (map[string]string, []string) {
	t.Helper()
	got, order := map[string]string{}, []string{}
	err := f.List(t.Context(), func(item string, refusal error) error {
		rel := strings.TrimPrefix(item, f.Prefix())
		if rel == item {
			t.Errorf("item %q does not begin with %q", item, f.Prefix())
		}
		if !f.Owns(item) {
			t.Errorf("%q is not owned", item)
		}
		got[rel] = reason(refusal)
		order = append(order, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, order
}

func reason(err error) string {
	var r *rag.Refusal
	if errors.As(err, &r) {
		return string(r.Result) + " " + string(r.Reason)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestListAccountsForEveryEntry(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "b.md", "b")
	put(t, dir, "a/deep/ä ö%.md", "x")
	put(t, dir, ".git/config", "x")
	put(t, dir, ".env", "secret")
	put(t, dir, "node_modules/m/readme.md", "x")
	put(t, dir, "vendor/readme.md", "kept: nothing says that this is a dependency")
	put(t, dir, "lib/vendor/modules.txt", "x")
	put(t, dir, "target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n")
	put(t, dir, "fake/CACHEDIR.TAG", "not a tag")
	put(t, dir, "data/catalog.db", "x")
	put(t, dir, "notes.md~", "x")
	got, order := list(t, open(t, dir, Options{Exclude: []string{filepath.Join(dir, "data")}}))
	want := map[string]string{
		"b.md": "", "a/deep/%C3%A4%20%C3%B6%25.md": "", "vendor/readme.md": "", "fake/CACHEDIR.TAG": "",
		".git/": "skipped policy", ".env": "skipped policy", "node_modules/": "skipped policy",
		"lib/vendor/": "skipped policy", "target/": "skipped policy", "data/": "skipped policy",
		"notes.md~": "skipped policy",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if i, j := slices.Index(order, "a/deep/%C3%A4%20%C3%B6%25.md"), slices.Index(order, "b.md"); i > j {
		t.Errorf("not in the order of names: %v", order)
	}
}

func TestRead(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "a/deep/ä ö%.MD", "text")
	f := open(t, dir, Options{})
	in, err := f.Read(t.Context(), f.Prefix()+"a/deep/%C3%A4%20%C3%B6%25.MD")
	if err != nil {
		t.Fatal(err)
	}
	if string(in.Data) != "text" || in.URI != in.Item || in.ModifiedAt.IsZero() {
		t.Errorf("got %+v", in)
	}
	for key, want := range map[string]string{"path": "a/deep/ä ö%.MD", "ext": "md", "folder": "a"} {
		if got := in.Attributes[key].Str(); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	below := open(t, filepath.Join(dir, "a", "deep"), Options{Base: dir})
	if again, err := below.Read(t.Context(), in.URI); err != nil || !cmp.Equal(again, in) {
		t.Errorf("read through a folder further down: %+v, %v", again, err)
	}
	for _, item := range []string{f.Prefix() + "gone.md", f.Prefix() + "a"} {
		if _, err := f.Read(t.Context(), item); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want not exist", item, err)
		}
	}
	for _, item := range []string{"file:///etc/passwd", f.Prefix() + "../x", f.Prefix() + "a/../../x", "http://x/"} {
		if _, err := f.Read(t.Context(), item); reason(err) != "skipped invalid" {
			t.Errorf("%s: %v, want a refusal", item, err)
		}
	}
}

func TestLargeFilesAreNotRead(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "fits", "12345678")
	put(t, dir, "big", "123456789")
	f := open(t, dir, Options{MaxBytes: 8})
	f.opened = func() { t.Error("a file that is too large was opened") }
	if _, err := f.Read(t.Context(), f.Prefix()+"big"); reason(err) != "skipped too_large" {
		t.Errorf("got %v", err)
	}
	f.opened = nil
	if _, err := f.Read(t.Context(), f.Prefix()+"fits"); err != nil {
		t.Error(err)
	}
}

func TestChangeDuringRead(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "log", "1")
	f := open(t, dir, Options{})
	opened, changes := 0, 2
	text := "1"
	f.opened = func() {
		if opened++; opened <= changes {
			text += "1"
			put(t, dir, "log", text)
		}
	}
	in, err := f.Read(t.Context(), f.Prefix()+"log")
	if err != nil || string(in.Data) != "111" {
		t.Errorf("got %q, %v after two changes", in.Data, err)
	}
	opened, changes = 0, 1000
	if _, err := f.Read(t.Context(), f.Prefix()+"log"); reason(err) != "failed changed" {
		t.Errorf("got %v", err)
	}
}

func TestSingleFile(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.md", "a")
	put(t, dir, "a.mdx", "x")
	f := open(t, filepath.Join(dir, "a.md"), Options{})
	var items []string
	if err := f.List(t.Context(), func(item string, refusal error) error {
		items = append(items, item+reason(refusal))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(items) != 1 || items[0] != f.Prefix() {
		t.Fatalf("listed %q", items)
	}
	if f.Owns(items[0]+"x") || !f.Owns(items[0]) {
		t.Error("a file whose name begins alike is owned")
	}
	if in, err := f.Read(t.Context(), items[0]); err != nil || string(in.Data) != "a" || in.Attributes["path"].Str() != "a.md" {
		t.Errorf("got %+v, %v", in, err)
	}
}

func TestListStopsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.md", "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, dir, Options{}).List(ctx, func(string, error) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if runtime.GOOS != "windows" {
		if _, err := Open(os.DevNull, Options{}); err == nil {
			t.Error("a device was opened")
		}
	}
}
