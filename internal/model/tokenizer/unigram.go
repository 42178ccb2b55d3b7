package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram is the unigram language model of SentencePiece (Kudo 2018): the
// segmentation of a piece with the highest sum of token scores.
type unigram struct {
	trie     *trie
	scores   []float64
	unk      int32
	unkScore float64
	bytes    *[256]int32 // byte fallback, nil without
	cache    *cache
}

// unkPenalty is how much an unknown character costs below the worst token.
const unkPenalty = 10

func newUnigram(raw json.RawMessage) (*unigram, map[string]int32, error) {
	var m struct {
		UnkID        *int32               `json:"unk_id"`
		Vocab        [][2]json.RawMessage `json:"vocab"`
		ByteFallback bool                 `json:"byte_fallback"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, nil, fmt.Errorf("tokenizer.json: Unigram model: %w", err)
	}
	keys := make([]string, len(m.Vocab))
	u := &unigram{scores: make([]float64, len(m.Vocab)), unk: -1, cache: newCache()}
	values := make([]int32, len(m.Vocab))
	ids := make(map[string]int32, len(m.Vocab))
	lowest := math.Inf(1)
	for i, entry := range m.Vocab {
		if json.Unmarshal(entry[0], &keys[i]) != nil || json.Unmarshal(entry[1], &u.scores[i]) != nil {
			return nil, nil, fmt.Errorf("tokenizer.json: Unigram vocabulary entry %d is not [token, score]", i)
		}
		values[i] = int32(i)
		ids[keys[i]] = int32(i)
		lowest = min(lowest, u.scores[i])
	}
	if m.UnkID != nil {
		if *m.UnkID < 0 || int(*m.UnkID) >= len(m.Vocab) {
			return nil, nil, fmt.Errorf("tokenizer.json: unk_id %d is outside the vocabulary", *m.UnkID)
		}
		u.unk = *m.UnkID
	}
	u.unkScore = lowest - unkPenalty
	u.trie = newTrie(keys, values)
	if m.ByteFallback {
		table, err := byteTokens(ids)
		if err != nil {
			return nil, nil, err
		}
		u.bytes = table
	}
	return u, ids, nil
}

// byteTokens finds the tokens <0x00> to <0xFF>.
func byteTokens(ids map[string]int32) (*[256]int32, error) {
	var table [256]int32
	for b := range table {
		name := fmt.Sprintf("<0x%02X>", b)
		id, ok := ids[name]
		if !ok {
			return nil, fmt.Errorf("tokenizer.json: byte_fallback without a token %s", name)
		}
		table[b] = id
	}
	return &table, nil
}

func (u *unigram) encode(dst []int32, piece string) []int32 {
	return u.cache.do(dst, piece, u.viterbi)
}

// arrival is the best way found to one byte position.
type arrival struct {
	score float64
	from  int32
	id    int32
}

func (u *unigram) viterbi(dst []int32, piece string) []int32 {
	best := make([]arrival, len(piece)+1)
	for i := range best {
		best[i].from = -1
	}
	best[0].from = 0
	for start := 0; start < len(piece); {
		_, size := utf8.DecodeRuneInString(piece[start:])
		u.extend(best, piece, start, size)
		start += size
	}
	return u.trace(dst, best, piece)
}

// extend tries every token that starts at start, and the unknown token when no
// token covers exactly its first character.
func (u *unigram) extend(best []arrival, piece string, start, size int) {
	here := best[start].score
	whole := false
	node, ok := int32(0), true
	for end := start; end < len(piece); {
		if node, ok = u.trie.step(node, piece[end]); !ok {
			break
		}
		end++
		id := u.trie.nodes[node].value
		if id < 0 {
			continue
		}
		score := here + u.scores[id]
		if b := &best[end]; b.from < 0 || score > b.score {
			*b = arrival{score, int32(start), id}
		}
		whole = whole || end == start+size
	}
	if whole {
		return
	}
	if b := &best[start+size]; b.from < 0 || here+u.unkScore > b.score {
		*b = arrival{here + u.unkScore, int32(start), -1}
	}
}

// isUnknown reports whether a piece of the best way is what no token covers,
// or the unknown token's own name.
func (u *unigram) isUnknown(a arrival) bool { return a.id < 0 || a.id == u.unk }

// trace walks back from the end; neighbouring unknown pieces are one unknown
// token, or the tokens of their bytes, unless together they spell a token.
func (u *unigram) trace(dst []int32, best []arrival, piece string) []int32 {
	from := len(dst)
	for end := int32(len(piece)); end > 0; {
		a := best[end]
		if !u.isUnknown(a) {
			dst = append(dst, a.id)
			end = a.from
			continue
		}
		start := a.from
		for start > 0 && u.isUnknown(best[start]) {
			start = best[start].from
		}
		id, spelled := u.trie.find(piece[start:end])
		switch {
		case spelled:
			dst = append(dst, id)
		case u.bytes != nil:
			for i := end - 1; i >= start; i-- {
				dst = append(dst, u.bytes[piece[i]])
			}
		case u.unk >= 0:
			dst = append(dst, u.unk)
		}
		end = start
	}
	for i, j := from, len(dst)-1; i < j; i, j = i+1, j-1 {
		dst[i], dst[j] = dst[j], dst[i]
	}
	return dst
}
