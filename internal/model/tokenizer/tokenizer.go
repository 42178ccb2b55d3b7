package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// Tokenizer splits text as one model was trained to see it. Safe for
// concurrent use.
type Tokenizer interface {
	// Encode returns the ids of text between the model's special tokens, at
	// most maxTokens in all: the text's tail is cut off.
	Encode(text string, maxTokens int) []int32
	// EncodePair joins a and b as a cross-encoder sees them and says at which
	// id the second segment starts. The longer of the two is cut first.
	EncodePair(a, b string, maxTokens int) (ids []int32, second int)
	// CountTokens counts the ids of text without special tokens or a limit.
	CountTokens(text string) int
	// VocabSize is one more than the greatest id.
	VocabSize() int
}

// header is the first line of compiled bytes; what follows it belongs to the
// kind.
type header struct {
	Kind string `json:"kind"`
}

// Compile reads the tokenizer of a model directory as published: its
// tokenizer.json, or vocab.txt with tokenizer_config.json. Equal input gives
// equal bytes.
func Compile(dir fs.FS) ([]byte, error) {
	raw, err := fs.ReadFile(dir, "tokenizer.json")
	if errors.Is(err, fs.ErrNotExist) {
		return compileVocabTxt(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read tokenizer.json: %w", err)
	}
	var probe struct {
		Model struct {
			Type  string          `json:"type"`
			Vocab json.RawMessage `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(raw, &probe); err != nil {
		return nil, fmt.Errorf("read tokenizer.json: %w", err)
	}
	switch probe.Model.Type {
	case "WordPiece":
		return compileWordPiece(raw)
	case "Unigram", "BPE":
		return compilePipeline(raw)
	}
	return nil, fmt.Errorf("read tokenizer.json: model %q is not supported (WordPiece, Unigram and BPE are)", probe.Model.Type)
}

// Open reads the bytes that Compile made.
func Open(data []byte) (Tokenizer, error) {
	line, rest, ok := bytes.Cut(data, []byte("\n"))
	if !ok {
		return nil, errors.New("read tokenizer: no header line")
	}
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	switch h.Kind {
	case "wordpiece":
		return openWordPiece(line, string(rest))
	case "pipeline":
		return openPipeline(rest)
	}
	return nil, fmt.Errorf("read tokenizer: kind %q is not supported", h.Kind)
}

// truncatePair says how many ids of two segments are kept so that they fill
// at most room: the longer is cut first, then both alike.
func truncatePair(a, b, room int) (int, int) {
	swapped := a > b
	if swapped {
		a, b = b, a
	}
	if a > room {
		b = a
	} else {
		b = min(b, max(a, room-a))
	}
	if a+b > room {
		a = room / 2
		b = a + room%2
	}
	if swapped {
		a, b = b, a
	}
	return a, b
}
