package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// pipeline is a tokenizer as tokenizer.json describes it: added tokens,
// normalizer, pre-tokenizer, model, template of special tokens.
type pipeline struct {
	raw, normalized addedMatcher // tokens looked for before and after normalisation
	normalize       normalizer
	split           preTokenizer
	model           interface {
		encode(dst []int32, piece string) []int32
	}
	single, pair []templateStep
	vocabSize    int
}

// templateStep puts a special token's ids, or a segment, into the output.
type templateStep struct {
	ids     []int32
	segment int // 1 or 2, 0 for ids
	typeID  int32
}

// maxPiece bounds what the model sees at once, in bytes: its tables grow with
// it. Only words that no language has are cut there.
const maxPiece = 256 << 10

// compilePipeline keeps tokenizer.json itself, without its white space.
func compilePipeline(raw []byte) ([]byte, error) {
	out := bytes.NewBufferString(`{"kind":"pipeline"}` + "\n")
	if err := json.Compact(out, raw); err != nil {
		return nil, fmt.Errorf("read tokenizer.json: %w", err)
	}
	if _, err := openPipeline(raw); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func openPipeline(data []byte) (*pipeline, error) {
	var s spec
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("read tokenizer.json: %w", err)
	}
	p := &pipeline{}
	var err error
	if p.normalize, err = newNormalizer(s.Normalizer); err != nil {
		return nil, err
	}
	byteLevel := false
	if p.split, byteLevel, err = newPreTokenizer(s.PreTokenizer); err != nil {
		return nil, err
	}
	ids, err := p.openModel(s.Model, byteLevel)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		p.vocabSize = max(p.vocabSize, int(id)+1)
	}
	for _, t := range s.AddedTokens {
		if t.ID < 0 {
			return nil, fmt.Errorf("read tokenizer.json: added token %q has the id %d", t.Content, t.ID)
		}
		ids[t.Content] = t.ID
		p.vocabSize = max(p.vocabSize, int(t.ID)+1)
		p.add(t)
	}
	if p.single, p.pair, err = newTemplate(s.PostProcessor, ids); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *pipeline) openModel(raw json.RawMessage, byteLevel bool) (ids map[string]int32, err error) {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return nil, fmt.Errorf("read tokenizer.json: model: %w", err)
	}
	switch kind.Type {
	case "Unigram":
		u, ids, err := newUnigram(raw)
		p.model = u
		return ids, err
	case "WordPiece":
		w, ids, err := newWordPieceModel(raw)
		p.model = w
		return ids, err
	case "BPE":
		b, err := newBPE(raw, byteLevel)
		if err != nil {
			return nil, err
		}
		p.model = b
		ids = make(map[string]int32, len(b.ids))
		for token, id := range b.ids {
			ids[token] = id
		}
		return ids, nil
	}
	return nil, unsupported("model", kind.Type)
}

// add makes an added token known. Special ones are left out: written in a
// text they are plain text.
func (p *pipeline) add(t addedToken) {
	switch {
	case t.Special || t.Content == "":
	case t.Normalized:
		if p.normalize != nil {
			t.Content = p.normalize(t.Content)
		}
		p.normalized.add(t)
	default:
		p.raw.add(t)
	}
}

// VocabSize implements Tokenizer.
func (p *pipeline) VocabSize() int { return p.vocabSize }

// CountTokens implements Tokenizer.
func (p *pipeline) CountTokens(text string) int {
	const window = 1024
	var buf [window]int32
	count := 0
	p.pieces(text, func(id int32, piece string) bool {
		if piece == "" {
			count++
		} else {
			count += len(p.model.encode(buf[:0], piece))
		}
		return true
	})
	return count
}

// Encode implements Tokenizer.
func (p *pipeline) Encode(text string, maxTokens int) []int32 {
	ids, _ := p.fill(p.single, [2]string{text}, maxTokens)
	return ids
}

// EncodePair implements Tokenizer.
func (p *pipeline) EncodePair(a, b string, maxTokens int) ([]int32, int) {
	return p.fill(p.pair, [2]string{a, b}, maxTokens)
}

