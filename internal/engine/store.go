package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/engine/vfs"
)

// segmentFile is the file that a segment lies in.
type segmentFile struct {
	number  uint64
	size    int64
	mapping vfs.Mapping
}

// load reads the manifest and its segments. A missing manifest is an empty
// index. Errors mean that the index must be built anew.
func (e *Engine) load() error {
	mapping, err := e.options.FS.Map(manifestName)
	if errors.Is(err, vfs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	m, err := decodeManifest(mapping.Bytes())
	if err := errors.Join(err, mapping.Close()); err != nil {
		return err
	}
	if err := e.options.belongs(m); err != nil {
		return err
	}
	views := map[string]*view{}
	for _, c := range m.collections {
		v := &view{fingerprint: c.fingerprint, settings: c.settings, history: c.history, dim: c.dim}
		if c.lost {
			e.losses++
			v.lost = e.losses
		}
		views[c.name] = v
		for _, mp := range c.parts {
			p, err := e.openPart(mp, c)
			if err != nil {
				e.losses++
				v.lost = e.losses
				e.report(&Problem{Collection: c.name, File: segmentName(mp.file), Err: err})
				continue
			}
			v.parts = append(v.parts, p)
		}
	}
	e.next, e.log, e.fingerprint = m.next, m.log, m.fingerprint
	e.state.Store(e.state.Load().with(m.seq, views))
	return nil
}

// belongs reports why the index that m names is not the one that is wanted.
func (o Options) belongs(m manifest) error {
	switch {
	case o.Log != "" && m.log != o.Log:
		return errOtherLog
	case o.Head != nil && m.seq > *o.Head:
		return errAhead
	case o.Fingerprint != "" && m.fingerprint != o.Fingerprint:
		return ErrOtherModel
	}
	return nil
}

var errSwapped = errors.New("it is another segment's file")

// openPart maps a segment file and marks its dead.
func (e *Engine) openPart(mp manifestPart, c manifestCollection) (*part, error) {
	p, err := e.mapSegment(mp.file)
	if err != nil {
		return nil, err
	}
	if p.seg.Check() != mp.check || p.seg.Dim() > 0 && p.seg.Metric() != c.settings.Metric {
		return nil, errors.Join(errSwapped, p.file.mapping.Close())
	}
	if n := len(mp.dead); n > 0 {
		if int(mp.dead[n-1]) >= p.seg.Docs() {
			return nil, errors.Join(errManifest, p.file.mapping.Close())
		}
		p = p.without(mp.dead)
	}
	if mp.graph != 0 {
		p.stored = &storedGraph{mp.graph, mp.graphCheck} // Warm reads it
	}
	return p, nil
}

func (e *Engine) mapSegment(number uint64) (*part, error) {
	mapping, err := e.options.FS.Map(segmentName(number))
	if err != nil {
		return nil, err
	}
	seg, err := segment.OpenLazy(mapping.Bytes())
	if err != nil {
		return nil, errors.Join(err, mapping.Close())
	}
	p := newPart(seg)
	p.file = &segmentFile{number: number, size: int64(len(mapping.Bytes())), mapping: mapping}
	return p, nil
}

// close unmaps the view's segments.
func (v *view) close() error {
	var err error
	for _, p := range v.parts {
		for _, f := range p.files() {
			err = errors.Join(err, f.mapping.Close())
		}
	}
	return err
}

// Flush makes everything that is visible durable: it writes the segments that
// are in memory only and publishes a manifest. Searches and Apply go on. With
// no file system it does nothing.
func (e *Engine) Flush() error {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return ErrClosed
	}
	return e.flush()
}

// flush is Flush with the gate held.
func (e *Engine) flush() error {
	if e.options.FS == nil || e.options.ReadOnly {
		return nil
	}
	e.flushing.Lock()
	defer e.flushing.Unlock()
	merged := e.merged.Swap(false)
	s := e.pin()
	defer s.unpin()
	if s.seq == e.flushed && !merged {
		return nil
	}
	began := time.Now()
	err := e.write(s)
	e.task(TaskFlush, began, err)
	if err != nil {
		e.merged.Store(true) // or the next one might find nothing to do
		err = fmt.Errorf("%w: %w", ErrFlush, err)
		e.unwritten.Store(&err)
		return err
	}
	e.unwritten.Store(nil)
	return nil
}

// write makes s durable.
func (e *Engine) write(s *state) error {
	written, err := e.writeSegments(s)
	if err != nil {
		return err
	}
	if err := e.publishManifest(s, written); err != nil {
		return err
	}
	e.flushed = s.seq
	return e.adopt(written)
}

// flushedSegment is a segment that was in memory only, and its new file.
type flushedSegment struct {
	collection string
	number     uint64
	check      uint32
}

// writers is how many files a flush of many segments writes at once: a disk
// syncs several of them in about the time of one.
const writers = 8

