package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// TestEveryCodePoint compares cleaning, decomposition, case, marks,
// punctuation and Chinese characters with the reference, code point by code
// point. It also fails when a newer Go brings newer Unicode tables: then the
// exceptions in bert_unicode.go must grow.
func TestEveryCodePoint(t *testing.T) {
	raw, err := os.ReadFile("../testdata/wordpiece.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Sum string `json:"code_points_sha256"`
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	w := &WordPiece{cfg: wordPieceConfig{CleanText: true, ChineseChars: true, StripAccents: true, Lowercase: true, MaxChars: 100}}
	sum := sha256.New()
	for r := rune(0); r <= 0x10ffff; r++ {
		if r >= 0xd800 && r < 0xe000 {
			continue
		}
		fmt.Fprintf(sum, "%x %s\n", r, strings.Join(splitWords(w, "x"+string(r)+"x"), "|"))
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.Sum {
		t.Errorf("hash over all code points is %s, the reference's %s", got, want.Sum)
	}
}

func splitWords(w *WordPiece, text string) []string {
	var words []string
	word := ""
	w.split(text, func(r rune) { word += string(r) }, func() {
		if word != "" {
			words = append(words, word)
		}
		word = ""
	})
	return words
}

// TestASCIIPathIsTheGeneralPath compares the two on every pair of characters.
func TestASCIIPathIsTheGeneralPath(t *testing.T) {
	vocab := "[UNK]\n[CLS]\n[SEP]"
	for c := '!'; c < 127; c++ {
		vocab += "\n" + string(c) + "\n##" + string(c)
	}
	w, err := openWordPiece([]byte(`{"clean_text":true,"chinese_chars":true,"strip_accents":true,"lowercase":true,"prefix":"##","max_chars":100,"unknown":"[UNK]","start":"[CLS]","end":"[SEP]"}`), vocab)
	if err != nil {
		t.Fatal(err)
	}
	for a := range rune(128) {
		for b := range rune(128) {
			text := "A" + string(a) + "z" + string(b) + "9"
			fast := fmt.Sprint(w.pieces(nil, text, 100))
			s := splitter{w: w, rest: text}
			var ids []int32
			for s.rest != "" {
				ids = s.chunk(ids)
			}
			if general := fmt.Sprint(ids); fast != general {
				t.Fatalf("%q: %s, the general path %s", text, fast, general)
			}
		}
	}
}

func vocabFS(tokens string) fstest.MapFS {
	return fstest.MapFS{"vocab.txt": {Data: []byte(tokens)}}
}

func TestVocabTxt(t *testing.T) {
	data, err := Compile(vocabFS("[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nhello\n,\n"))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(tok.Encode("Unaffable, HÉLLO xyz", 10)), "[2 4 5 6 8 7 1 3]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(tok.Encode("Unaffable, hello", 4)), "[2 4 5 3]"; got != want {
		t.Errorf("cut: got %s, want %s", got, want)
	}
	if got := tok.CountTokens("Unaffable, hello"); got != 5 {
		t.Errorf("counted %d tokens, want 5", got)
	}
	ids, second := tok.EncodePair("hello", "hello hello hello", 6)
	if got, want := fmt.Sprint(ids, second), "[2 7 3 7 7 3] 3"; got != want {
		t.Errorf("pair: got %s, want %s", got, want)
	}
}

func TestBadFiles(t *testing.T) {
	for name, f := range map[string]fstest.MapFS{
		"nothing":      {},
		"no json":      {"tokenizer.json": {Data: []byte("{")}},
		"unknown kind": {"tokenizer.json": {Data: []byte(`{"model":{"type":"Magic"}}`)}},
		"no specials":  vocabFS("a\nb\n"),
		"huge id": {"tokenizer.json": {Data: []byte(`{"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},
			"post_processor":{"type":"BertProcessing","sep":["[SEP]",1],"cls":["[CLS]",2]},
			"model":{"type":"WordPiece","vocab":{"a":900000000}}}`)}},
	} {
		if _, err := Compile(f); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, data := range []string{"", "{}\n", "{\"kind\":\"wordpiece\"}\na", "x\ny"} {
		if _, err := Open([]byte(data)); err == nil {
			t.Errorf("open %q: no error", data)
		}
	}
}

func TestLongWordIsBounded(t *testing.T) {
	data, err := Compile(vocabFS("[UNK]\n[CLS]\n[SEP]\na\n##a\n"))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{strings.Repeat("a", 10<<20), strings.Repeat("é", 5<<20)} {
		if got, want := fmt.Sprint(tok.Encode(text, 256)), "[1 0 2]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func FuzzWordPiece(f *testing.F) {
	data, err := Compile(vocabFS("[UNK]\n[CLS]\n[SEP]\na\n##a\nb\n##\u0301\n字\n.\n"))
	if err != nil {
		f.Fatal(err)
	}
	tok, err := Open(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a ab\u0301 字.\xff", "b", 7)
	f.Fuzz(func(t *testing.T, a, b string, limit int) {
		limit = min(max(limit, 3), 1000)
		ids := tok.Encode(a, limit)
		if len(ids) > limit || len(ids) < 2 {
			t.Fatalf("%d ids of at most %d", len(ids), limit)
		}
		whole := tok.Encode(a, 1<<20)
		if n := tok.CountTokens(a); n != len(whole)-2 {
			t.Fatalf("counted %d, encoded %d", n, len(whole)-2)
		}
		for i := range len(ids) - 1 {
			if ids[i] != whole[i] {
				t.Fatalf("cutting changed id %d", i)
			}
		}
		pair, second := tok.EncodePair(a, b, limit)
		if len(pair) > limit || second < 2 || second > len(pair) {
			t.Fatalf("pair of %d ids, second at %d, limit %d", len(pair), second, limit)
		}
	})
}
