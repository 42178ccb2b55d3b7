package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/parse/pdf"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == pdf.Subcommand {
		os.Exit(pdf.WorkerMain(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// run executes one command line against a data directory.
func run(t *testing.T, data string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = execute(t.Context(), append(args, "--data", data), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func notes(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"bread.md":     "# Bread\n\nA sourdough starter ferments flour with wild yeast.\n\nBake the loaf at 230 degrees until the crust is brown.\n",
		"sea/coast.md": "# Coast\n\nThe lighthouse keeper lit the lamp at dusk.\n",
		".hidden":      "x",
		"empty.md":     "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWithoutAServer(t *testing.T) {
	data, dir := filepath.Join(t.TempDir(), "data"), notes(t)
	if code, _, errs := run(t, data, "search", "x"); code != exitFailed || !strings.Contains(errs, "quarry up") {
		t.Errorf("search before anything: %d %s", code, errs)
	}
	code, out, errs := run(t, data, "ingest", dir)
	if code != exitFine || out != "4 files = 2 indexed + 0 unchanged + 2 skipped + 0 failed\n" {
		t.Fatalf("ingest: %d %s %s", code, out, errs)
	}
	if code, out, _ := run(t, data, "ingest", dir, "--json"); code != exitFine || !strings.Contains(out, `"counts":{"accepted":4,"queued":0,"indexed":0,"unchanged":2,"skipped":2,`) {
		t.Errorf("the job's balance: %d %s", code, out)
	}
	code, out, errs = run(t, data, "search", "how is bread made", "--mode", "dense", "--top-k", "1")
	if fields := strings.Split(out, "\t"); code != exitFine || len(fields) != 5 || !strings.Contains(fields[2], "bread.md:") {
		t.Errorf("search: %d %q %s", code, out, errs)
	}
	code, out, errs = run(t, data, "search", "--sort", "-title", "--facet", "kind", "--group-size", "1")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); code != exitFine || len(lines) != 3 ||
		!strings.Contains(lines[0], "Coast") || !strings.Contains(lines[1], "Bread") || lines[2] != "kind\tmarkdown\t2" {
		t.Errorf("browse: %d %q %s", code, out, errs)
	}
	if code, _, errs = run(t, data, "search", "--group"); code != exitUse || !strings.Contains(errs, "empty") {
		t.Errorf("search for nothing: %d %s", code, errs)
	}
	if code, _, errs = run(t, data, "search", "bread", "--facet", "knid"); code != exitUse || !strings.Contains(errs, `"knid"`) {
		t.Errorf("facet of an unknown field: %d %s", code, errs)
	}
	code, out, errs = run(t, data, "ask", "At what temperature is the loaf baked?")
	if code != exitFine || !strings.Contains(out, "230 degrees") || !strings.Contains(out, "[1] ") || !strings.Contains(out, "bread.md:5") {
		t.Errorf("ask: %d %q %s", code, out, errs)
	}
	if code, out, errs = run(t, data, "fsck"); code != exitFine || !strings.Contains(out, "0 problems") {
		t.Errorf("fsck: %d %q %s", code, out, errs)
	}
	code, out, _ = run(t, data, "ingest", filepath.Join(dir, "bread.md"), "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var first api.PutResult
	var end api.BatchEnd
	if code != exitFine || len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[1]), &end) != nil ||
		end.Counts.Accepted != 1 {
		t.Errorf("ingest --json: %d %q", code, out)
	}
}

func TestWithAServer(t *testing.T) {
	c := config.Default()
	c.Data, c.Listen = t.TempDir(), "127.0.0.1:0"
	a, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		a.Close()
	}()
	broken := filepath.Join(t.TempDir(), "broken.pdf")
	if err := os.WriteFile(broken, []byte("%PDF-1.7\nbroken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, c.Data, "ingest", notes(t), broken); code != exitFailed || !strings.Contains(out, "1 failed") || !strings.Contains(errs, "broken.pdf") {
		t.Errorf("ingest: %d %q %q", code, out, errs)
	}
	code, out, _ := run(t, t.TempDir(), "search", "lamp", "--json", "--mode", "lexical", "--server", a.URL(), "--filter", `{"type":"eq","key":"folder","value":"sea"}`)
	if code != exitFine {
		t.Fatalf("search --json: %d", code)
	}
	var hits api.SearchResponse
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&hits); err != nil || len(hits.Hits) != 1 {
		t.Errorf("search --json: %v %s", err, out)
	}
	if code, out, errs := run(t, c.Data, "fsck"); code != exitFine || !strings.Contains(errs, "a server is running") || !strings.Contains(errs, "the index was checked") {
		t.Errorf("fsck beside a server: %d %s %s", code, out, errs)
	}
	res, err := http.Get(a.URL() + "/")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("console: %v, %v", res, err)
	}
	if err == nil {
		res.Body.Close()
	}
}

