package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const tinyModel = "../../internal/model/testdata/arch/bert"

// hubOf serves the tiny model as the hub does. The files may be changed by
// alter.
func hubOf(t *testing.T, commit *string, alter func(name string, b []byte) []byte) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if revision, ok := strings.CutPrefix(r.URL.Path, "/api/models/org/tiny/revision/"); ok {
			if revision != "main" && revision != *commit {
				http.Error(w, "no", http.StatusNotFound)
				return
			}
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"config.json"},{"rfilename":"model.safetensors"},{"rfilename":"vocab.txt"},{"rfilename":"onnx/model.onnx"}]}`, *commit)
			return
		}
		name, ok := strings.CutPrefix(r.URL.Path, "/org/tiny/resolve/"+*commit+"/")
		raw, err := os.ReadFile(filepath.Join(tinyModel, name))
		if !ok || err != nil || strings.Contains(name, "/") {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		raw = alter(name, raw)
		w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
		_, _ = w.Write(raw)
	}))
	t.Cleanup(s.Close)
	t.Setenv("HF_ENDPOINT", s.URL)
}

func TestModelLifecycle(t *testing.T) {
	data, commit := t.TempDir(), strings.Repeat("a", 40)
	altered := false
	hubOf(t, &commit, func(name string, b []byte) []byte {
		if altered && name == "vocab.txt" {
			return append([]byte("x"), b[1:]...)
		}
		return b
	})
	code, out, errs := run(t, data, "model", "pull", "hf:org/tiny", "--json")
	var v modelView
	if code != exitFine || json.Unmarshal([]byte(out), &v) != nil || v.ID != "hf:org/tiny" || v.Revision != commit || len(v.Files) != 3 {
		t.Fatalf("pull: %d %s %s", code, out, errs)
	}
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"model list --json", `"name":"tiny"`, exitFine},
		{"model show tiny --json", v.Fingerprint, exitFine},
		{"model verify --json", `{"models":[{"name":"tiny","faults":[]}]}`, exitFine},
		{"version --model tiny", v.Fingerprint, exitFine},
		{"model remove tiny --model tiny", "configured model", exitFailed},
		{"model import " + tinyModel + " --name tiny", "is taken by hf:org/tiny", exitFailed},
		{"model import " + tinyModel + " --name ../x", "model name", exitFailed},
		{"model show none", "not installed", exitFailed},
		{"model pull org/tiny", "is not hf:ORG/NAME", exitUse},
		{"model pull hf:org/none", "there is no hf:org/none", exitFailed},
		{"model pull hf:org/tiny@v9", "v9", exitFailed},
	} {
		code, out, errs := run(t, data, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("quarry %s: %d, want %d and %q\n%s%s", c.args, code, c.code, c.want, out, errs)
		}
	}

	// What is pinned must stay: the same commit with other bytes is refused,
	// and the model that is there goes on working.
	altered = true
	if code, _, errs := run(t, data, "model", "pull", "hf:org/tiny"); code != exitFailed || !strings.Contains(errs, "SHA-256 does not match") {
		t.Errorf("pull of altered files: %d %s", code, errs)
	}
	if code, _, errs := run(t, data, "model", "verify", "tiny"); code != exitFine {
		t.Errorf("verify after a refused pull: %s", errs)
	}
	if err := os.Truncate(filepath.Join(data, "models", "tiny", "vocab.txt"), 10); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, data, "model", "verify"); code != exitFailed || !strings.Contains(out, "vocab.txt: 10 bytes") {
		t.Errorf("verify of a damaged model: %d %s %s", code, out, errs)
	}
	// One that is damaged hides no other.
	if code, _, errs := run(t, data, "model", "import", tinyModel, "--name", "whole"); code != exitFine {
		t.Fatal(errs)
	}
	converted := filepath.Join(data, "models", "tiny.qmodel")
	raw, err := os.ReadFile(converted)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"cut": raw[:len(raw)/2], "empty": nil, "changed": append([]byte("X"), raw[1:]...)} {
		if err := errors.Join(os.Remove(converted), os.WriteFile(converted, bad, 0o600)); err != nil {
			t.Fatal(err)
		}
		code, out, errs := run(t, data, "model", "list")
		if code != exitFine || !strings.Contains(out, "whole") || !strings.Contains(out, "damaged") || !strings.Contains(errs, "tiny: ") {
			t.Errorf("list with a %s model: %d %s %s", name, code, out, errs)
		}
		if code, out, _ := run(t, data, "model", "list", "--json"); code != exitFine || !strings.Contains(out, `"fault":"`) {
			t.Errorf("list --json with a %s model: %d %s", name, code, out)
		}
	}
	altered = false
	if code, _, errs := run(t, data, "model", "pull", "hf:org/tiny"); code != exitFine {
		t.Errorf("pull to repair: %s", errs)
	}
	if code, out, errs := run(t, data, "model", "remove", "tiny", "--json"); code != exitFine || out != "{\"removed\":\"tiny\"}\n" {
		t.Errorf("remove: %d %s %s", code, out, errs)
	}
}

func TestModelMeasures(t *testing.T) {
	data := t.TempDir()
	if code, _, errs := run(t, data, "model", "import", tinyModel, "--name", "tiny"); code != exitFine {
		t.Fatal(errs)
	}
	code, out, errs := run(t, data, "model", "test", "tiny", "--json")
	var r struct {
		P50       float64 `json:"query_p50_ms"`
		Agreement struct {
			Mean float64 `json:"mean"`
		} `json:"int8_against_f32"`
	}
	if code != exitFine || json.Unmarshal([]byte(out), &r) != nil || r.P50 <= 0 || r.Agreement.Mean < 0.98 {
		t.Errorf("test: %d %s %s", code, out, errs)
	}
	code, out, errs = run(t, data, "bench", "model", "tiny", "--seconds", "0.02")
	if code != exitFine || !strings.Contains(out, "query while ingesting") {
		t.Errorf("bench model: %d %s %s", code, out, errs)
	}
	if code, _, errs := run(t, data, "model", "import", tinyModel+"-reranker", "--name", "cross"); code != exitFine {
		t.Fatal(errs)
	}
	for args, want := range map[string]string{
		"bench model cross --seconds 0.001": "100 candidates", "model test cross": "int8 against f32", "model test cross --json": `"pairs_per_cpu_second"`,
	} {
		if code, out, errs := run(t, data, strings.Fields(args)...); code != exitFine || !strings.Contains(out, want) {
			t.Errorf("%s: %d %s %s", args, code, out, errs)
		}
	}
	if code, _, _ := run(t, data, "bench", "model", "--seconds", "0"); code != exitUse {
		t.Errorf("bench model --seconds 0: %d", code)
	}
}
