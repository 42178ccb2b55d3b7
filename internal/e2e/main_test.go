package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/parse/pdf"
)

// childCommand makes the test binary a server: the process that crash tests
// kill.
const childCommand = "e2e-server"

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == pdf.Subcommand:
		os.Exit(pdf.WorkerMain(os.Stdin, os.Stdout))
	case len(os.Args) == 4 && os.Args[1] == childCommand:
		os.Exit(serveChild(os.Args[2], os.Args[3]))
	}
	os.Exit(m.Run())
}

func serveChild(data, folder string) int {
	a, err := app.New(configOf(data), app.Options{
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Folders: []app.Folder{{Path: folder, Collection: "docs"}},
	})
	if err == nil {
		err = a.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func configOf(data string) config.Config {
	c := config.Default()
	c.Data, c.Listen = data, "127.0.0.1:0"
	return c
}

// server is a running app and a client of it.
type server struct {
	*client.Client
	app  *app.App
	stop func()
}

func start(t *testing.T, data string, folders ...app.Folder) *server {
	t.Helper()
	return startWith(t, configOf(data), app.Options{Folders: folders, Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
}

func startWith(t *testing.T, c config.Config, o app.Options) *server {
	t.Helper()
	a, err := app.New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	t.Cleanup(stop)
	cl, err := client.New(a.URL())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Client: cl, app: a, stop: stop}
	s.until(t, "the server is ready", func() bool {
		r, _ := s.Ready(t.Context())
		return r.Status == "ready"
	})
	return s
}

// testWriter shows the server's log with the test.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if testing.Verbose() {
		os.Stderr.Write(b)
	}
	return len(b), nil
}

func (s *server) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	// Long, for the race detector on a busy machine: a first PDF alone takes
	// minutes there.
	for deadline := time.Now().Add(5 * time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen that %s", what)
		}
	}
}

// collection makes a collection.
func (s *server) collection(t *testing.T, name string) {
	t.Helper()
	if _, err := s.CreateCollection(t.Context(), api.CreateCollection{Name: name}); err != nil {
		t.Fatal(err)
	}
}

func (s *server) put(t *testing.T, collection, uri, text string) api.PutResult {
	t.Helper()
	r, err := s.PutDocument(t.Context(), collection, api.PutDocument{URI: uri, Text: &text, MediaType: "text/markdown"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// uris asks and returns the uris of the hits, best first.
func (s *server) uris(t *testing.T, q api.SearchRequest) []string {
	t.Helper()
	r, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(r.Hits))
	for i, h := range r.Hits {
		out[i] = h.URI
	}
	return out
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
