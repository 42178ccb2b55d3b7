package engine

import (
	"errors"
	"hash/maphash"
	"maps"
	"sync/atomic"
)

// shards is how many maps the collections are spread over: publishing a batch
// copies only those it touched.
const shards = 256

// state is a snapshot of everything: immutable but for its pins.
type state struct {
	seq    uint64
	memory int64 // bytes of segments without a file
	seed   maphash.Seed
	shards [shards]map[string]*view

	pins atomic.Int64 // who reads it
}

func (s *state) shard(name string) int { return int(maphash.String(s.seed, name) % shards) }

// view returns a collection's view, nil when there is none.
func (s *state) view(name string) *view { return s.shards[s.shard(name)][name] }

// each calls f with every collection.
func (s *state) each(f func(name string, v *view)) {
	for i := range s.shards {
		for name, v := range s.shards[i] {
			f(name, v)
		}
	}
}

// with returns the state after changed, where nil views are dropped.
func (s *state) with(seq uint64, changed map[string]*view) *state {
	next := &state{seq: seq, memory: s.memory, seed: s.seed, shards: s.shards}
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
		next.memory += v.memory() - s.view(name).memory()
		if v == nil {
			delete(next.shards[i], name)
		} else {
			next.shards[i][name] = v
		}
	}
	return next
}

// memory is the size of the view's segments that have no file.
func (v *view) memory() int64 {
	if v == nil {
		return 0
	}
	n := int64(0)
	for _, p := range v.parts {
		if p.file == nil {
			n += p.seg.SizeBytes()
		}
	}
	return n
}

// pin returns the current state and keeps its files mapped until unpin.
func (e *Engine) pin() *state {
	for {
		s := e.state.Load()
		s.pins.Add(1)
		// Had it been replaced before the pin was set, its files might be
		// unmapped already.
		if e.state.Load() == s {
			return s
		}
		s.pins.Add(-1)
	}
}

func (s *state) unpin() { s.pins.Add(-1) }

// retired is a state that was replaced, and the files that went with it.
type retired struct {
	state *state
	files []*segmentFile
}

// publish makes the state after changed the current one. e.mu is held.
func (e *Engine) publish(seq uint64, changed map[string]*view) {
	old := e.state.Load()
	gone := retired{state: old}
	for name, v := range changed {
		if was := old.view(name); was != nil {
			gone.files = append(gone.files, was.filesNotIn(v)...)
		}
	}
	e.state.Store(old.with(seq, changed))
	e.retired = append(e.retired, gone)
	e.reap()
}

// filesNotIn returns the files of v that next does not use.
func (v *view) filesNotIn(next *view) []*segmentFile {
	used := map[*segmentFile]bool{}
	if next != nil {
		for _, p := range next.parts {
			for _, f := range p.files() {
				used[f] = true
			}
		}
	}
	var files []*segmentFile
	for _, p := range v.parts {
		for _, f := range p.files() {
			if !used[f] {
				files = append(files, f)
			}
		}
	}
	return files
}

// reap unmaps the files of retired states, oldest first, up to one that is
// still read: an older state may use what went with a later one. e.mu is held.
func (e *Engine) reap() {
	for len(e.retired) > 0 && e.retired[0].state.pins.Load() == 0 {
		for _, f := range e.retired[0].files {
			_ = f.mapping.Close() // nothing can be done about it, nor is anything lost
		}
		e.retired[0] = retired{}
		e.retired = e.retired[1:]
	}
}

// closeFiles unmaps everything. Nobody reads any more.
func (e *Engine) closeFiles() error {
	e.reap()
	var err error
	e.state.Load().each(func(_ string, v *view) { err = errors.Join(err, v.close()) })
	return err
}
