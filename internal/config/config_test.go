package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func env(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "quarry.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLaterSourcesWin(t *testing.T) {
	file := write(t, "# a comment\ndata: /from/file\nlisten: 127.0.0.1:1\nlog_level: warn\nlog_format: json\ningest_workers: 3\nmax_document_bytes: 5MiB\n")
	c, err := Load(Source{
		File:   file,
		Lookup: env(map[string]string{"QUARRY_LISTEN": "127.0.0.1:2", "QUARRY_LOG_LEVEL": "error", "QUARRY_PORT": "tcp://10.0.0.1:80"}),
		Flags:  map[string]string{"log_level": "debug", "shutdown_timeout": "3s", "allowed_host": "a.example, b.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data, want.Listen, want.LogLevel, want.LogFormat = "/from/file", "127.0.0.1:2", "debug", "json"
	want.IngestWorkers, want.MaxDocumentBytes, want.ShutdownTimeout = 3, 5<<20, 3*time.Second
	if want.Data, err = filepath.Abs(want.Data); err != nil {
		t.Fatal(err)
	}
	want.AllowedHosts = []string{"a.example", "b.example"}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestEveryFaultIsListedWithItsPlace(t *testing.T) {
	file := write(t, "data: /d\nlgo: info\nlog:\n  level: red\ningest_workers: many\nlisten: [a, b]\nlog_level: info\n")
	_, err := Load(Source{
		File:   file,
		Lookup: env(map[string]string{"QUARRY_INGEST_WORKERS": "0"}),
		Flags:  map[string]string{"max_document_bytes": "lots", "server": "localhost"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`quarry.yaml:2: unknown setting "lgo"`,
		`quarry.yaml:3: unknown setting "log"`,
		`quarry.yaml:5: ingest_workers: "many" is not a whole number`,
		`quarry.yaml:6: listen: a single value is expected`,
		`--max-document-bytes: "lots" is not a size`,
		`server: "localhost" is not a URL`,
		`ingest_workers: 0 is not between 1 and 1024`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestMissingAndBrokenFiles(t *testing.T) {
	if _, err := Load(Source{File: filepath.Join(t.TempDir(), "none.yaml"), Lookup: env(nil)}); err == nil {
		t.Error("a missing file was accepted")
	}
	if _, err := Load(Source{File: write(t, "a: [1,\n"), Lookup: env(nil)}); err == nil {
		t.Error("broken YAML was accepted")
	}
	if _, err := Load(Source{File: write(t, ""), Lookup: env(map[string]string{"HOME": "/home/x", "LocalAppData": `C:\x`})}); err != nil {
		t.Errorf("an empty file was refused: %v", err)
	}
}

func TestDataDir(t *testing.T) {
	for _, c := range []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", map[string]string{"HOME": "/home/ana"}, "/home/ana/.local/share/quarry"},
		{"linux", map[string]string{"HOME": "/home/ana", "XDG_DATA_HOME": "/x"}, "/x/quarry"},
		{"linux", map[string]string{"HOME": "/home/ana", "XDG_DATA_HOME": "x"}, "/home/ana/.local/share/quarry"},
		{"darwin", map[string]string{"HOME": "/Users/ana"}, "/Users/ana/Library/Application Support/Quarry"},
		{"windows", map[string]string{"LocalAppData": `/L`}, "/L/Quarry"},
		{"linux", nil, ""},
	} {
		if got := filepath.ToSlash(dataDir(c.goos, func(k string) string { return c.env[k] })); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.goos, c.env, got, c.want)
		}
	}
}

func TestSizeReadsWhatItPrints(t *testing.T) {
	for _, text := range []string{"0", "17", "64MiB", "1GiB", "3KiB"} {
		var z Size
		if err := z.Set(text); err != nil || z.String() != text {
			t.Errorf("%q became %q (%v)", text, z, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "MiB", "9999999999GiB"} {
		var z Size
		if err := z.Set(text); err == nil {
			t.Errorf("%q was accepted as %d", text, z)
		}
	}
}
