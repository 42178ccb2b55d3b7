package engine

import (
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/vfs"
)

// Options configure an Engine. The zero value is a good default: an index in
// memory.
type Options struct {
	// FS is the folder that the index lives in, all of it; nil for memory only.
	FS vfs.FS
	// RecallSample is the fraction of dense searches that Run repeats exactly to
	// see what they missed; 0 for none.
	RecallSample float64
	// KeepHistory keeps what documents were before they were replaced or
	// deleted, until Forget drops it: see Query.AsOf. A collection's History
	// may say otherwise.
	KeepHistory bool
	// Head is the seq of the log's last entry when the engine is opened: an
	// index that is ahead of it followed another log, and is emptied. Nil
	// leaves that unchecked.
	Head *uint64
	// Log is the identity of the log, Fingerprint the model of its vectors. An
	// index of another log, or with vectors of another model, is emptied. ""
	// leaves that unchecked.
	Log, Fingerprint string
	// Damaged is told of each file that was found damaged and taken out of the
	// index; nil for nobody. It must return quickly.
	Damaged func(*Problem)
	// Task is told of each flush, merge and graph that ended, by the names in
	// usage.go; nil for nobody. It must return quickly.
	Task func(task string, took time.Duration, err error)
	// ReadOnly leaves the folder as it is: what is applied stays in memory.
	ReadOnly bool
	// KnownField reports attribute keys that filters may always name, whether
	// a document has them or not; nil for none.
	KnownField func(key string) bool
	BM25       bm25.Params // zero takes bm25.DefaultParams
	// FlushBytes is how much may gather in memory before Run writes it; 0
	// takes 32 MiB. At four times as much Apply writes it first, and fails
	// while that fails.
	FlushBytes int64
	// FlushEvery is how long Run leaves a change unwritten; 0 takes 10 s.
	FlushEvery time.Duration
	// GraphRows is from how many rows on a segment gets a graph; 0 takes
	// 50,000: below, a scan is as fast.
	GraphRows int
	// SmallRows is up to how many rows a segment is merged with the next batch
	// rather than with others of its size; 0 takes 1024.
	SmallRows int
}

// Engine is an index of many collections. All methods are safe for concurrent
// use; calls of Apply wait for each other.
type Engine struct {
	options Options
	state   atomic.Pointer[state]
	queries sync.Pool // of *denseQuery
	costs   costs

	lastScorer atomic.Pointer[bm25.Scorer] // nil before the first search by words
	wake       chan struct{}

	gate       sync.RWMutex // held by who reads segments, and by Close alone; before all others
	closed     bool
	recall     recallCounts
	background atomic.Bool // Run runs: merging of large segments is its work
	merged     atomic.Bool // segments changed since the last flush, without a change applied
	unwritten  atomic.Pointer[error]
	recovered  error

	mu      sync.Mutex // held while a state is made and published
	retired []retired
	losses  uint64 // of damaged segments

	log, fingerprint string // of the options, else of the manifest

	flushing sync.Mutex      // held by Flush; before mu where both are
	next     uint64          // number of the next segment file
	flushed  uint64          // seq of the manifest
	graphs   map[string]bool // graph files that no manifest names yet
}

// Errors.
var (
	// ErrNoCollection says that the engine does not know the collection.
	ErrNoCollection = errors.New("no such collection")
	// ErrFlush says that segments or the manifest could not be written.
	ErrFlush = errors.New("write the index")
	// ErrOtherModel is why an index was emptied that is not damaged, but holds
	// vectors of another model.
	ErrOtherModel = errors.New("the index holds vectors of another model")
	// ErrClosed says that the engine was closed.
	ErrClosed = errors.New("the index is closed")

	errAhead    = errors.New("the index is ahead of the log: it followed another one")
	errOtherLog = errors.New("the index belongs to another catalog")
)

