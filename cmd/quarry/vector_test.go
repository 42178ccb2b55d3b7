package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVectorArgument(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{"[1, 2.5, -3e-2]": "", "[]": "JSON list", "{}": "JSON list", `"x"`: "JSON list", "": "JSON list"} {
		file := filepath.Join(dir, "vector.json")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{file, "-"} {
			v, err := (&cli{in: strings.NewReader(text)}).readVector(name)
			if want == "" && (err != nil || len(v) != 3 || v[1] != 2.5) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%q: %v, %v", text, v, err)
			}
		}
	}
	code, _, errs := run(t, t.TempDir(), "search", "--vector", filepath.Join(dir, "absent"))
	if code != exitFailed || !strings.Contains(errs, "--vector") {
		t.Errorf("no such file: %d %s", code, errs)
	}
}
