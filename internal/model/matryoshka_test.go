package model

import (
	"bytes"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatModelsSayOfTheirDimensions(t *testing.T) {
	write := func(s string) func([]byte) []byte { return func([]byte) []byte { return []byte(s) } }
	for name, c := range map[string]struct {
		model, file string
		change      func([]byte) []byte
		want        *Matryoshka
	}{
		"nothing":                {"bert", "x", write("x"), nil},
		"list in config.json":    {"bert", "config.json", replace(`{`, `{"matryoshka_dimensions":[32,16,48,500],`), &Matryoshka{Dims: []int{16, 32}}},
		"switch in config.json":  {"bert", "config.json", replace(`{`, `{"is_matryoshka":true,`), &Matryoshka{}},
		"sentence-transformers":  {"bert", "config_sentence_transformers.json", write(`{"truncate_dim":24}`), &Matryoshka{Dims: []int{24}}},
		"training in the card":   {"bert", "README.md", write("# x\n{\"matryoshka_dims\": [\n 48,\n 32\n]}"), &Matryoshka{Dims: []int{32}}},
		"nomic's card":           {"nomic_bert", "README.md", write("# x\nmatryoshka_dim = 512\n"), &Matryoshka{Centre: true}},
		"the word in prose only": {"bert", "README.md", write("# x\nmatryoshka_dim = 512\n"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			info, err := Convert(copyModel(t, c.model, c.file, c.change), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, info.Matryoshka, cmp.Transformer("list", func(d []int) []int { return append([]int{}, d...) })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCutsThatMeanNothingAreRefused(t *testing.T) {
	listed := copyModel(t, "bert", "config.json", replace(`{`, `{"matryoshka_dimensions":[16,32],`))
	for _, c := range []struct {
		dir  string
		o    Options
		says string
	}{
		{"testdata/arch/bert", Options{Dim: 16}, "always has 48 dimensions"},
		{listed, Options{Dim: 17}, "[16 32]"},
		{listed, Options{Dim: 49}, "49 cannot be had"},
		{listed, Options{Dim: -1}, "-1"},
		{listed, Options{Dim: 16}, ""},
		{"testdata/arch/bert", Options{Dim: 17, Matryoshka: true}, ""},
	} {
		_, err := ConvertWith(c.dir, io.Discard, c.o)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: error %v, want one with %q", c.o, err, c.says)
		}
	}
}

// TestCutVectorsAreThoseOfTheReference: the first elements at unit length; of
// nomic-bert, after layer norm. A model that is converted to fewer dimensions
// gives the same, under its own fingerprint.
func TestCutVectorsAreThoseOfTheReference(t *testing.T) {
	for _, name := range []string{"bert", "nomic_bert", "sentence-mean-dense"} {
		t.Run(name, func(t *testing.T) {
			const dim = 20
			dir := "testdata/arch/" + name
			open := func(o Options) *Model {
				o.Matryoshka = true
				var out bytes.Buffer
				if _, err := ConvertWith(dir, &out, o); err != nil {
					t.Fatal(err)
				}
				m, err := load(out.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				return m
			}
			whole, cut := open(Options{}), open(Options{Dim: dim})
			if whole.Info().Fingerprint == cut.Info().Fingerprint {
				t.Error("the cut does not change the fingerprint")
			}
			if err := whole.CanTruncate(dim); err != nil {
				t.Error(err)
			}
			for i, v := range vectors(t, whole, referenceCases(t, dir)) {
				want := slices.Clone(v)
				if name == "nomic_bert" {
					layerNorm(want)
				}
				want = want[:dim]
				unit(want)
				got := whole.Truncate(v, dim)
				if d := greatestDifference(t, got, want); d > 1e-6 {
					t.Errorf("case %d: off by %g", i, d)
				}
				if d := greatestDifference(t, vectors(t, cut, referenceCases(t, dir))[i], want); d > 1e-6 {
					t.Errorf("case %d, converted so: off by %g", i, d)
				}
				if cut.Truncate(v[:dim], dim-1); v[0] != vectors(t, whole, referenceCases(t, dir))[i][0] {
					t.Error("cutting changes the vector")
				}
			}
		})
	}
}

// layerNorm is torch.nn.functional.layer_norm without weights.
func layerNorm(v []float32) {
	mean, variance := 0.0, 0.0
	for _, f := range v {
		mean += float64(f) / float64(len(v))
	}
	for _, f := range v {
		variance += (float64(f) - mean) * (float64(f) - mean) / float64(len(v))
	}
	for i, f := range v {
		v[i] = float32((float64(f) - mean) / math.Sqrt(variance+1e-5))
	}
}

// TestOneFingerprintHoweverItMayBeCut: what a model could do does not change
// what it does.
func TestOneFingerprintHoweverItMayBeCut(t *testing.T) {
	plain, err := Convert("testdata/arch/bert", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	may, err := ConvertWith("testdata/arch/bert", io.Discard, Options{Matryoshka: true})
	if err != nil {
		t.Fatal(err)
	}
	if plain.Fingerprint != may.Fingerprint {
		t.Error("saying that vectors may be cut changes the fingerprint")
	}
}