// Open opens the index in o.FS, or makes an empty one. An index whose manifest
// is damaged, of another version, of another log or of another model, is
// emptied, for the log to fill it anew: Recovered tells why. Segments that are
// damaged are left out: see Lost.
//
// It reads the manifest and little of each segment; the rest is verified when
// it is first used, or by Run.
func Open(o Options) (*Engine, error) {
	if o.KnownField == nil {
		o.KnownField = func(string) bool { return false }
	}
	if o.BM25 == (bm25.Params{}) {
		o.BM25 = bm25.DefaultParams
	}
	if o.FlushBytes == 0 {
		o.FlushBytes = 32 << 20
	}
	if o.FlushEvery == 0 {
		o.FlushEvery = 10 * time.Second
	}
	if o.SmallRows == 0 {
		o.SmallRows = 1024
	}
	if o.GraphRows == 0 {
		o.GraphRows = 50_000
	}
	e := &Engine{
		options: o, costs: measuredCosts(), wake: make(chan struct{}, 1), next: 1, graphs: map[string]bool{},
		log: o.Log, fingerprint: o.Fingerprint,
		recall: recallCounts{queue: make(chan sample, recallQueue), paths: map[string]Recall{}, colls: map[string]Recall{}},
	}
	e.state.Store(&state{seed: maphash.MakeSeed()})
	if o.FS == nil {
		return e, nil
	}
	if e.recovered = e.load(); e.recovered != nil && !o.ReadOnly {
		if err := e.sweep(nil); err != nil {
			return nil, err
		}
		if err := o.FS.SyncDir(); err != nil {
			return nil, err
		}
	}
	e.flushed = e.Applied()
	return e, nil
}

// Recovered is why Open began with an empty index instead of the one that was
// there; nil if it did not.
func (e *Engine) Recovered() error { return e.recovered }

// Close waits for searches, makes what is visible durable and releases every
// file. Run must have returned.
func (e *Engine) Close() error {
	err := e.Flush()
	if errors.Is(err, ErrClosed) {
		return nil
	}
	e.gate.Lock()
	defer e.gate.Unlock()
	e.closed = true
	e.mu.Lock()
	defer e.mu.Unlock()
	return errors.Join(err, e.closeFiles())
}

// Unwritten is why the last flush failed, as on a full disk; nil after one that
// did not.
func (e *Engine) Unwritten() error {
	if err := e.unwritten.Load(); err != nil {
		return *err
	}
	return nil
}

// Kernels names the processor kernels that run.
func Kernels() string { return kernel.Name() }

// Applied is the seq of the last change that is visible.
func (e *Engine) Applied() uint64 { return e.state.Load().seq }

// Stats describe one collection.
type Stats struct {
	Rows, Vectors int64
	Segments      int
	MemoryBytes   int64 // of segments that have no file yet
	DiskBytes     int64
	GraphRows     int64 // in segments that have a graph
	GraphBytes    int64 // of graphs and of the 8-bit codes that they are searched by
	CodeBytes     int64 // of the 1-bit codes that are scanned
	Recall        Recall
}

// Stats returns what the collection holds.
func (e *Engine) Stats(collection string) (Stats, error) {
	v := e.state.Load().view(collection)
	if v == nil {
		return Stats{}, ErrNoCollection
	}
	out := Stats{Segments: len(v.parts), MemoryBytes: v.memory()}
	e.recall.mu.Lock()
	out.Recall = e.recall.colls[collection]
	e.recall.mu.Unlock()
	for _, p := range v.parts {
		out.Rows += int64(p.liveRows)
		out.Vectors += int64(p.vectors)
		out.CodeBytes += int64(len(p.records()))
		if p.graph != nil {
			out.GraphRows += int64(p.seg.Rows())
			out.GraphBytes += p.graph.SizeBytes() + int64(len(p.graph.codes.Data))
		}
		for _, f := range p.files() {
			out.DiskBytes += f.size
		}
	}
	return out, nil
}