// writeSegments writes the segments of s that have no file.
func (e *Engine) writeSegments(s *state) (map[*segment.Segment]flushedSegment, error) {
	var segments []*segment.Segment
	written := map[*segment.Segment]flushedSegment{}
	s.each(func(name string, v *view) {
		for _, p := range v.parts {
			if p.file == nil {
				segments = append(segments, p.seg)
				written[p.seg] = flushedSegment{collection: name, number: e.next}
				e.next++
			}
		}
	})
	at := writers
	if len(segments) <= 2*writers {
		at = 1
	}
	checks := make([]uint32, len(segments))
	failed := make([]error, at)
	var next atomic.Int64
	var all sync.WaitGroup
	for w := range at {
		all.Go(func() {
			for failed[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= len(segments) {
					return
				}
				checks[i], failed[w] = e.writeSegment(written[segments[i]].number, segments[i])
			}
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	for i, seg := range segments {
		w := written[seg]
		w.check = checks[i]
		written[seg] = w
	}
	return written, e.options.FS.SyncDir()
}

func (e *Engine) writeSegment(number uint64, seg *segment.Segment) (check uint32, err error) {
	return e.writeFile(segmentName(number), func(w io.Writer) (uint32, error) { return seg.Write(w) })
}

// writeFile writes and syncs a file; its name is not durable yet.
func (e *Engine) writeFile(name string, write func(w io.Writer) (uint32, error)) (check uint32, err error) {
	f, err := e.options.FS.Create(name)
	if err != nil {
		return 0, err
	}
	w := bufio.NewWriterSize(f, 256<<10)
	check, err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = e.options.FS.Remove(name) // the next flush sweeps what stays
	}
	return check, err
}

// publishManifest makes s the durable state, and sweeps files that it does not
// name.
func (e *Engine) publishManifest(s *state, written map[*segment.Segment]flushedSegment) error {
	m := manifest{seq: s.seq, next: e.next, log: e.log, fingerprint: e.fingerprint}
	used := map[string]bool{manifestName: true}
	for name := range e.graphs {
		used[name] = true // s may be from before it
	}
	s.each(func(name string, v *view) {
		c := manifestCollection{name: name, fingerprint: v.fingerprint, settings: v.settings, history: v.history, dim: v.dim, lost: v.lost > 0}
		for _, p := range v.parts {
			mp := manifestPart{dead: deadOf(p)}
			if p.file != nil {
				mp.file, mp.check = p.file.number, p.seg.Check()
			} else {
				mp.file, mp.check = written[p.seg].number, written[p.seg].check
			}
			used[segmentName(mp.file)] = true
			if p.graph != nil {
				mp.graph, mp.graphCheck = p.graph.file.number, p.graph.check
				used[graphName(mp.graph)] = true
				delete(e.graphs, graphName(mp.graph))
			} else if p.stored != nil {
				mp.graph, mp.graphCheck = p.stored.number, p.stored.check
				used[graphName(mp.graph)] = true
			}
			c.parts = append(c.parts, mp)
		}
		m.collections = append(m.collections, c)
	})
	if err := vfs.WriteFile(e.options.FS, manifestName, m.encode()); err != nil {
		return err
	}
	return e.sweep(used)
}

// sweep removes the engine's files that are not used. One that cannot be
// removed, as a mapped one on some systems, is left to the next sweep.
func (e *Engine) sweep(used map[string]bool) error {
	names, err := e.options.FS.List()
	if err != nil {
		return err
	}
	for _, name := range names {
		if ours := strings.HasPrefix(name, "seg-") || strings.HasPrefix(name, "ann-") || strings.HasPrefix(name, manifestName); ours && !used[name] {
			_ = e.options.FS.Remove(name)
		}
	}
	return nil
}

// adopt replaces segments in memory by their files, where they still are part
// of the state.
func (e *Engine) adopt(written map[*segment.Segment]flushedSegment) error {
	mapped := map[*segment.Segment]*part{}
	for seg, w := range written {
		p, err := e.mapSegment(w.number)
		if err != nil {
			return errors.Join(err, closeParts(mapped))
		}
		mapped[seg] = p
		if err := p.seg.Ready(); err != nil { // rather now than while searching
			return errors.Join(err, closeParts(mapped))
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.state.Load()
	changed := map[string]*view{}
	for _, w := range written {
		// Once for each collection: a second time would undo the first.
		if v := now.view(w.collection); v != nil && changed[w.collection] == nil {
			changed[w.collection] = v.adopt(mapped)
		}
	}
	e.publish(now.seq, changed)
	return closeParts(mapped)
}

// adopt returns the view with its parts in mapped replaced, and takes those
// out of mapped.
func (v *view) adopt(mapped map[*segment.Segment]*part) *view {
	next := v.like()
	for _, p := range v.parts {
		if m := mapped[p.seg]; m != nil {
			delete(mapped, p.seg)
			live := p.with(p.graph)
			live.seg, live.file = m.seg, m.file
			p = live
		}
		next.parts = append(next.parts, p)
	}
	return next
}

func closeParts(parts map[*segment.Segment]*part) error {
	var err error
	for _, p := range parts {
		err = errors.Join(err, p.file.mapping.Close())
	}
	return err
}
