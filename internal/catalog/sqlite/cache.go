package sqlite

import (
	"container/list"
	"sync"
)

// cache keeps the most recently used values up to a total cost. Values are
// immutable facts under content hashes or keys that never change meaning, so
// nothing is ever invalidated, and nothing in it says who may see them.
type cache[K comparable, V any] struct {
	mu    sync.Mutex
	limit int
	used  int
	order *list.List // of *cached[K, V], most recent first
	byKey map[K]*list.Element
}

type cached[K comparable, V any] struct {
	key   K
	value V
	cost  int
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: limit, order: list.New(), byKey: map[K]*list.Element{}}
}

func (c *cache[K, V]) get(key K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached[K, V]).value, true
}

// clear forgets everything.
func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used, c.order, c.byKey = 0, list.New(), map[K]*list.Element{}
}

// put adds a value; one that costs more than a quarter of the cache is not
// kept, so that a single giant does not empty it.
func (c *cache[K, V]) put(key K, value V, cost int) {
	if cost > c.limit/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] != nil {
		return
	}
	c.byKey[key] = c.order.PushFront(&cached[K, V]{key, value, cost})
	c.used += cost
	for c.used > c.limit {
		last := c.order.Back()
		old := c.order.Remove(last).(*cached[K, V])
		delete(c.byKey, old.key)
		c.used -= old.cost
	}
}
