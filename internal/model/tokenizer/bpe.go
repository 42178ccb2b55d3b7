package tokenizer

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding (Sennrich et al. 2016): the neighbouring pair with
// the lowest rank is merged until none is left.
type bpe struct {
	ids       map[string]int32
	merges    map[[2]int32]merge
	byteLevel bool
	byteIDs   [256]int32 // byte level: the token of each byte, -1 for none
	fallback  *[256]int32
	unk       int32
	fuseUnk   bool
	ignore    bool // a piece that is a token is taken whole
	prefix    string
	suffix    string
	cache     *cache
}

type merge struct {
	rank int32
	id   int32
}

func newBPE(raw json.RawMessage, byteLevel bool) (*bpe, error) {
	var m struct {
		Vocab        map[string]int32  `json:"vocab"`
		Merges       []json.RawMessage `json:"merges"`
		Dropout      *float64          `json:"dropout"`
		UnkToken     *string           `json:"unk_token"`
		Prefix       *string           `json:"continuing_subword_prefix"`
		Suffix       *string           `json:"end_of_word_suffix"`
		FuseUnk      bool              `json:"fuse_unk"`
		ByteFallback bool              `json:"byte_fallback"`
		IgnoreMerges bool              `json:"ignore_merges"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("tokenizer.json: BPE model: %w", err)
	}
	b := &bpe{ids: m.Vocab, byteLevel: byteLevel, unk: -1, fuseUnk: m.FuseUnk, ignore: m.IgnoreMerges, cache: newCache()}
	if m.Prefix != nil {
		b.prefix = *m.Prefix
	}
	if m.Suffix != nil {
		b.suffix = *m.Suffix
	}
	if m.UnkToken != nil && *m.UnkToken != "" {
		id, ok := m.Vocab[*m.UnkToken]
		if !ok {
			return nil, fmt.Errorf("tokenizer.json: unk_token %q is not in the vocabulary", *m.UnkToken)
		}
		b.unk = id
	}
	if m.ByteFallback {
		table, err := byteTokens(m.Vocab)
		if err != nil {
			return nil, err
		}
		b.fallback = table
	}
	for c, s := range byteAlphabet {
		b.byteIDs[c] = -1
		if id, ok := m.Vocab[s]; ok {
			b.byteIDs[c] = id
		}
	}
	return b, b.readMerges(m.Merges)
}

// readMerges takes both spellings, "a b" and ["a", "b"].
func (b *bpe) readMerges(raws []json.RawMessage) error {
	b.merges = make(map[[2]int32]merge, len(raws))
	for rank, raw := range raws {
		var pair [2]string
		var line string
		if json.Unmarshal(raw, &line) == nil {
			left, right, ok := strings.Cut(line, " ")
			if !ok {
				return fmt.Errorf("tokenizer.json: merge %d is not a pair", rank)
			}
			pair = [2]string{left, right}
		} else if json.Unmarshal(raw, &pair) != nil {
			return fmt.Errorf("tokenizer.json: merge %d is not a pair", rank)
		}
		left, ok1 := b.ids[pair[0]]
		right, ok2 := b.ids[pair[1]]
		id, ok3 := b.ids[pair[0]+strings.TrimPrefix(pair[1], b.prefix)]
		if !ok1 || !ok2 || !ok3 {
			return fmt.Errorf("tokenizer.json: merge %d names tokens outside the vocabulary", rank)
		}
		b.merges[[2]int32{left, right}] = merge{int32(rank), id}
	}
	return nil
}

func (b *bpe) encode(dst []int32, piece string) []int32 {
	return b.cache.do(dst, piece, b.mergePiece)
}

func (b *bpe) mergePiece(dst []int32, piece string) []int32 {
	if b.ignore {
		if id, ok := b.ids[b.spelled(piece)]; ok {
			return append(dst, id)
		}
	}
	from := len(dst)
	if b.byteLevel {
		for i := 0; i < len(piece); i++ {
			if id := b.byteIDs[piece[i]]; id >= 0 {
				dst = append(dst, id)
			} else {
				dst = b.unknown(dst, from, piece[i:i+1])
			}
		}
	} else {
		dst = b.characters(dst, piece)
	}
	return append(dst[:from], b.mergeAll(dst[from:])...)
}

// spelled writes a piece as the vocabulary does.
func (b *bpe) spelled(piece string) string {
	if !b.byteLevel {
		return piece
	}
	var s strings.Builder
	for i := 0; i < len(piece); i++ {
		s.WriteString(byteAlphabet[piece[i]])
	}
	return s.String()
}

func (b *bpe) characters(dst []int32, piece string) []int32 {
	from := len(dst)
	for i := 0; i < len(piece); {
		_, size := utf8.DecodeRuneInString(piece[i:])
		char := piece[i : i+size]
		name := char
		if i > 0 && b.prefix != "" {
			name = b.prefix + name
		}
		if i += size; i == len(piece) && b.suffix != "" {
			name += b.suffix
		}
		if id, ok := b.ids[name]; ok {
			dst = append(dst, id)
		} else {
			dst = b.unknown(dst, from, char)
		}
	}
	return dst
}

// unknown stands for what no token covers: its bytes, or the unknown token.
func (b *bpe) unknown(dst []int32, from int, s string) []int32 {
	if b.fallback != nil {
		for i := 0; i < len(s); i++ {
			dst = append(dst, b.fallback[s[i]])
		}
		return dst
	}
	if b.unk < 0 || b.fuseUnk && len(dst) > from && dst[len(dst)-1] == b.unk {
		return dst
	}
	return append(dst, b.unk)
}

// quadratic is the length up to which scanning for the best pair anew each
// time beats a queue.
const quadratic = 32

// mergeAll merges ids in place and returns what is left.
func (b *bpe) mergeAll(ids []int32) []int32 {
	if len(ids) > quadratic {
		return b.mergeQueue(ids)
	}
	for len(ids) > 1 {
		at, found := -1, merge{}
		for i := 0; i+1 < len(ids); i++ {
			if m, ok := b.merges[[2]int32{ids[i], ids[i+1]}]; ok && (at < 0 || m.rank < found.rank) {
				at, found = i, m
			}
		}
		if at < 0 {
			break
		}
		ids[at] = found.id
		ids = append(ids[:at+1], ids[at+2:]...)
	}
	return ids
}

// pairAt is a possible merge: by rank, then from left to right.
type pairAt struct {
	merge
	left int32
	pair [2]int32
}

type pairQueue []pairAt

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(i, j int) bool {
	return q[i].rank < q[j].rank || q[i].rank == q[j].rank && q[i].left < q[j].left
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(pairAt)) }
func (q *pairQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// mergeQueue merges long pieces in O(n log n): a linked list of tokens and a
// queue of pairs, in which outdated ones are passed over.
func (b *bpe) mergeQueue(ids []int32) []int32 {
	next := make([]int32, len(ids))
	prev := make([]int32, len(ids))
	for i := range ids {
		next[i], prev[i] = int32(i+1), int32(i-1)
	}
	var queue pairQueue
	offer := func(left int32, push bool) {
		if left < 0 || int(next[left]) >= len(ids) {
			return
		}
		pair := [2]int32{ids[left], ids[next[left]]}
		if m, ok := b.merges[pair]; ok {
			if p := (pairAt{m, left, pair}); push {
				heap.Push(&queue, p)
			} else {
				queue = append(queue, p)
			}
		}
	}
	for i := range ids {
		offer(int32(i), false)
	}
	heap.Init(&queue)
	for len(queue) > 0 {
		p := heap.Pop(&queue).(pairAt)
		right := next[p.left]
		if int(right) >= len(ids) || ids[p.left] != p.pair[0] || ids[right] != p.pair[1] {
			continue
		}
		ids[p.left], ids[right] = p.id, -1
		next[p.left] = next[right]
		if int(next[right]) < len(ids) {
			prev[next[right]] = p.left
		}
		offer(prev[p.left], true)
		offer(p.left, true)
	}
	out := ids[:0]
	for i := int32(0); int(i) < len(ids); i = next[i] {
		out = append(out, ids[i])
	}
	return out
}
