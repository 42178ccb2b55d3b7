package retrieve

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"github.com/quarry-search/quarry/internal/rag"
)

// sentenceBatch is how many sentences are embedded in one call: what a
// deadline cuts short loses at most that many.
const sentenceBatch = 32

// entryOverhead is what a cached vector costs beside its numbers.
const entryOverhead = 160

// SentenceVectors embeds sentences and keeps the vectors most recently used,
// by text hash, within a budget of bytes. Safe for concurrent use.
type SentenceVectors struct {
	embedder Embedder
	maxBytes int64

	mu      sync.Mutex // guards the rest
	entries map[rag.Hash]*list.Element
	recent  *list.List // of *sentenceVector, most recently used first
	bytes   int64
}

type sentenceVector struct {
	hash   rag.Hash
	vector []float32
}

// NewSentenceVectors returns an empty cache of at most maxBytes.
func NewSentenceVectors(e Embedder, maxBytes int64) *SentenceVectors {
	return &SentenceVectors{
		embedder: e, maxBytes: maxBytes,
		entries: map[rag.Hash]*list.Element{}, recent: list.New(),
	}
}

// Vectors returns the unit vectors of texts, [len(texts)][dim]. When ctx ends
// first, what was computed by then stays cached for the next call.
func (v *SentenceVectors) Vectors(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	missing := map[rag.Hash][]int{} // places that want this text
	var order []rag.Hash
	for i, text := range texts {
		hash := rag.TextHash("", text)
		if vectors[i] = v.get(hash); vectors[i] != nil {
			continue
		}
		if missing[hash] == nil {
			order = append(order, hash)
		}
		missing[hash] = append(missing[hash], i)
	}
	for start := 0; start < len(order); start += sentenceBatch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		hashes := order[start:min(start+sentenceBatch, len(order))]
		batch := make([]string, len(hashes))
		for i, hash := range hashes {
			batch[i] = texts[missing[hash][0]]
		}
		computed, err := v.embedder.Embed(ctx, rag.EmbedPassage, batch)
		if err != nil {
			return nil, fmt.Errorf("embed sentences: %w", err)
		}
		if len(computed) != len(batch) {
			return nil, fmt.Errorf("embed sentences: %d vectors for %d texts", len(computed), len(batch))
		}
		for i, hash := range hashes {
			v.put(hash, computed[i])
			for _, place := range missing[hash] {
				vectors[place] = computed[i]
			}
		}
	}
	return vectors, nil
}

// Bytes returns how much the cache holds.
func (v *SentenceVectors) Bytes() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.bytes
}

func (v *SentenceVectors) get(hash rag.Hash) []float32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.entries[hash]
	if !ok {
		return nil
	}
	v.recent.MoveToFront(e)
	return e.Value.(*sentenceVector).vector
}

func (v *SentenceVectors) put(hash rag.Hash, vector []float32) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.entries[hash]; ok {
		return
	}
	v.entries[hash] = v.recent.PushFront(&sentenceVector{hash, vector})
	v.bytes += cost(vector)
	for v.bytes > v.maxBytes && v.recent.Len() > 0 {
		last := v.recent.Back()
		old := v.recent.Remove(last).(*sentenceVector)
		delete(v.entries, old.hash)
		v.bytes -= cost(old.vector)
	}
}

func cost(vector []float32) int64 { return int64(4*len(vector)) + entryOverhead }
