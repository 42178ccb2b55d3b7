package tokenizer

import "sort"

// trie maps byte strings to values and finds all keys that are prefixes of a
// text. It is a double array (Aoe 1989): the child of node s by byte c stands
// at base[s]+c+1 if check there is s.
type trie struct {
	nodes []trieNode
}

type trieNode struct {
	base  int32
	check int32 // parent node, -1 when free
	value int32 // -1 when no key ends here
}

// newTrie builds a trie of keys, each with the value at its index.
func newTrie(keys []string, values []int32) *trie {
	order := make([]int, 0, len(keys))
	for i, k := range keys {
		if k != "" {
			order = append(order, i)
		}
	}
	sort.Slice(order, func(a, b int) bool { return keys[order[a]] < keys[order[b]] })
	b := trieBuilder{keys: keys, values: values, order: order}
	b.grow(1024)
	b.nodes[0] = trieNode{check: -2, value: -1} // the root is nobody's child
	b.build(0, 0, len(order), 0)
	last := len(b.nodes)
	for last > 1 && b.nodes[last-1].check == -1 {
		last--
	}
	return &trie{nodes: b.nodes[:last:last]}
}

type trieBuilder struct {
	keys   []string
	values []int32
	order  []int // indexes into keys, sorted by key
	nodes  []trieNode
	free   int // no free slot below it
}

func (b *trieBuilder) grow(n int) {
	for len(b.nodes) < n {
		b.nodes = append(b.nodes, trieNode{check: -1, value: -1})
	}
}

// build places the children of node, whose keys are order[from:to] and share
// their first depth bytes.
func (b *trieBuilder) build(node int32, from, to, depth int) {
	if from < to && len(b.keys[b.order[from]]) == depth {
		for from < to && len(b.keys[b.order[from]]) == depth {
			b.nodes[node].value = b.values[b.order[from]]
			from++
		}
	}
	if from == to {
		return
	}
	type child struct {
		c        byte
		from, to int
	}
	var children []child
	for i := from; i < to; {
		c, j := b.keys[b.order[i]][depth], i
		for j < to && b.keys[b.order[j]][depth] == c {
			j++
		}
		children = append(children, child{c, i, j})
		i = j
	}
	labels := make([]byte, len(children))
	for i, ch := range children {
		labels[i] = ch.c
	}
	base := b.place(labels)
	b.nodes[node].base = base
	for _, c := range labels {
		b.nodes[base+int32(c)+1] = trieNode{check: node, value: -1}
	}
	for _, ch := range children {
		b.build(base+int32(ch.c)+1, ch.from, ch.to, depth+1)
	}
}

// place finds a base at which the slots of all labels are free.
func (b *trieBuilder) place(labels []byte) int32 {
	for b.free < len(b.nodes) && b.nodes[b.free].check != -1 {
		b.free++
	}
	first := int(labels[0]) + 1
	tries := 0
	for slot := max(b.free, first); ; slot++ {
		b.grow(slot + 258)
		// A crowded region is given up for good: a little space for much time.
		// Slots in use count too: one free slot at the start that fits nothing
		// would have every search walk over all that follow it.
		if tries++; tries > 200 {
			b.free = slot
		}
		if b.nodes[slot].check != -1 || slot == 0 {
			continue
		}
		base := slot - first
		if base >= 0 && b.fits(base, labels) {
			return int32(base)
		}
	}
}

func (b *trieBuilder) fits(base int, labels []byte) bool {
	for _, c := range labels {
		if b.nodes[base+int(c)+1].check != -1 {
			return false
		}
	}
	return true
}

// step goes from node by byte c; ok is false where no key goes on.
func (t *trie) step(node int32, c byte) (next int32, ok bool) {
	next = t.nodes[node].base + int32(c) + 1
	return next, int(next) < len(t.nodes) && t.nodes[next].check == node
}

// find returns the value of key.
func (t *trie) find(key string) (value int32, ok bool) {
	node := int32(0)
	for i := range len(key) {
		if node, ok = t.step(node, key[i]); !ok {
			return 0, false
		}
	}
	value = t.nodes[node].value
	return value, value >= 0
}
