package model

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/internal/model/kernel"
)

// referenceCase is an input and transformers' output for it.
type referenceCase struct {
	IDs    []int32
	Second int
	Output []float32 // hidden states, or logits
}

func referenceCases(t *testing.T, dir string) []referenceCase {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Cases []referenceCase }
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f.Cases
}

func convertTo(t *testing.T, dir, quantisation string) *Model {
	t.Helper()
	var out bytes.Buffer
	if _, err := ConvertWith(dir, &out, Options{Quantisation: quantisation}); err != nil {
		t.Fatal(err)
	}
	m, err := load(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// states runs all cases in one pass and returns the hidden states of each,
// or its logits.
func states(t *testing.T, m *Model, cases []referenceCase) [][]float32 {
	t.Helper()
	var seqs []sequence
	for _, c := range cases {
		seqs = append(seqs, sequence{ids: c.IDs, second: c.Second})
	}
	nothing := func() error { return nil }
	if m.head != nil {
		out, err := m.forward(seqs, nothing)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	p := &pass{m: m, seqs: seqs, total: countTokens(seqs), s: new(scratch), pause: nothing}
	if err := p.hidden(); err != nil {
		t.Fatal(err)
	}
	var out [][]float32
	first := 0
	for _, q := range seqs {
		var h []float32
		for i := range q.ids {
			at := (first + i) * p.width()
			h = append(h, p.s.x[at:at+m.spec.Hidden]...)
		}
		out = append(out, h)
		first += len(q.ids)
	}
	return out
}

// TestArchitecturesAgreeWithTransformers runs a tiny random model of every
// family against the outputs of PyTorch.
func TestArchitecturesAgreeWithTransformers(t *testing.T) {
	dirs, err := filepath.Glob("testdata/arch/*")
	if err != nil || len(dirs) < 20 {
		t.Fatalf("%d reference models, error %v", len(dirs), err)
	}
	for _, dir := range dirs {
		if strings.HasPrefix(filepath.Base(dir), "sentence-") {
			continue // TestSentenceModules
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			cases := referenceCases(t, dir)
			exact, bytes, halves := convertTo(t, dir, "f32"), convertTo(t, dir, "int8"), convertTo(t, dir, "bf16")
			for _, k := range kernel.Available() {
				for i, got := range states(t, halves.withKernels(k), cases) {
					if c := cosine(got, cases[i].Output); exact.head == nil && c < 0.999 {
						t.Errorf("%s bf16, %d tokens: cosine %.5f", k.Name(), len(cases[i].IDs), c)
					}
					if d := greatestDifference(t, got, cases[i].Output); exact.head != nil && d > 0.1 {
						t.Errorf("%s bf16, %d tokens: logits off by %g", k.Name(), len(cases[i].IDs), d)
					}
				}
				for i, got := range states(t, exact.withKernels(k), cases) {
					if d := greatestDifference(t, got, cases[i].Output); d > 1e-4 {
						t.Errorf("%s f32, %d tokens: off by %g", k.Name(), len(cases[i].IDs), d)
					}
				}
				for i, got := range states(t, bytes.withKernels(k), cases) {
					if c := cosine(got, cases[i].Output); exact.head == nil && c < 0.99 {
						t.Errorf("%s int8, %d tokens: cosine %.4f", k.Name(), len(cases[i].IDs), c)
					}
					if d := greatestDifference(t, got, cases[i].Output); exact.head != nil && d > 0.25 {
						t.Errorf("%s int8, %d tokens: logits off by %g", k.Name(), len(cases[i].IDs), d)
					}
				}
			}
		})
	}
}

func greatestDifference(t *testing.T, got, want []float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d numbers, reference %d", len(got), len(want))
	}
	worst := 0.0
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst = d
		}
	}
	return worst
}

// TestSentenceModules runs what sentence-transformers puts after a network:
// poolings and dense layers, in the older and the newer spelling.
func TestSentenceModules(t *testing.T) {
	dirs, err := filepath.Glob("testdata/arch/sentence-*")
	if err != nil || len(dirs) < 4 {
		t.Fatalf("%d reference models, error %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			cases := referenceCases(t, dir)
			exact, bytes := convertTo(t, dir, "f32"), convertTo(t, dir, "int8")
			for _, k := range kernel.Available() {
				for i, got := range vectors(t, exact.withKernels(k), cases) {
					if d := greatestDifference(t, got, cases[i].Output); d > 1e-4 {
						t.Errorf("%s f32, %d tokens: off by %g", k.Name(), len(cases[i].IDs), d)
					}
				}
				for i, got := range vectors(t, bytes.withKernels(k), cases) {
					if c := cosine(got, cases[i].Output); c < 0.99 {
						t.Errorf("%s int8, %d tokens: cosine %.4f", k.Name(), len(cases[i].IDs), c)
					}
				}
			}
		})
	}
}

func vectors(t *testing.T, m *Model, cases []referenceCase) [][]float32 {
	t.Helper()
	var seqs []sequence
	for _, c := range cases {
		seqs = append(seqs, sequence{ids: c.IDs})
	}
	out, err := m.forward(seqs, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}
