package tokenizer

import (
	"strings"
	"testing"
	"unicode/utf8"
)

const tinyBPE = `{"added_tokens":[{"id":5,"content":"<s>","special":true},{"id":6,"content":"@@","normalized":true,"single_word":true}],
"normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"Whitespace"},
"post_processor":{"type":"RobertaProcessing","cls":["<s>",5],"sep":["</s>",4]},
"model":{"type":"BPE","unk_token":"?","fuse_unk":true,"vocab":{"?":0,"a":1,"b":2,"ab":3,"</s>":4},"merges":["a b"]}}`

func TestPipelineSmall(t *testing.T) {
	tok, err := openPipeline([]byte(tinyBPE))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int32{
		"":           {5, 4},
		"AB ab":      {5, 3, 3, 4},
		"xyz":        {5, 0, 4},
		"<s>":        {5, 0, 0, 0, 4}, // a special token in the text is plain text
		"ab @@ b@@b": {5, 3, 6, 2, 0, 2, 4},
	} {
		if got := tok.Encode(text, 100); !equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	ids, second := tok.EncodePair("ab ab ab", "a", 8)
	if want := []int32{5, 3, 3, 3, 4, 4, 1, 4}; !equal(ids, want) || second != len(ids) {
		t.Errorf("pair: %v second %d, want %v", ids, second, want)
	}
	if ids, _ := tok.EncodePair("ab ab ab", "a", 6); !equal(ids, []int32{5, 3, 4, 4, 1, 4}) {
		t.Errorf("pair cut to 6: %v", ids)
	}
	if n := tok.CountTokens("ab ab b"); n != 3 {
		t.Errorf("counted %d tokens, want 3", n)
	}
}

func equal(a, b []int32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestLongMergesAgree holds the queue of long pieces to the plain scan.
func TestLongMergesAgree(t *testing.T) {
	tok := openDir(t, "testdata/bpe.json.gz").(*pipeline)
	b := tok.model.(*bpe)
	word := strings.Repeat("internationalisation-of-retrieval", 9)
	var slow, fast []int32
	for i := range len(word) {
		slow = append(slow, b.byteIDs[word[i]])
	}
	fast = append(fast, slow...)
	for {
		at, found := -1, merge{}
		for i := 0; i+1 < len(slow); i++ {
			if m, ok := b.merges[[2]int32{slow[i], slow[i+1]}]; ok && (at < 0 || m.rank < found.rank) {
				at, found = i, m
			}
		}
		if at < 0 {
			break
		}
		slow[at] = found.id
		slow = append(slow[:at+1], slow[at+2:]...)
	}
	if got := b.mergeQueue(fast); !equal(got, slow) {
		t.Errorf("the queue gives %v, the scan %v", got, slow)
	}
}

func TestUnsupportedParts(t *testing.T) {
	for file, want := range map[string]string{
		`{"model":{"type":"WordLevel"}}`:                                                                 `model of type "WordLevel"`,
		`{"normalizer":{"type":"Martian"},"model":{"type":"BPE"}}`:                                       `normalizer of type "Martian"`,
		`{"pre_tokenizer":{"type":"Martian"},"model":{"type":"BPE"}}`:                                    `pre_tokenizer of type "Martian"`,
		`{"post_processor":{"type":"Martian"},"model":{"type":"BPE"}}`:                                   `post_processor of type "Martian"`,
		`{"pre_tokenizer":{"type":"Split"},"model":{"type":"BPE"}}`:                                      "without a pattern",
		`{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}`:                                      "merge 0",
		`{"model":{"type":"BPE","vocab":{"a":0},"merges":[3]}}`:                                          "merge 0",
		`{"model":{"type":"BPE","unk_token":"?","vocab":{"a":0}}}`:                                       "unk_token",
		`{"model":{"type":"Unigram","unk_id":7,"vocab":[["a",-1]]}}`:                                     "unk_id 7",
		`{"model":{"type":"Unigram","vocab":[["a"]]}}`:                                                   "entry 0",
		`{"model":{"type":"Unigram","byte_fallback":true,"vocab":[["a",-1]]}}`:                           "<0x00>",
		`{"normalizer":{"type":"Precompiled","precompiled_charsmap":"////fw=="},"model":{"type":"BPE"}}`: "precompiled_charsmap",
		`{`: "tokenizer.json",
	} {
		if _, err := openPipeline([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", file, err, want)
		}
	}
}

func TestPipelineLongWord(t *testing.T) {
	word := strings.Repeat("a", 3<<20)
	for _, name := range []string{"unigram", "bpe"} {
		tok := openDir(t, "testdata/"+name+".json.gz")
		if got := tok.Encode(word, 256); len(got) != 256 {
			t.Errorf("%s: %d tokens of a long word, want 256", name, len(got))
		}
	}
}

func FuzzPipelineText(f *testing.F) {
	f.Add("don't  stop \u0301\u200d <s>")
	f.Add("\xff\xfe ab")
	unigram, bpe := openDir(f, "testdata/unigram.json.gz"), openDir(f, "testdata/bpe.json.gz")
	f.Fuzz(func(t *testing.T, text string) {
		for _, tok := range []Tokenizer{unigram, bpe} {
			ids := tok.Encode(text, 1<<20)
			for _, id := range ids {
				if id < 0 || int(id) >= tok.VocabSize() {
					t.Fatalf("id %d of %d", id, tok.VocabSize())
				}
			}
			if n := tok.CountTokens(text); utf8.ValidString(text) && n+2 != len(ids) {
				t.Fatalf("counted %d, encoded %d", n, len(ids))
			}
		}
	})
}

func FuzzOpenPipeline(f *testing.F) {
	f.Add([]byte(tinyBPE))
	f.Add([]byte(`{"model":{"type":"Unigram","unk_id":0,"vocab":[["?",0],["a",-1.5],["ab",-2]]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if tok, err := openPipeline(data); err == nil {
			tok.Encode("ab Cd 12 \u00e9", 64)
		}
	})
}
