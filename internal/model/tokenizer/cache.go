package tokenizer

import (
	"hash/maphash"
	"sync/atomic"
)

// cache remembers the tokens of words that were seen before: a direct-mapped
// table, so that its memory is bounded and a lookup takes no lock. Words longer
// than maxCached are not kept.
type cache struct {
	seed  maphash.Seed
	slots [1 << 14]atomic.Pointer[cached]
}

type cached struct {
	word string
	ids  []int32
}

const maxCached = 48 // bytes

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

func (c *cache) slot(word string) *atomic.Pointer[cached] {
	return &c.slots[maphash.String(c.seed, word)%uint64(len(c.slots))]
}

// do appends the tokens of word to dst, by encode when they are not remembered.
func (c *cache) do(dst []int32, word string, encode func(dst []int32, word string) []int32) []int32 {
	if len(word) > maxCached {
		return encode(dst, word)
	}
	slot := c.slot(word)
	if e := slot.Load(); e != nil && e.word == word {
		return append(dst, e.ids...)
	}
	from := len(dst)
	dst = encode(dst, word)
	// Copies: word may be a piece of a large text.
	slot.Store(&cached{word: string([]byte(word)), ids: append([]int32(nil), dst[from:]...)})
	return dst
}