func TestExitCodes(t *testing.T) {
	data, dir := filepath.Join(t.TempDir(), "data"), notes(t)
	if code, _, errs := run(t, data, "ingest", dir); code != exitFine {
		t.Fatal(errs)
	}
	for _, c := range []struct {
		args string
		want int
	}{
		{"version", exitFine},
		{"version --json", exitFine},
		{"help", exitFine},
		{"completion bash", exitFine},
		{"model list", exitFine},
		{"", exitFine},
		{"frobnicate", exitUse},
		{"search", exitUse},
		{"search x --no-such-flag", exitUse},
		{"search x --filter {", exitUse},
		{`search x --filter {"type":"near","key":"a","value":1}`, exitUse},
		{"search x --mode sideways", exitUse},
		{"search x --top-k 0", exitUse},
		{"search x -k -1", exitUse},
		{"ask x -k 0", exitUse},
		{"search x --top-k 5000", exitUse},
		{"search x --collection none", exitFailed},
		{"search x --server nonsense", exitUse},
		{"search x --server http://127.0.0.1:1", exitFailed},
		{"serve extra", exitUse},
		{"serve --listen 0.0.0.0:80", exitFailed},
		{"serve --ingest-workers none", exitUse},
		{"up " + dir + "/bread.md", exitUse},
		{"up " + dir + "/none", exitUse},
		{"ingest " + dir + "/none", exitUse},
		{"eval", exitUse},
		{"eval " + dir, exitFailed},
		{"model", exitUse},
		{"model convert " + dir, exitFailed},
		{"bench", exitUse},
		{"version --config " + dir + "/none.yaml", exitUse},
	} {
		args := strings.Fields(c.args)
		code, out, errs := run(t, data, args...)
		if code != c.want {
			t.Errorf("quarry %s: exit code %d, want %d\n%s%s", c.args, code, c.want, out, errs)
		}
		if code != exitFine && !strings.HasPrefix(errs, "quarry: ") {
			t.Errorf("quarry %s says %q", c.args, errs)
		}
	}
}

// Every command has a line for people and, unless it only groups others, an
// example.
func TestHelp(t *testing.T) {
	c := &cli{out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	for _, cmd := range c.root().Commands() {
		if cmd.Short == "" || cmd.Runnable() && !cmd.HasSubCommands() && cmd.Example == "" {
			t.Errorf("%s lacks help", cmd.Name())
		}
		for _, sub := range cmd.Commands() {
			if sub.Short == "" || sub.Example == "" && cmd.Name() != "completion" {
				t.Errorf("%s lacks help", sub.CommandPath())
			}
		}
	}
}

func TestTerminalText(t *testing.T) {
	if got := plain("a\x1b[31mb\u202ec\r"); got != "a [31mb c " {
		t.Errorf("got %q", got)
	}
	if got := oneLine("one\n\n two  three", 9); got != "one two …" {
		t.Errorf("got %q", got)
	}
	if got := placeOf("file:///x/a%20b.pdf", api.Locator{Page: 3}); got != "/x/a b.pdf, page 3" {
		t.Errorf("got %q", got)
	}
	if got := placeOf("doc:1", api.Locator{LineStart: 4, LineEnd: 7}); got != "doc:1:4-7" {
		t.Errorf("got %q", got)
	}
}
