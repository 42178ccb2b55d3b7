package model

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/quarry-search/quarry/internal/model/builtin"
)

func TestOpenRefusesDamage(t *testing.T) {
	good := builtin.Bytes()
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"empty":     {},
		"text":      []byte("hello, I am not a model, but long enough to be looked at closely"),
		"truncated": good[:len(good)-100],
		"bit":       func() []byte { b := bytes.Clone(good); b[len(b)/2] ^= 1; return b }(),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Open(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a missing file: no error")
	}
}

// seal puts a right checksum under lying bytes.
func seal(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

func TestLyingHeaders(t *testing.T) {
	good := builtin.Bytes()
	body := good[:len(good)-sha256.Size]
	for _, change := range [][2]string{
		{`"layers":6`, `"layers":9`},
		{`"hidden":384`, `"hidden":385`},
		{`"hidden":384`, `"hidden":768`},
		{`"heads":12`, `"heads":00`},
		{`"heads":12`, `"heads":13`},
		{`"vocabulary":30522`, `"vocabulary":30521`},
		{`"positions":512`, `"positions":100`},
		{`"dim":384`, `"dim":999`},
		{`"offset":0,`, `"offset":-`},
		{`"pooling":"mean"`, `"pooling":"maxi"`},
		{`"name":"tokenizer"`, `"name":"tokenizes"`},
	} {
		if !bytes.Contains(body, []byte(change[0])) {
			t.Fatalf("the header does not hold %s", change[0])
		}
		data := seal(bytes.Replace(body, []byte(change[0]), []byte(change[1]), 1))
		if err := verify(data); err != nil {
			t.Fatal(err)
		}
		if _, err := load(data); err == nil {
			t.Errorf("%s: no error", change[1])
		}
	}
}

func FuzzParse(f *testing.F) {
	good := builtin.Bytes()
	f.Add(seal(good[:4096]))
	f.Add(seal([]byte(magic + "\x02\x00\x00\x00\x00\x00\x00\x00{}")))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = load(data)
	})
}
