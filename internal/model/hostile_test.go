package model

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

// TestHostileTexts: whatever the text, there is a vector of unit length, or
// zeros' own.
func TestHostileTexts(t *testing.T) {
	texts := []string{
		"", " ", "\n\n", "\x00", "\xff\xfe\xfd", "a\xc3", "\xed\xa0\x80", strings.Repeat("\u0301", 5000), strings.Repeat("a", 10<<20),
		strings.Repeat("\u6f22", 1<<20), strings.Repeat("[CLS] ", 1000), "\u202e\u200b\ufeff", strings.Repeat("e\u0301", 1<<20),
	}
	models := map[string]*Model{"builtin": mustBuiltin(t)}
	for _, name := range []string{"modernbert", "sentence-max-two"} {
		models[name] = convertTo(t, "testdata/arch/"+name, "int8")
	}
	for name, m := range models {
		got, err := m.Embed(t.Context(), Query, texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			sum := 0.0
			for _, f := range v {
				sum += float64(f) * float64(f)
			}
			if math.Abs(sum-1) > 1e-4 {
				t.Errorf("%s: text %d (%d bytes) has length %g", name, i, len(texts[i]), sum)
			}
		}
	}
	cross := convertTo(t, "testdata/arch/bert-reranker", "int8")
	for _, q := range texts[:3] {
		scores, err := cross.Score(t.Context(), q, texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range scores {
			if len(s) != 1 || s[0]-s[0] != 0 {
				t.Errorf("query of %d bytes, passage %d: %v", len(q), i, s)
			}
		}
	}
}

// TestManyTextsTakeLittleMemory: 100,000 texts in one call need the memory of
// their vectors and of one window.
func TestManyTextsTakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 texts")
	}
	m := convertTo(t, "testdata/arch/sentence-mean-dense", "int8")
	texts := make([]string, 100_000)
	for i := range texts {
		texts[i] = "abc"
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := m.Embed(t.Context(), Background, texts)
	if err != nil || len(got) != len(texts) {
		t.Fatalf("%d vectors, %v", len(got), err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	vectors := uint64(len(texts)) * uint64(4*m.Info().Dim+64)
	if used := after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc); used > vectors+(32<<20) {
		t.Errorf("%d MB are held, the vectors need %d", used>>20, vectors>>20)
	}
	runtime.KeepAlive(got)
}

// TestAConfigurationThatLiesTakesNoMemory: sizes are believed when a tensor of
// that shape is there.
func TestAConfigurationThatLiesTakesNoMemory(t *testing.T) {
	for _, change := range [][2]string{
		{`"vocab_size": 64`, `"vocab_size": 2000000`}, {`"hidden_size": 48`, `"hidden_size": 3072`}, {`"intermediate_size": 80`, `"intermediate_size": 131072`},
	} {
		dir := copyModel(t, "bert", "config.json", replace(change[0], change[1]))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Convert(dir, io.Discard); err == nil || !strings.Contains(err.Error(), "the configuration wants") {
			t.Errorf("%s: error %v", change[1], err)
		}
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 64 {
			t.Errorf("%s: %d MB were taken", change[1], n)
		}
	}
}

// FuzzConfig reads a configuration and the files of sentence-transformers.
func FuzzConfig(f *testing.F) {
	dirs, err := filepath.Glob("testdata/arch/*")
	if err != nil {
		f.Fatal(err)
	}
	read := func(name string) []byte {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil
		}
		return raw
	}
	for _, dir := range dirs {
		f.Add(read(dir+"/config.json"), read(dir+"/modules.json"), read(dir+"/1_Pooling/config.json"), read(dir+"/2_Dense/config.json"), []byte(`{"prompts":{"query":"q: "},"truncate_dim":24}`))
	}
	f.Fuzz(func(t *testing.T, config, modules, pooling, dense, sentence []byte) {
		dir := fstest.MapFS{
			"config.json": {Data: config}, "modules.json": {Data: modules}, "1_Pooling/config.json": {Data: pooling}, "2_Dense/config.json": {Data: dense},
			"config_sentence_transformers.json": {Data: sentence}, "README.md": {Data: sentence},
		}
		s, err := readSpec(dir)
		if err != nil {
			return
		}
		if s.Dim < 1 || s.Dim != s.outputWidth() || s.MaxTokens < 3 || s.headDim() < 1 || s.upPad() < s.Intermediate {
			t.Errorf("accepted %+v", s)
		}
	})
}
