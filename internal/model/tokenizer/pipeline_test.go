package tokenizer

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// These compare any tokenizer with lines and ids that tools/reference made:
// -tokenizer.json FILE -tokenizer.lines FILE.
var (
	comparedJSON  = flag.String("tokenizer.json", "", "a tokenizer.json to compare with the reference")
	comparedLines = flag.String("tokenizer.lines", "", "the reference's lines for it: [text, ids] each")
)

func openDir(t testing.TB, file string) Tokenizer {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, ".gz") {
		raw = gunzip(t, raw)
	}
	compiled, err := Compile(fstest.MapFS{"tokenizer.json": {Data: raw}})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Open(compiled)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func gunzip(t testing.TB, raw []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compare checks every line and returns how many there were.
func compare(t *testing.T, tok Tokenizer, lines io.Reader) (total, wrong int) {
	t.Helper()
	s := bufio.NewScanner(lines)
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		var pair [2]json.RawMessage
		var text string
		var want []int32
		if json.Unmarshal(s.Bytes(), &pair) != nil || json.Unmarshal(pair[0], &text) != nil || json.Unmarshal(pair[1], &want) != nil {
			t.Fatalf("line %d is not [text, ids]", total+1)
		}
		total++
		if got := tok.Encode(text, 1<<30); !slices.Equal(got, want) {
			if wrong++; wrong <= 10 {
				t.Errorf("%q:\n got %v\nwant %v", text, got, want)
			}
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return total, wrong
}

func TestReferenceFile(t *testing.T) {
	if *comparedJSON == "" {
		t.Skip("no -tokenizer.json: tools/reference/tokenizers_fixture.py makes its lines")
	}
	f, err := os.Open(*comparedLines)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	total, wrong := compare(t, openDir(t, *comparedJSON), f)
	t.Logf("%d lines, %d differ", total, wrong)
}

func TestHardLines(t *testing.T) {
	for _, name := range []string{"unigram", "bpe", "wordpiece"} {
		t.Run(name, func(t *testing.T) {
			tok := openDir(t, filepath.Join("testdata", name+".json.gz"))
			raw, err := os.ReadFile(filepath.Join("testdata", name+".lines.gz"))
			if err != nil {
				t.Fatal(err)
			}
			total, wrong := compare(t, tok, strings.NewReader(string(gunzip(t, raw))))
			if wrong > 0 || total < 2000 {
				t.Errorf("%d of %d lines differ from the reference", wrong, total)
			}
		})
	}
}

func BenchmarkPipeline(b *testing.B) {
	text := strings.Repeat("Grounded answers quote the stored bytes, and every citation names its page or line. ", 40)
	for _, name := range []string{"unigram", "bpe", "wordpiece"} {
		b.Run(name, func(b *testing.B) {
			tok := openDir(b, filepath.Join("testdata", name+".json.gz"))
			tokens := tok.CountTokens(text)
			for b.Loop() {
				tok.Encode(text, 1<<20)
			}
			b.ReportMetric(float64(tokens)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mtokens/s")
		})
	}
}
