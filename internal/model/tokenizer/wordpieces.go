package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// wordPieces cuts a word into the longest known pieces, from its start.
type wordPieces struct {
	words    map[string]int32 // pieces that start a word
	parts    map[string]int32 // pieces that continue one, without prefix
	longest  int              // bytes of the longest piece
	maxChars int              // longer words are unknown
	unknown  int32
}

// append adds the ids of a word; a word that cannot be put together is one
// unknown token.
func (w *wordPieces) append(ids []int32, word []byte) []int32 {
	if len(word) > w.maxChars && utf8.RuneCount(word) > w.maxChars {
		return append(ids, w.unknown)
	}
	if id, ok := w.words[string(word)]; ok {
		return append(ids, id)
	}
	base, vocab := len(ids), w.words
	for start := 0; start < len(word); {
		end := min(len(word), start+w.longest)
		for end < len(word) && !utf8.RuneStart(word[end]) {
			end--
		}
		id, ok := int32(0), false
		for end > start {
			if id, ok = vocab[string(word[start:end])]; ok {
				break
			}
			end--
			for end > start && !utf8.RuneStart(word[end]) {
				end--
			}
		}
		if !ok {
			return append(ids[:base], w.unknown)
		}
		ids = append(ids, id)
		start, vocab = end, w.parts
	}
	return ids
}

// wordPieceModel is the WordPiece model of a pipeline: any normalizer and
// pre-tokenizer may stand before it. WordPiece is the quick form of BERT's.
type wordPieceModel struct {
	wordPieces
	cache *cache
}

func newWordPieceModel(raw json.RawMessage) (*wordPieceModel, map[string]int32, error) {
	var m struct {
		Unknown  string           `json:"unk_token"`
		Prefix   *string          `json:"continuing_subword_prefix"`
		MaxChars *int             `json:"max_input_chars_per_word"`
		Vocab    map[string]int32 `json:"vocab"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, nil, fmt.Errorf("tokenizer.json: WordPiece model: %w", err)
	}
	prefix, most := "##", 100
	if m.Prefix != nil {
		prefix = *m.Prefix
	}
	if m.MaxChars != nil {
		most = *m.MaxChars
	}
	unknown, ok := m.Vocab[m.Unknown]
	if !ok {
		return nil, nil, fmt.Errorf("tokenizer.json: unk_token %q is not in the vocabulary", m.Unknown)
	}
	w := &wordPieceModel{wordPieces{words: m.Vocab, parts: map[string]int32{}, maxChars: most, unknown: unknown}, newCache()}
	ids := make(map[string]int32, len(m.Vocab))
	for token, id := range m.Vocab {
		if id < 0 {
			return nil, nil, fmt.Errorf("tokenizer.json: token %q has the id %d", token, id)
		}
		ids[token] = id
		w.longest = max(w.longest, len(token))
		if part, ok := strings.CutPrefix(token, prefix); ok {
			w.parts[part] = id
		}
	}
	return w, ids, nil
}

func (w *wordPieceModel) encode(dst []int32, piece string) []int32 {
	return w.cache.do(dst, piece, func(dst []int32, word string) []int32 { return w.append(dst, []byte(word)) })
}
