package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/config"
)

// serving runs a server with its own configuration until the returned stop.
func serving(t *testing.T, c config.Config) (*server, func()) {
	t.Helper()
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop := func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	cl, err := client.New(a.URL())
	if err != nil {
		t.Fatal(err)
	}
	return &server{Client: cl, app: a}, stop
}

// TestAnotherModel moves a collection from the built-in model to an installed
// one and back: everything is embedded again, and vectors of two models never
// meet.
func TestAnotherModel(t *testing.T) {
	c := configOf(t.TempDir())
	if _, _, err := app.NewModels(c).Import("../model/testdata/arch/bert", app.ModelSource{Name: "tiny"}); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{
		"doc:a": "The lighthouse keeper lit the lamp at dusk.", "doc:b": "Sourdough ferments flour with wild yeast.",
		"doc:c": "The committee approved the budget for schools.",
	}
	fingerprints := map[string]bool{}
	for i, name := range []string{"", "tiny", ""} {
		c.Model = name
		s, stop := serving(t, c)
		if i == 0 {
			s.collection(t, "docs")
			for uri, text := range texts {
				s.put(t, "docs", uri, text)
			}
		}
		if err := s.app.WaitVectors(t.Context()); err != nil {
			t.Fatal(err)
		}
		info, err := s.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]string{"": "all-MiniLM-L6-v2", "tiny": "tiny"}[name]; info.Models[0].Name != want {
			t.Errorf("run %d: the server says model %s, want %s", i, info.Models[0].Name, want)
		}
		fingerprints[info.Models[0].Fingerprint] = true
		for uri, text := range texts {
			got := s.uris(t, api.SearchRequest{Query: text, Collections: []string{"docs"}, Mode: "dense", TopK: 3})
			if len(got) != 3 || got[0] != uri {
				t.Errorf("run %d with model %q: %s is found as %v", i, name, uri, got)
			}
		}
		stop()
	}
	if len(fingerprints) != 2 {
		t.Errorf("fingerprints %v", fingerprints)
	}
	report, err := app.Fsck(t.Context(), c, false)
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("fsck: %+v %v", report.Problems, err)
	}
}

func TestModelsThatCannotEmbed(t *testing.T) {
	c := configOf(t.TempDir())
	if _, _, err := app.NewModels(c).Import("../model/testdata/arch/bert-reranker", app.ModelSource{Name: "cross"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"none": "not installed", "cross": "reranker", "../x": "not installed"} {
		c.Model = name
		if a, err := app.New(c, app.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("model %q: %v", name, err)
			if err == nil {
				a.Close()
			}
		}
	}
}
