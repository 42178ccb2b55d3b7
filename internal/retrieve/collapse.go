package retrieve

import (
	"hash/maphash"
	"slices"
	"strings"
	"unicode"

	"github.com/quarry-search/quarry/internal/rag"
)

// Texts collapse when at least this share of their word runs is common to
// both (Jaccard), and every word that carries a digit is.
const (
	nearDuplicate = 0.95
	shingleWords  = 3
)

// collapser finds near-duplicates among the texts added to it.
type collapser struct {
	seed  maphash.Seed
	kept  []fingerprint
	exact map[rag.Hash]int // by text hash: place in kept
	same  map[uint64][]int // by hash of the numbers: places in kept
}

// fingerprint is what two texts are compared by. Numbers stand apart: reports
// of two years, or two rows of a table, differ in little else.
type fingerprint struct {
	shingles []uint64 // sorted, distinct
	numbers  uint64   // of the words with digits, in order
}

// add compares a chunk with those kept. It returns the place of the first
// that it duplicates, else keeps it, unless full says that no more are wanted.
func (c *collapser) add(chunk rag.Chunk, full bool) (of int, duplicate bool) {
	if c.exact == nil {
		c.seed, c.exact, c.same = maphash.MakeSeed(), map[rag.Hash]int{}, map[uint64][]int{}
	}
	if of, ok := c.exact[chunk.TextHash]; ok {
		return of, true
	}
	f := c.fingerprint(chunk.Text)
	for _, i := range c.same[f.numbers] {
		if similar(c.kept[i].shingles, f.shingles) {
			return i, true
		}
	}
	if !full {
		place := len(c.kept)
		c.kept = append(c.kept, f)
		c.exact[chunk.TextHash] = place
		c.same[f.numbers] = append(c.same[f.numbers], place)
	}
	return 0, false
}

// fingerprint keeps signs with their words: in code they carry the meaning.
func (c *collapser) fingerprint(text string) fingerprint {
	var words []uint64
	var f fingerprint
	var numbers maphash.Hash
	numbers.SetSeed(c.seed)
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		if strings.ContainsFunc(w, unicode.IsNumber) {
			numbers.WriteString(w)
			numbers.WriteByte(' ')
		}
		words = append(words, maphash.String(c.seed, w))
	}
	f.numbers = numbers.Sum64()
	for i := range max(1, len(words)-shingleWords+1) {
		run := uint64(0)
		for _, w := range words[i:min(i+shingleWords, len(words))] {
			run = run*0x9e3779b97f4a7c15 + w // depends on the order
		}
		f.shingles = append(f.shingles, run)
	}
	slices.Sort(f.shingles)
	f.shingles = slices.Compact(f.shingles)
	return f
}

// similar reports whether the Jaccard index of two sorted sets reaches
// nearDuplicate. It stops as soon as the sets differ in too much.
func similar(a, b []uint64) bool {
	total := len(a) + len(b)
	// |a∩b|/|a∪b| ≥ t  ⇔  elements in one set only ≤ total·(1-t)/(1+t)
	allowed := int(float64(total)*(1-nearDuplicate)/(1+nearDuplicate) + 1e-9)
	differ := 0
	for len(a) > 0 && len(b) > 0 && differ <= allowed {
		switch {
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
		case a[0] < b[0]:
			a = a[1:]
			differ++
		default:
			b = b[1:]
			differ++
		}
	}
	return differ+len(a)+len(b) <= allowed
}
