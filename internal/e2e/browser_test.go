package e2e

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/webui/browsertest"
)

var shots = flag.String("shots", "", "folder to save screenshots of the console to")

// handbook is a small folder with something of everything, and two files
// that hold no text.
var handbook = map[string]string{
	"backup.md": `# Backup and restore

## Taking a backup

Stop the writer first, then copy the data directory to another disk. A copy
that was taken while the writer was running may hold half of a change.

## Restoring a backup

To restore a backup, stop the server, replace the data directory by the copy,
and start the server again. It checks every page before it answers the first
question, which takes about a minute for each gigabyte.
`,
	"cooking/bread.txt": `Bread

Mix flour, water, salt and yeast, and knead the dough for ten minutes. Let it
rest for an hour under a damp cloth, then bake it at 230 degrees until the crust
is brown and the loaf sounds hollow — “like a drum”.
`,
	"failover/promote.go": `package failover

// maxLag is how far a replica may be behind and still be promoted to primary.
const maxLag = 16 << 20 // bytes

// Promote makes a replica the primary. It refuses one that is too far behind.
func Promote(lag int64, acceptLoss bool) error {
	if lag > maxLag && !acceptLoss {
		return ErrBehind
	}
	return swap()
}
`,
	"picture.png": "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00",
	"empty.md":    "",
}

// The walk from a question to the highlighted words, on the real server.
func TestBrowserWalk(t *testing.T) {
	b := browsertest.Start(t, *shots)
	folder := t.TempDir()
	for name, text := range handbook {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	base := serveConsole(t, folder)
	browsertest.Walk(t, b, base, "How do I restore a backup?", browsertest.Views...)
}

// The first document is handed in by the page itself, and answers at once.
func TestBrowserFirstDocument(t *testing.T) {
	b := browsertest.Start(t, *shots)
	file := filepath.Join(t.TempDir(), "backup.md")
	if err := os.WriteFile(file, []byte(handbook["backup.md"]), 0o644); err != nil {
		t.Fatal(err)
	}
	base := serveConsole(t)
	tab := b.Open(t, browsertest.View{Width: 1024, Height: 768})
	tab.Go(base + "/")
	tab.Wait(`document.querySelector(".ways input[type=file]")`)
	tab.Shot("empty")
	tab.Upload(".ways input[type=file]", file)
	tab.Wait(`document.querySelector("#start h2")?.textContent === "Ask 1 document"`)
	tab.Type("#question", "How do I restore a backup?")
	tab.Press(kb.Enter)
	tab.Wait(`document.querySelector("mark.shown")`)
	if got, want := tab.Text("mark.shown"), "To restore a backup, stop the server"; !strings.HasPrefix(got, want) {
		t.Errorf("highlighted %q, want it to begin with %q", got, want)
	}
	tab.Shot("first")
}

// serveConsole runs the app until the test ends, and returns once the folders
// are indexed with their vectors.
func serveConsole(t *testing.T, folders ...string) string {
	t.Helper()
	c := config.Default()
	c.Data, c.Listen = t.TempDir(), "127.0.0.1:0"
	var options app.Options
	for _, folder := range folders {
		options.Folders = append(options.Folders, app.Folder{Path: folder, Collection: "handbook"})
	}
	a, err := app.New(c, options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	deadline := time.Now().Add(90 * time.Second)
	for {
		p, err := a.Progress(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p.Ended && p.Embedded == p.Chunks {
			return a.URL()
		}
		if time.Now().After(deadline) {
			t.Fatalf("the folder was not indexed in time: %+v", p)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
