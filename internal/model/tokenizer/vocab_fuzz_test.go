package tokenizer

import (
	"testing"
	"testing/fstest"
)

// FuzzVocab reads the older layout: a vocabulary and its configuration.
func FuzzVocab(f *testing.F) {
	f.Add([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\n"), []byte(`{"do_lower_case":true}`), "ab \u00e9 b")
	f.Add([]byte("[UNK]\r\n[CLS]\r\n[SEP]\r\n\u00e9\r\n"), []byte(`{"strip_accents":false,"unk_token":"[UNK]"}`), "\xff\u00e9")
	f.Add([]byte("x\ny\nz\n##"), []byte(`{"unk_token":"x","cls_token":"y","sep_token":"z"}`), "##")
	f.Fuzz(func(t *testing.T, vocab, config []byte, text string) {
		compiled, err := Compile(fstest.MapFS{"vocab.txt": {Data: vocab}, "tokenizer_config.json": {Data: config}})
		if err != nil {
			return
		}
		tok, err := Open(compiled)
		if err != nil {
			t.Fatalf("compiled, but does not open: %v", err)
		}
		for _, id := range tok.Encode(text, 64) {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d of %d", id, tok.VocabSize())
			}
		}
	})
}

// FuzzTokenizerJSON compiles any tokenizer.json, as an installation does.
func FuzzTokenizerJSON(f *testing.F) {
	f.Add([]byte(tinyBPE), "ab \u00e9")
	f.Add([]byte(tinyWordPiece), "a\u0301bc 12")
	f.Add([]byte(`{"model":{"type":"Unigram","unk_id":0,"vocab":[["?",0],["a",-1.5],["ab",-2]]},"pre_tokenizer":{"type":"Metaspace","replacement":"\u2581"}}`), "?a")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		compiled, err := Compile(fstest.MapFS{"tokenizer.json": {Data: data}})
		if err != nil {
			return
		}
		tok, err := Open(compiled)
		if err != nil {
			t.Fatalf("compiled, but does not open: %v", err)
		}
		for _, id := range tok.Encode(text, 64) {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("id %d of %d", id, tok.VocabSize())
			}
		}
		tok.CountTokens(text)
		tok.EncodePair(text, "a", 16)
	})
}

const tinyWordPiece = `{"added_tokens":[{"id":7,"content":"@@","normalized":false}],
"normalizer":{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]},
"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Digits","individual_digits":true}]},
"post_processor":{"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]},
"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3,"##b":4,"##c":5,"1":6}}}`

func TestWordPieceBehindOtherNormalizers(t *testing.T) {
	compiled, err := Compile(fstest.MapFS{"tokenizer.json": {Data: []byte(tinyWordPiece)}})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Open(compiled)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int32{
		"\u00c1bC": {1, 3, 4, 5, 2}, "a11": {1, 3, 6, 6, 2}, "abx": {1, 0, 2}, "a@@a": {1, 3, 7, 3, 2}, "[CLS]": {1, 0, 2}, "": {1, 2}, "##b": {1, 4, 2},
	} {
		if got := tok.Encode(text, 100); !equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if ids, second := tok.EncodePair("a", "ab", 100); !equal(ids, []int32{1, 3, 2, 3, 4, 2}) || second != 3 {
		t.Errorf("pair %v second %d", ids, second)
	}
}
