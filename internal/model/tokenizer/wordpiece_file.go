package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// wordPieceConfig is the header line of a compiled WordPiece tokenizer; the
// vocabulary follows, a token a line in order of ids.
type wordPieceConfig struct {
	Kind         string `json:"kind"`
	CleanText    bool   `json:"clean_text"`
	ChineseChars bool   `json:"chinese_chars"`
	StripAccents bool   `json:"strip_accents"`
	Lowercase    bool   `json:"lowercase"`
	Prefix       string `json:"prefix"`
	MaxChars     int    `json:"max_chars"`
	Unknown      string `json:"unknown"`
	Start        string `json:"start"`
	End          string `json:"end"`
}

// tokenizerJSON is the part of a tokenizer.json that WordPiece uses.
type tokenizerJSON struct {
	AddedTokens []struct {
		ID      int    `json:"id"`
		Content string `json:"content"`
		Special bool   `json:"special"`
	} `json:"added_tokens"`
	Normalizer *struct {
		Type               string `json:"type"`
		CleanText          bool   `json:"clean_text"`
		HandleChineseChars bool   `json:"handle_chinese_chars"`
		StripAccents       *bool  `json:"strip_accents"`
		Lowercase          bool   `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer *struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Model         struct {
		UnkToken string         `json:"unk_token"`
		Prefix   string         `json:"continuing_subword_prefix"`
		MaxChars int            `json:"max_input_chars_per_word"`
		Vocab    map[string]int `json:"vocab"`
	} `json:"model"`
}

func compileWordPiece(raw []byte) ([]byte, error) {
	var f tokenizerJSON
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("read tokenizer.json: %w", err)
	}
	start, end, ok := bertTemplate(f.PostProcessor)
	if !ok || !f.isBERT() {
		return compilePipeline(raw)
	}
	c := wordPieceConfig{
		CleanText: f.Normalizer.CleanText, ChineseChars: f.Normalizer.HandleChineseChars,
		StripAccents: f.Normalizer.Lowercase, Lowercase: f.Normalizer.Lowercase,
		Prefix: f.Model.Prefix, MaxChars: f.Model.MaxChars, Unknown: f.Model.UnkToken, Start: start, End: end,
	}
	if f.Normalizer.StripAccents != nil {
		c.StripAccents = *f.Normalizer.StripAccents
	}
	for _, t := range f.AddedTokens {
		if _, ok := f.Model.Vocab[t.Content]; !ok {
			f.Model.Vocab[t.Content] = t.ID
		}
	}
	vocab, err := byID(f.Model.Vocab)
	if err != nil {
		return nil, err
	}
	return writeWordPiece(c, vocab)
}

// isBERT reports whether everything is as in BERT, which has a tokenizer of
// its own here. Others go through the pipeline, which is slower.
func (f *tokenizerJSON) isBERT() bool {
	for _, t := range f.AddedTokens {
		if !t.Special {
			return false // it would be looked for in the text
		}
	}
	return f.Normalizer != nil && f.Normalizer.Type == "BertNormalizer" && f.PreTokenizer != nil && f.PreTokenizer.Type == "BertPreTokenizer" &&
		f.Model.Prefix != "" && f.Model.MaxChars > 0
}

// bertTemplate reads the special tokens of `start A end` and
// `start A end B end`; ok is false for any other template.
func bertTemplate(raw json.RawMessage) (start, end string, ok bool) {
	p, ok, err := readPart(raw)
	if err != nil || !ok {
		return "", "", false
	}
	switch p.Type {
	case "TemplateProcessing":
		return bertPieces(p)
	case "BertProcessing":
		var cls, sep []json.RawMessage
		if json.Unmarshal(p.CLS, &cls) != nil || json.Unmarshal(p.Sep, &sep) != nil || len(cls) != 2 || len(sep) != 2 {
			return "", "", false
		}
		ok := json.Unmarshal(cls[0], &start) == nil && json.Unmarshal(sep[0], &end) == nil
		return start, end, ok
	}
	return "", "", false
}

// bertPieces compares a template with BERT's, piece by piece.
func bertPieces(p part) (start, end string, ok bool) {
	spell := func(pieces []templatePiece) (out []string) {
		for _, q := range pieces {
			switch {
			case q.SpecialToken != nil:
				out = append(out, fmt.Sprintf("%s:%d", q.SpecialToken.ID, q.SpecialToken.TypeID))
			case q.Sequence != nil:
				out = append(out, fmt.Sprintf("$%s:%d", q.Sequence.ID, q.Sequence.TypeID))
			}
		}
		return out
	}
	if len(p.Single) != 3 || p.Single[0].SpecialToken == nil || p.Single[2].SpecialToken == nil {
		return "", "", false
	}
	start, end = p.Single[0].SpecialToken.ID, p.Single[2].SpecialToken.ID
	return start, end, slices.Equal(spell(p.Single), []string{start + ":0", "$A:0", end + ":0"}) &&
		slices.Equal(spell(p.Pair), []string{start + ":0", "$A:0", end + ":0", "$B:1", end + ":1"})
}

func byID(vocab map[string]int) ([]string, error) {
	size := 0
	for _, id := range vocab {
		size = max(size, id+1)
	}
	if size > 2*len(vocab)+1024 {
		return nil, fmt.Errorf("read tokenizer: %d tokens but ids up to %d", len(vocab), size-1)
	}
	tokens := make([]string, size)
	for t, id := range vocab {
		if id < 0 || tokens[id] != "" {
			return nil, fmt.Errorf("read tokenizer: id %d of token %q is negative or used twice", id, t)
		}
		tokens[id] = t
	}
	return tokens, nil
}

// compileVocabTxt reads the older layout.
func compileVocabTxt(dir fs.FS) ([]byte, error) {
	raw, err := fs.ReadFile(dir, "vocab.txt")
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: neither tokenizer.json nor vocab.txt: %w", err)
	}
	var f struct {
		DoLowerCase  *bool  `json:"do_lower_case"`
		ChineseChars *bool  `json:"tokenize_chinese_chars"`
		StripAccents *bool  `json:"strip_accents"`
		Unknown      string `json:"unk_token"`
		Start        string `json:"cls_token"`
		End          string `json:"sep_token"`
	}
	switch cfg, err := fs.ReadFile(dir, "tokenizer_config.json"); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read tokenizer_config.json: %w", err)
	default:
		if err := json.Unmarshal(cfg, &f); err != nil {
			return nil, fmt.Errorf("read tokenizer_config.json: %w", err)
		}
	}
	or := func(p *bool, def bool) bool {
		if p == nil {
			return def
		}
		return *p
	}
	text := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	lower := or(f.DoLowerCase, true)
	c := wordPieceConfig{
		CleanText: true, ChineseChars: or(f.ChineseChars, true), StripAccents: or(f.StripAccents, lower), Lowercase: lower,
		Prefix: "##", MaxChars: 100, Unknown: text(f.Unknown, "[UNK]"), Start: text(f.Start, "[CLS]"), End: text(f.End, "[SEP]"),
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n"), "\n")
	return writeWordPiece(c, lines)
}

func writeWordPiece(c wordPieceConfig, vocab []string) ([]byte, error) {
	c.Kind = "wordpiece"
	var out bytes.Buffer
	line, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write tokenizer: %w", err)
	}
	out.Write(line)
	for i, t := range vocab {
		if strings.Contains(t, "\n") {
			return nil, fmt.Errorf("write tokenizer: token %d holds a line break", i)
		}
		out.WriteByte('\n')
		out.WriteString(t)
	}
	if _, err := openWordPiece(line, strings.Join(vocab, "\n")); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
