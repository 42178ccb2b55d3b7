package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/config"
)

// TestMaintenanceOfAServer has fsck and compact find the server that works on
// the data directory, and another one by its address.
func TestMaintenanceOfAServer(t *testing.T) {
	dir, data := notes(t), t.TempDir()
	if code, _, errs := run(t, data, "ingest", dir); code != exitFine {
		t.Fatal(errs)
	}
	c := config.Default()
	c.Data, c.Listen = data, "127.0.0.1:0"
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	wait, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	if err := a.WaitVectors(wait); err != nil {
		t.Fatal(err)
	}
	for _, where := range [][2]string{{data, ""}, {t.TempDir(), a.URL()}} {
		var server []string
		if where[1] != "" {
			server = []string{"--server", where[1]}
		}
		code, out, errs := run(t, where[0], append([]string{"fsck"}, server...)...)
		if code != exitFine || !strings.Contains(out, "index_documents") || !strings.Contains(out, "0 problems") || !strings.Contains(errs, "a server is running") {
			t.Errorf("fsck: %d\n%s%s", code, out, errs)
		}
		code, out, errs = run(t, where[0], append([]string{"compact"}, server...)...)
		if code != exitFine || !strings.Contains(out, "1 segment,") || !strings.Contains(errs, "a server is running") {
			t.Errorf("compact: %d\n%s%s", code, out, errs)
		}
		if code, _, errs = run(t, where[0], append([]string{"compact", "--purge", "dnosuchdocument"}, server...)...); code != exitFailed || !strings.Contains(errs, "dnosuchdocument") {
			t.Errorf("purge: %d %s", code, errs)
		}
	}
}
