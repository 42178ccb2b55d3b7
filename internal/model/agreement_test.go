package model

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/internal/model/builtin"
	"github.com/quarry-search/quarry/internal/model/kernel"
	"github.com/quarry-search/quarry/internal/model/safetensors"
)

func mustBuiltin(t testing.TB) *Model {
	t.Helper()
	m, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// withKernels returns m on another set.
func (m *Model) withKernels(k *kernel.Set) *Model {
	c := &Model{
		spec: m.spec, fingerprint: m.fingerprint, tok: m.tok, kernels: k, word: m.word, position: m.position,
		types: m.types, norm: m.norm, finalNorm: m.finalNorm, layers: m.layers, head: m.head, dense: m.dense, rotary: m.rotary,
		rotaryLocal: m.rotaryLocal, relative: m.relative, mask: m.mask, zeros: m.zeros,
	}
	c.scratch.New = m.scratch.New
	return c
}

func sentences(t testing.TB) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/sentences.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
}

func halves(t testing.TB, path string, width int) [][]float32 {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][]float32, len(raw)/2/width)
	for i := range out {
		for d := range width {
			out[i] = append(out[i], safetensors.Half(binary.LittleEndian.Uint16(raw[2*(i*width+d):])))
		}
	}
	return out
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

// TestAgreesWithSentenceTransformers compares the built-in model with the
// published weights in 32-bit floats, on every kernel that this CPU has.
func TestAgreesWithSentenceTransformers(t *testing.T) {
	m, texts := mustBuiltin(t), sentences(t)
	want := halves(t, "testdata/sentences.f16", m.spec.Dim)
	if len(want) != len(texts) {
		t.Fatalf("%d reference vectors for %d texts", len(want), len(texts))
	}
	for _, k := range kernel.Available() {
		t.Run(k.Name(), func(t *testing.T) {
			texts := texts
			if k.Name() == "scalar" { // slow
				texts = texts[:8]
			}
			got, err := m.withKernels(k).Embed(t.Context(), Background, texts)
			if err != nil {
				t.Fatal(err)
			}
			worst, sum, at := 1.0, 0.0, 0
			for i := range got {
				c := cosine(got[i], want[i])
				sum += c
				if c < worst {
					worst, at = c, i
				}
			}
			t.Logf("cosine mean %.5f, worst %.5f (%q)", sum/float64(len(got)), worst, texts[at])
			if mean := sum / float64(len(got)); mean < 0.995 || worst < 0.99 {
				t.Errorf("cosine mean %.5f (at least 0.995), worst %.5f (at least 0.99)", mean, worst)
			}
		})
	}
}

// TestVectorsAreTheSameEverywhere proves that a fingerprint need not name the
// CPU: every kernel of every architecture gives these very bits.
func TestVectorsAreTheSameEverywhere(t *testing.T) {
	const want = "d34d9437e59079ee"
	m, texts := mustBuiltin(t), sentences(t)
	for _, k := range kernel.Available() {
		v, err := m.withKernels(k).Embed(t.Context(), Query, append(texts[:3:3], texts[85]))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		for _, x := range v {
			for _, f := range x {
				fmt.Fprintf(sum, "%08x", math.Float32bits(f))
			}
		}
		if got := fmt.Sprintf("%x", sum.Sum(nil))[:16]; got != want {
			t.Errorf("%s: hash of the vectors is %s, want %s", k.Name(), got, want)
		}
	}
}

var published = flag.String("published", "", "directory of the published all-MiniLM-L6-v2")

// TestBuiltinIsReproducible makes the built-in file again from the published
// one: go test -run Reproducible -published DIR.
func TestBuiltinIsReproducible(t *testing.T) {
	if err := verify(builtin.Bytes()); err != nil {
		t.Fatal(err)
	}
	if *published == "" {
		t.Skip("needs -published DIR")
	}
	var out bytes.Buffer
	info, err := Convert(*published, &out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), builtin.Bytes()) {
		t.Error("converting the published files gives other bytes than the built-in ones")
	}
	if want := mustBuiltin(t).Info(); info.Fingerprint != want.Fingerprint {
		t.Errorf("fingerprint %s, built-in %s", info.Fingerprint, want.Fingerprint)
	}
}

// TestWordPieceAgreesWithTokenizers compares ids on hard lines and pairs.
func TestWordPieceAgreesWithTokenizers(t *testing.T) {
	raw, err := os.ReadFile("testdata/wordpiece.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Lines []struct {
			Text string
			IDs  []int32
		}
		Pairs []struct {
			A, B  string
			Max   int
			IDs   []int32
			Types []int
		}
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if len(want.Lines) < 400 || len(want.Pairs) < 80 {
		t.Fatalf("%d lines and %d pairs", len(want.Lines), len(want.Pairs))
	}
	tok := mustBuiltin(t).tok
	for _, l := range want.Lines {
		if got := tok.Encode(l.Text, 1<<20); fmt.Sprint(got) != fmt.Sprint(l.IDs) {
			t.Errorf("%q: %v, want %v", l.Text, got, l.IDs)
		}
		if n := tok.CountTokens(l.Text); n != len(l.IDs)-2 {
			t.Errorf("%q: counted %d, want %d", l.Text, n, len(l.IDs)-2)
		}
	}
	for _, p := range want.Pairs {
		got, second := tok.EncodePair(p.A, p.B, p.Max)
		wantSecond := len(p.Types)
		for i, typ := range p.Types {
			if typ == 1 {
				wantSecond = i
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(p.IDs) || second != wantSecond {
			t.Errorf("%q, %q: %v second %d, want %v %d", p.A, p.B, got, second, p.IDs, wantSecond)
		}
	}
}

// TestHardestLines compares the built-in model's tokenizer with the reference
// on lines that were made to be hard.
func TestHardestLines(t *testing.T) {
	f, err := os.Open("testdata/wordpiece.lines.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	tok, lines := mustBuiltin(t).tok, 0
	for d := json.NewDecoder(z); d.More(); lines++ {
		var text string
		var want []int32
		if err := d.Decode(&[2]any{&text, &want}); err != nil {
			t.Fatal(err)
		}
		if got := tok.Encode(text, 1<<20); !slices.Equal(got, want) {
			t.Errorf("%q:\n got %v\nwant %v", text, got, want)
		}
	}
	if lines < 2000 {
		t.Errorf("%d lines", lines)
	}
}
