package folder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// awaitChange returns the next report as "+item" and "-item".
func awaitChange(t *testing.T, f *Folder, reports <-chan Changes) string {
	t.Helper()
	select {
	case c := <-reports:
		var all []string
		for _, e := range c.Changed {
			all = append(all, "+"+strings.TrimPrefix(e.Item, f.Prefix()))
		}
		for _, item := range c.Gone {
			all = append(all, "-"+strings.TrimPrefix(item, f.Prefix()))
		}
		return strings.Join(all, " ")
	case <-time.After(20 * time.Second):
		t.Fatal("no change was reported")
		return ""
	}
}

func TestWatch(t *testing.T) {
	for name, poll := range map[string]bool{"events": false, "polling": true} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			dir := t.TempDir()
			put(t, dir, "a.md", "a")
			f, err := Open(dir, Options{Debounce: 20 * time.Millisecond, Rescan: map[bool]time.Duration{true: 20 * time.Millisecond, false: time.Hour}[poll]})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			list(t, f)
			put(t, dir, "before.md", "written before the watch")
			reports := make(chan Changes)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			watch := f.Watch
			if poll {
				watch = f.poll
			}
			go func() {
				done <- watch(ctx, func(c Changes) error { reports <- c; return nil })
			}()
			step := func(want string, change func()) {
				t.Helper()
				change()
				if got := awaitChange(t, f, reports); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			step("+before.md", func() {})
			step("+a.md", func() { put(t, dir, "a.md", "longer") })
			step("-a.md", func() { os.Remove(filepath.Join(dir, "a.md")) })
			step("+moved.md -before.md", func() {
				os.Rename(filepath.Join(dir, "before.md"), filepath.Join(dir, "moved.md"))
			})
			// A whole tree that comes at once; the folders in it are watched too.
			step("+new/sub/b.md", func() {
				staged := t.TempDir()
				put(t, staged, "new/sub/b.md", "b")
				os.Rename(filepath.Join(staged, "new"), filepath.Join(dir, "new"))
			})
			step("+new/sub/c.md", func() { put(t, dir, "new/sub/c.md", "") })
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Watch ended with %v", err)
			}
		})
	}
}
