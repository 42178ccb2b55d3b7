package segment

import (
	"cmp"
	"sort"
	"strings"

	"github.com/quarry-search/quarry/internal/filter"
)

// column lists, for each of its values, the documents that hold it.
type column struct {
	values table    // ascending
	starts []uint32 // [values+1] first entry of docs
	docs   []uint32 // ascending within a value
}

func (c *column) size() int { return c.values.size() + 4*(len(c.starts)+len(c.docs)) }

// Column holds one attribute key: a document may hold any kind there, and a
// list stands as each of its elements.
type Column struct {
	column
	present []uint32 // documents that have the key, ascending
	places  places
}

func (c *Column) size() int { return c.column.size() + 4*len(c.present) }

// Present adds to set the documents that have the key.
func (c *Column) Present(set Bits) {
	for _, doc := range c.present {
		set.Set(doc)
	}
}

// In reports whether a document of set has the key.
func (c *Column) In(set Bits) bool {
	for _, doc := range c.present {
		if set.Get(doc) {
			return true
		}
	}
	return false
}

// add adds to set the documents with one of the values from up to to.
func (c *column) add(set Bits, from, to int) {
	if from >= to {
		return
	}
	for _, doc := range c.docs[c.starts[from]:c.starts[to]] {
		set.Set(doc)
	}
}

// equal adds the documents that hold the value with this key.
func (c *column) equal(set Bits, key string) {
	if i, ok := c.values.find(key); ok {
		c.add(set, i, i+1)
	}
}

// prefix adds the documents with a value whose key starts so.
func (c *column) prefix(set Bits, prefix string) {
	from, _ := c.values.find(prefix)
	to := from + sort.Search(c.values.len()-from, func(i int) bool { return !strings.HasPrefix(c.values.get(from+i), prefix) })
	c.add(set, from, to)
}

// compare adds the documents with a value of v's kind that stands to v as op
// says.
func (c *column) compare(set Bits, op filter.Op, v filter.Value) {
	if k := v.Kind(); k == filter.None || k == filter.List {
		return
	}
	key := valueKey(v)
	first, _ := c.values.find(key[:1])
	last, _ := c.values.find(string(key[0] + 1))
	at, found := c.values.find(key)
	after := at
	if found {
		after++
	}
	switch op {
	case filter.Lt:
		c.add(set, first, at)
	case filter.Lte:
		c.add(set, first, after)
	case filter.Gt:
		c.add(set, after, last)
	case filter.Gte:
		c.add(set, at, last)
	}
}

// pair is one document's value while a column is built.
type pair struct {
	value string
	doc   uint32
}

// makeColumn sorts pairs; a document that holds a value twice stands once.
func makeColumn(pairs []pair) column {
	sortYielding(pairs, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.value, b.value), cmp.Compare(a.doc, b.doc))
	})
	var c column
	for i, p := range pairs {
		if i > 0 && p == pairs[i-1] {
			continue
		}
		if i == 0 || p.value != pairs[i-1].value {
			c.values.add(p.value)
			c.starts = append(c.starts, uint32(len(c.docs)))
		}
		c.docs = append(c.docs, p.doc)
	}
	c.starts = append(c.starts, uint32(len(c.docs)))
	return c
}
