package engine

import (
	"errors"
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/kernel"
)

// Options configure an Engine. The zero value is a good default.
type Options struct {
	// KnownField reports attribute keys that filters may always name, whether
	// a document has them or not; nil for none.
	KnownField func(key string) bool
	BM25       bm25.Params // zero takes bm25.DefaultParams
}

// Engine is an index of many collections. Search and Stats are safe for
// concurrent use, with each other and with Apply; calls of Apply wait for each
// other.
type Engine struct {
	options Options
	state   atomic.Pointer[state]
	mu      sync.Mutex // held by Apply
	queries sync.Pool  // of *denseQuery
}

// ErrNoCollection says that the engine does not know the collection.
var ErrNoCollection = errors.New("no such collection")

// Open makes an engine.
func Open(o Options) *Engine {
	if o.KnownField == nil {
		o.KnownField = func(string) bool { return false }
	}
	if o.BM25 == (bm25.Params{}) {
		o.BM25 = bm25.DefaultParams
	}
	e := &Engine{options: o}
	e.state.Store(&state{seed: maphash.MakeSeed()})
	return e
}

// Kernels names the processor kernels that run.
func Kernels() string { return kernel.Name() }

// Applied is the seq of the last change that is visible.
func (e *Engine) Applied() uint64 { return e.state.Load().seq }

// Stats describe one collection.
type Stats struct {
	Rows, Vectors int64
	Segments      int
	MemoryBytes   int64
}

// Stats returns what the collection holds.
func (e *Engine) Stats(collection string) (Stats, error) {
	v := e.state.Load().view(collection)
	if v == nil {
		return Stats{}, ErrNoCollection
	}
	out := Stats{Segments: len(v.parts)}
	for _, p := range v.parts {
		out.Rows += int64(p.liveRows)
		out.Vectors += int64(p.vectors)
		out.MemoryBytes += p.seg.SizeBytes()
	}
	return out, nil
}

// shards is how many maps the collections are spread over: publishing a batch
// copies only those it touched.
const shards = 256

// state is a snapshot of everything: immutable.
type state struct {
	seq    uint64
	seed   maphash.Seed
	shards [shards]map[string]*view
}

func (s *state) shard(name string) int { return int(maphash.String(s.seed, name) % shards) }

// view returns a collection's view, nil when there is none.
func (s *state) view(name string) *view { return s.shards[s.shard(name)][name] }

// with returns the state after changed, where nil views are dropped.
func (s *state) with(seq uint64, changed map[string]*view) *state {
	next := *s
	next.seq = seq
	copied := map[int]bool{}
	for name, v := range changed {
		i := s.shard(name)
		if !copied[i] {
			copied[i] = true
			next.shards[i] = maps.Clone(s.shards[i])
			if next.shards[i] == nil {
				next.shards[i] = map[string]*view{}
			}
		}
		if v == nil {
			delete(next.shards[i], name)
		} else {
			next.shards[i][name] = v
		}
	}
	return &next
}