func (p *pipeline) fill(template []templateStep, texts [2]string, maxTokens int) (ids []int32, second int) {
	room := maxTokens
	for _, step := range template {
		room -= len(step.ids)
	}
	room = max(0, room)
	var segments [2][]int32
	for i, text := range texts {
		segments[i] = p.tokens(text, room)
	}
	na, nb := truncatePair(len(segments[0]), len(segments[1]), room)
	segments[0], segments[1] = segments[0][:na], segments[1][:nb]
	ids = make([]int32, 0, na+nb+maxTokens-room)
	second = -1
	for _, step := range template {
		if step.typeID == 1 && second < 0 {
			second = len(ids)
		}
		if step.segment > 0 {
			ids = append(ids, segments[step.segment-1]...)
		} else {
			ids = append(ids, step.ids...)
		}
	}
	if second < 0 {
		second = len(ids)
	}
	return ids[:min(len(ids), max(maxTokens, 0))], second
}

// tokens returns at most limit ids of text, without special tokens.
func (p *pipeline) tokens(text string, limit int) []int32 {
	if text == "" || limit == 0 {
		return nil
	}
	ids := make([]int32, 0, min(limit, len(text)/3+4))
	p.pieces(text, func(id int32, piece string) bool {
		if piece == "" {
			ids = append(ids, id)
		} else {
			ids = p.model.encode(ids, piece)
		}
		return len(ids) < limit
	})
	return ids[:min(len(ids), limit)]
}

// pieces walks the text: yield gets the id of each added token, and each piece
// for the model, until it returns false.
func (p *pipeline) pieces(text string, yield func(id int32, piece string) bool) {
	done := false
	first := true
	emit := func(piece string) {
		for len(piece) > 0 && !done {
			n := len(piece)
			if n > maxPiece {
				for n = maxPiece; n > 0 && !utf8.RuneStart(piece[n]); n-- {
				}
			}
			done = !yield(0, piece[:n])
			piece = piece[n:]
		}
	}
	model := func(s string) {
		if p.split == nil {
			emit(s)
		} else {
			p.split(s, first, emit)
		}
	}
	token := func(id int32) { done = done || !yield(id, "") }
	p.raw.split(text, token, func(s string) {
		if done {
			return
		}
		if p.normalize != nil {
			s = p.normalize(s)
		}
		p.normalized.split(s, token, func(s string) {
			if !done {
				model(s)
			}
			first = false
		})
		first = false
	})
}

// addedMatcher finds added tokens, the longest at the leftmost place.
type addedMatcher struct {
	byFirst [256][]addedToken // longest first
	some    bool
}

func (m *addedMatcher) add(t addedToken) {
	m.some = true
	list := append(m.byFirst[t.Content[0]], t)
	for i := len(list) - 1; i > 0 && len(list[i].Content) > len(list[i-1].Content); i-- {
		list[i], list[i-1] = list[i-1], list[i]
	}
	m.byFirst[t.Content[0]] = list
}

// split calls token for each added token and text for what stands between.
func (m *addedMatcher) split(s string, token func(id int32), text func(string)) {
	last := 0
	if m.some {
		for i := 0; i < len(s); {
			if m.byFirst[s[i]] == nil {
				i++
				continue
			}
			t, ok := m.at(s, i)
			if !ok {
				i++
				continue
			}
			start, end := i, i+len(t.Content)
			if t.LStrip {
				for start > last {
					r, n := utf8.DecodeLastRuneInString(s[last:start])
					if !unicode.IsSpace(r) {
						break
					}
					start -= n
				}
			}
			if t.RStrip {
				for end < len(s) {
					r, n := utf8.DecodeRuneInString(s[end:])
					if !unicode.IsSpace(r) {
						break
					}
					end += n
				}
			}
			if start > last {
				text(s[last:start])
			}
			token(t.ID)
			last, i = end, end
		}
	}
	if last < len(s) {
		text(s[last:])
	}
}

func (m *addedMatcher) at(s string, i int) (addedToken, bool) {
	for _, t := range m.byFirst[s[i]] {
		end := i + len(t.Content)
		if end > len(s) || s[i:end] != t.Content {
			continue
		}
		if t.SingleWord && (endsInWord(s[:i]) || startsWithWord(s[end:])) {
			continue
		}
		return t, true
	}
	return addedToken{}, false
}

func endsInWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}
