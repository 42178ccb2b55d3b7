package tokenizer

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/rivo/uniseg"
)

// charsmap is SentencePiece's precompiled normalisation: a double-array trie
// (as darts-clone lays it out) from sequences of bytes to offsets into a blob
// of NUL-terminated replacements.
type charsmap struct {
	trie  []uint32
	blob  []byte
	ascii [128]bool // single ASCII characters that no rule starts with
}

// newCharsmap decodes the base64 of precompiled_charsmap: four bytes of
// little-endian trie size, the trie, the blob.
func newCharsmap(encoded string) (*charsmap, error) {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(data) < 4 {
		return nil, fmt.Errorf("tokenizer.json: precompiled_charsmap is not valid base64")
	}
	size := int(binary.LittleEndian.Uint32(data))
	if size%4 != 0 || size <= 0 || size > len(data)-4 {
		return nil, fmt.Errorf("tokenizer.json: precompiled_charsmap says its trie has %d bytes of %d", size, len(data)-4)
	}
	m := &charsmap{trie: make([]uint32, size/4), blob: data[4+size:]}
	for i := range m.trie {
		m.trie[i] = binary.LittleEndian.Uint32(data[4+4*i:])
	}
	for c := range m.ascii {
		_, found := m.replacement(string(rune(c)))
		m.ascii[c] = !found
	}
	return m, nil
}

// replacement looks s up: the rule of its shortest prefix that has one, as the
// reference implementation does.
func (m *charsmap) replacement(s string) (string, bool) {
	offsetOf := func(unit uint32) uint32 { return (unit >> 10) << ((unit & (1 << 9)) >> 6) }
	node := offsetOf(m.trie[0])
	for i := 0; i < len(s); i++ {
		c := uint32(s[i])
		node ^= c
		if int(node) >= len(m.trie) || c == 0 {
			return "", false
		}
		unit := m.trie[node]
		if unit&(1<<31|0xff) != c {
			return "", false
		}
		node ^= offsetOf(unit)
		if int(node) >= len(m.trie) {
			return "", false
		}
		if unit>>8&1 == 1 {
			return m.text(m.trie[node] & (1<<31 - 1))
		}
	}
	return "", false
}

func (m *charsmap) text(offset uint32) (string, bool) {
	if int(offset) >= len(m.blob) {
		return "", false
	}
	rest := m.blob[offset:]
	if end := bytes.IndexByte(rest, 0); end >= 0 {
		rest = rest[:end]
	}
	return string(rest), true
}

// normalize replaces whole grapheme clusters of less than six bytes, else
// single characters.
func (m *charsmap) normalize(s string) string {
	if m.plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	state := -1
	for len(s) > 0 {
		if n := m.plainPrefix(s); n > 1 {
			// The last character stays: a combining mark may follow it.
			b.WriteString(s[:n-1])
			s, state = s[n-1:], -1
		}
		var cluster string
		cluster, s, _, state = uniseg.FirstGraphemeClusterInString(s, state)
		m.writeCluster(&b, cluster)
	}
	return b.String()
}

func (m *charsmap) writeCluster(b *strings.Builder, cluster string) {
	if len(cluster) < 6 {
		if to, ok := m.replacement(cluster); ok {
			b.WriteString(to)
			return
		}
	}
	for i, r := range cluster {
		char := cluster[i : i+runeLen(cluster[i:], r)]
		if to, ok := m.replacement(char); ok {
			b.WriteString(to)
		} else {
			b.WriteString(char)
		}
	}
}

// plain reports whether no rule can touch s; plainPrefix says how far.
func (m *charsmap) plain(s string) bool { return m.plainPrefix(s) == len(s) }

func (m *charsmap) plainPrefix(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || !m.ascii[s[i]] {
			return i
		}
	}
	return len(s)
}
