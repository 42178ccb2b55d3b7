package store

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tiny = "../testdata/arch/bert"

// published are the files of a tiny model, below prefix.
func published(t *testing.T, prefix string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(tiny), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(tiny, p))
		out[prefix+p] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sorted(files map[string]string) []string {
	var names []string
	for n := range files {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.whl")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range sorted(files) {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, files[n])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func tarred(t *testing.T, compress bool, files map[string]string, links ...tar.Header) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.tar")
	var b bytes.Buffer
	var w io.Writer = &b
	z := gzip.NewWriter(&b)
	if compress {
		w = z
	}
	a := tar.NewWriter(w)
	for _, h := range links {
		if err := a.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range sorted(files) {
		if err := a.WriteHeader(&tar.Header{Name: n, Size: int64(len(files[n])), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(a, files[n])
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if compress {
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// install brings a source into a store.
func install(t *testing.T, s *Store, source, name string) Entry {
	t.Helper()
	folder, err := s.Staging(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := Gather(source, folder); err != nil {
		t.Fatal(err)
	}
	e, _, err := s.Install(folder, Entry{Name: name, ID: "file:" + filepath.Base(source)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEverySourceGivesTheSameModel(t *testing.T) {
	s := New(t.TempDir())
	whole := published(t, "pkg/model/")
	whole["pkg/__init__.py"] = "x"
	whole["pkg/config.json"] = "{}"
	whole["pkg/model/pytorch_model.bin"] = "x"
	dotted := published(t, "./")
	fingerprints := map[string]string{}
	for name, source := range map[string]string{
		"directory": tiny, "wheel": zipped(t, whole), "tar": tarred(t, false, dotted), "targz": tarred(t, true, whole),
	} {
		e := install(t, s, source, name)
		fingerprints[e.Fingerprint] = name
		if len(e.Files) != 3 { // config, weights, vocabulary
			t.Errorf("%s: files %+v", name, e.Files)
		}
		m, err := s.Open(name)
		if err != nil || m.Info().Name != name {
			t.Errorf("%s: %v", name, err)
		}
		if faults, err := s.Verify(name); err != nil || len(faults) > 0 {
			t.Errorf("%s: %v %v", name, faults, err)
		}
	}
	if len(fingerprints) != 1 {
		t.Errorf("fingerprints %v", fingerprints)
	}
	entries, err := s.List()
	if err != nil || !slices.IsSortedFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) }) || len(entries) != 4 {
		t.Errorf("list %v %v", entries, err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, "*.part")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestShardedModel(t *testing.T) {
	s := New(t.TempDir())
	e := install(t, s, "../testdata/arch/bert-reranker", "sharded")
	if len(e.Files) != 7 {
		t.Errorf("files %+v", e.Files)
	}
}

func TestHostileArchives(t *testing.T) {
	with := func(name, text string) map[string]string {
		f := published(t, "")
		f[name] = text
		return f
	}
	bomb := with("config.json", strings.Repeat("{", 80<<20))
	two := published(t, "a/")
	for n, text := range published(t, "b/") {
		two[n] = text
	}
	without := published(t, "")
	delete(without, "vocab.txt")
	other := published(t, "")
	delete(other, "model.safetensors")
	linked := published(t, "")
	delete(linked, "config.json")
	text := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	cut, err := os.ReadFile(zipped(t, published(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	cutZip := filepath.Join(t.TempDir(), "x.whl")
	if err := os.WriteFile(cutZip, cut[:len(cut)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ source, want string }{
		"zip slip":          {zipped(t, with("../../evil", "x")), "leads outside"},
		"zip absolute":      {zipped(t, with("/evil", "x")), "leads outside"},
		"zip backslash":     {zipped(t, with(`..\evil`, "x")), "leads outside"},
		"zip drive":         {zipped(t, with(`c:\evil`, "x")), "leads outside"},
		"tar slip":          {tarred(t, false, with("../evil", "x")), "leads outside"},
		"tar link":          {tarred(t, false, linked, tar.Header{Name: "config.json", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}), "not a link"},
		"tar twice":         {tarred(t, false, published(t, ""), tar.Header{Name: "config.json", Typeflag: tar.TypeReg}), "twice"},
		"zip bomb":          {zipped(t, bomb), "at most are expected"},
		"gzip bomb":         {tarred(t, true, bomb), "times its size"},
		"two models":        {zipped(t, two), "several models (a, b)"},
		"no tokenizer":      {zipped(t, without), "neither tokenizer.json"},
		"no weights":        {zipped(t, other), "no folder with"},
		"no archive":        {text, "neither a directory"},
		"a cut archive":     {cutZip, "read archive"},
		"an empty archive":  {zipped(t, map[string]string{"x/": ""}), "no folder with"},
		"nothing there":     {filepath.Join(t.TempDir(), "none"), "no such file"},
		"an empty folder":   {t.TempDir(), "no folder with"},
		"a gzip of nothing": {gz(t), "read archive"},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "a", "b")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			err := Gather(c.source, dir)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(filepath.Join(parent, "evil")); err == nil {
				t.Error("a file was written outside")
			}
		})
	}
}

func gz(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "x.tar.gz")
	if err := os.WriteFile(path, []byte("\x1f\x8b\x08"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVerifyFindsEveryDamage(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(s *Store) error
		want   string
	}{
		"changed": {func(s *Store) error { return flip(filepath.Join(s.Folder("m"), "model.safetensors")) }, "SHA-256 is"},
		"short":   {func(s *Store) error { return os.Truncate(filepath.Join(s.Folder("m"), "vocab.txt"), 3) }, "3 bytes"},
		"missing": {func(s *Store) error { return os.Remove(filepath.Join(s.Folder("m"), "config.json")) }, "config.json: missing"},
		"damaged": {func(s *Store) error { return flip(s.File("m")) }, "checksum"},
	} {
		s := New(t.TempDir())
		install(t, s, tiny, "m")
		if err := c.damage(s); err != nil {
			t.Fatal(err)
		}
		faults, err := s.Verify("m")
		if err != nil || len(faults) != 1 || !strings.Contains(faults[0], c.want) {
			t.Errorf("%s: %q %v", name, faults, err)
		}
	}
	s := New(t.TempDir())
	install(t, s, tiny, "m")
	install(t, s, "../testdata/arch/mpnet", "n")
	if err := os.Rename(s.File("n"), s.File("m")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open("m"); err == nil || !strings.Contains(err.Error(), "fingerprint") {
		t.Errorf("another model's file: %v", err)
	}
}

func flip(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	raw[len(raw)/2] ^= 1
	return os.WriteFile(path, raw, 0o600)
}

func TestRemoveAndReplace(t *testing.T) {
	s := New(t.TempDir())
	install(t, s, tiny, "m")
	e := install(t, s, "../testdata/arch/mpnet", "m")
	if m, err := s.Open("m"); err != nil || m.Info().Fingerprint != e.Fingerprint {
		t.Errorf("replaced: %v", err)
	}
	if err := s.Remove("m"); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove("m"); err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("removed twice: %v", err)
	}
	for _, p := range []string{s.Folder("m"), s.File("m")} {
		if _, err := os.Stat(p); err == nil {
			t.Errorf("%s is still there", p)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, LockName), []byte(`{"version":1,"models":[{"name":"../x"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(); err == nil {
		t.Error("a lock file with a path for a name was accepted")
	}
}

func TestNames(t *testing.T) {
	for name, fine := range map[string]bool{
		"a": true, "all-MiniLM-L6-v2": true, "x_1.5": true,
		"": false, ".": false, "..": false, "a/b": false, `a\b`: false, ".hidden": false, "a..b": false, "lock": false,
		"models.lock": false, "x.qmodel": false, "a b": false, "a.": false, strings.Repeat("a", 97): false,
	} {
		if (CheckName(name) == nil) != fine {
			t.Errorf("%q: %v", name, CheckName(name))
		}
	}
}
