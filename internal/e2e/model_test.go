package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/model/store"
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
	cut := app.ModelSource{Name: "tiny-24", Settings: store.Settings{Dim: 24, Matryoshka: true}}
	if _, _, err := app.NewModels(c).Import("../model/testdata/arch/bert", cut); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{
		"doc:a": "The lighthouse keeper lit the lamp at dusk.", "doc:b": "Sourdough ferments flour with wild yeast.",
		"doc:c": "The committee approved the budget for schools.",
	}
	fingerprints := map[string]bool{}
	for i, name := range []string{"", "tiny", "tiny-24", ""} {
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
		if want := map[string]string{"": "all-MiniLM-L6-v2", "tiny": "tiny", "tiny-24": "tiny-24"}[name]; info.Models[0].Name != want {
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
	if len(fingerprints) != 3 {
		t.Errorf("fingerprints %v", fingerprints)
	}
	report, err := app.Fsck(t.Context(), c, false)
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("fsck: %+v %v", report.Problems, err)
	}
}

// TestDimensions asks for shorter vectors of a model whose files allow them,
// and of one whose files do not.
func TestDimensions(t *testing.T) {
	c := configOf(t.TempDir())
	if _, _, err := app.NewModels(c).Import("../model/testdata/arch/bert", app.ModelSource{Name: "tiny", Settings: store.Settings{Matryoshka: true}}); err != nil {
		t.Fatal(err)
	}
	for _, run := range []struct {
		model, name string
		status      int
		says        string
	}{{"tiny", "tiny", http.StatusOK, ""}, {"", "all-MiniLM-L6-v2", http.StatusBadRequest, "always has 384 dimensions"}} {
		c.Model = run.model
		s, stop := serving(t, c)
		res, err := http.Post(s.app.URL()+"/openai/v1/embeddings", "application/json",
			strings.NewReader(`{"model":"`+run.name+`","input":["abc","xyz"],"dimensions":8}`))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		var out struct {
			Data []struct{ Embedding []float64 }
		}
		if err := json.Unmarshal(raw, &out); err != nil || res.StatusCode != run.status || !strings.Contains(string(raw), run.says) {
			t.Errorf("model %q: status %d, %s", run.model, res.StatusCode, raw)
		}
		for _, d := range out.Data {
			sum := 0.0
			for _, v := range d.Embedding {
				sum += v * v
			}
			if len(d.Embedding) != 8 || math.Abs(sum-1) > 1e-5 {
				t.Errorf("%d dimensions of length %g", len(d.Embedding), sum)
			}
		}
		stop()
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
