package segment

import (
	"math"
	"slices"
	"sync"

	"github.com/quarry-search/quarry/internal/filter"
)

// Count is how many documents hold a value. Key orders as valueKey does, and
// shares memory with the segment: KeyValue reads it.
type Count struct {
	Key  string
	Docs int
}

// KeyValue returns the value that a key of Count or Order stands for.
func KeyValue(key string) filter.Value { return keyValue(key) }

// Counts returns the values that documents in docs hold, ascending by key, and
// how many of docs hold each; a list counts once for each of its elements. It
// looks at each entry of the column once.
func (c *Column) Counts(docs Bits) []Count {
	list := make([]Count, 0, min(c.values.len(), len(c.docs)))
	for i := range c.values.len() {
		n := 0
		for _, doc := range c.docs[c.starts[i]:c.starts[i+1]] {
			n += int(docs[doc>>6] >> (doc & 63) & 1)
		}
		if n > 0 {
			list = append(list, Count{c.values.get(i), n})
		}
	}
	return list
}

// NoPlace is the place of a document without a value: behind all others.
const NoPlace = math.MaxUint32

// Order is the order of a segment's documents by one attribute. A list stands
// where its first element in that order does.
type Order struct {
	column     *Column // nil: no document has the attribute
	places     []uint32
	descending bool
}

// places holds, for each document, the ordinal of its least and of its greatest
// value: made when a column is sorted by for the first time.
type places struct {
	once            sync.Once
	least, greatest []uint32
}

// Order returns the order by an attribute.
func (s *Segment) Order(key string, descending bool) Order {
	c := s.fields[key]
	if c == nil {
		return Order{}
	}
	c.places.once.Do(func() { c.rank(s.Docs()) })
	o := Order{column: c, places: c.places.least, descending: descending}
	if descending {
		o.places = c.places.greatest
	}
	return o
}

func (c *Column) rank(docs int) {
	least := make([]uint32, docs)
	for i := range least {
		least[i] = NoPlace
	}
	several := false // documents hold several values
	c.each(func(value, doc uint32) {
		if least[doc] == NoPlace {
			least[doc] = value
		} else {
			several = true
		}
	})
	greatest := least
	if several {
		greatest = slices.Clone(least)
		c.each(func(value, doc uint32) { greatest[doc] = value })
	}
	c.places.least, c.places.greatest = least, greatest
}

// each calls f with each value and document that holds it, values ascending.
func (c *column) each(f func(value, doc uint32)) {
	for i := range uint32(c.values.len()) {
		for _, doc := range c.docs[c.starts[i]:c.starts[i+1]] {
			f(i, doc)
		}
	}
}

// Place returns where a document stands: the lower the earlier.
func (o *Order) Place(doc uint32) uint32 {
	if o.column == nil {
		return NoPlace
	}
	place := o.places[doc]
	if o.descending && place != NoPlace {
		place = uint32(o.column.values.len()) - 1 - place
	}
	return place
}

// Key returns the key of the value by which a document is ordered; ok is false
// when it has none.
func (o *Order) Key(doc uint32) (key string, ok bool) {
	if o.column == nil || o.places[doc] == NoPlace {
		return "", false
	}
	return o.column.values.get(int(o.places[doc])), true
}
