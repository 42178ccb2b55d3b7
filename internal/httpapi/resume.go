package httpapi

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/quarry-search/quarry/internal/rag"
)

// A client that says so can come back to the stream of an answer after its
// connection broke. Until then the answer goes on, for a grace, and its events
// are kept: so a broken line costs no second answer, and whoever leaves for good
// stops the work a little later than one who could not have come back.

// Bounds of what is kept for clients that may come back.
const (
	maxRecordings     = 64
	maxRecordingBytes = 4 << 20  // of one answer
	maxRecordedBytes  = 16 << 20 // of all
)

// recordings are the streams that can be taken up again.
type recordings struct {
	grace, keep time.Duration

	mu    sync.Mutex
	list  []*recording // oldest first
	bytes int
}

// recording is the stream of one answer.
type recording struct {
	of     *recordings
	id     string
	owner  string
	cancel context.CancelFunc // of the answer

	// The rest is guarded by of.mu.
	events  [][]byte // messages as they were sent: the first has the id 1
	bytes   int
	ended   bool
	readers int
	dropped bool          // nobody can come back to it
	leaving *time.Timer   // runs while nobody reads an answer that goes on
	changed chan struct{} // closed and replaced at each change
}

// ownerOf names a principal. SECURITY: a stream belongs to who asked for it; to
// anyone else it does not exist.
func ownerOf(p rag.Principal) string { return p.Tenant + "\x00" + p.Subject }

// begin makes a recording with its first reader, whose answer cancel ends; nil
// when there are too many.
func (r *recordings) begin(p rag.Principal, cancel context.CancelFunc) *recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) >= maxRecordings && !r.evict() {
		return nil
	}
	rec := &recording{of: r, id: strings.ToLower(ulid.Make().String()), owner: ownerOf(p), cancel: cancel, readers: 1, changed: make(chan struct{})}
	r.list = append(r.list, rec)
	return rec
}

// evict drops the oldest recording of an answer that ended, and reports whether
// there was one. r.mu is held.
func (r *recordings) evict() bool {
	i := slices.IndexFunc(r.list, func(rec *recording) bool { return rec.ended })
	if i >= 0 {
		r.drop(r.list[i])
	}
	return i >= 0
}

// drop makes that nobody can come back to a recording. r.mu is held.
func (r *recordings) drop(rec *recording) {
	if rec.dropped {
		return
	}
	rec.dropped = true
	r.bytes -= rec.bytes
	r.list = slices.DeleteFunc(r.list, func(other *recording) bool { return other == rec })
	if rec.readers == 0 && !rec.ended {
		rec.cancel()
	}
}

// join adds a reader of the events after the one with the id after. CodeNotFound
// for what is not there and for what is another's, alike.
func (r *recordings) join(p rag.Principal, id string, after int) (*recording, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.list, func(rec *recording) bool { return rec.id == id && rec.owner == ownerOf(p) })
	if i < 0 {
		return nil, rag.NotFound("the stream " + id)
	}
	rec := r.list[i]
	if after > len(rec.events) {
		return nil, rag.Invalid("Last-Event-ID", "the stream has not come so far")
	}
	rec.readers++
	if rec.leaving != nil {
		rec.leaving.Stop()
		rec.leaving = nil
	}
	return rec, nil
}

// left takes a reader away. The last one leaves an answer that goes on a grace
// behind.
func (rec *recording) left() {
	r := rec.of
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.readers--
	switch {
	case rec.readers > 0 || rec.ended:
	case rec.dropped:
		rec.cancel()
	default:
		rec.leaving = time.AfterFunc(r.grace, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			if rec.readers == 0 && !rec.ended {
				r.drop(rec)
			}
		})
	}
}

// add keeps a message. One that is too much ends that anybody can come back.
func (rec *recording) add(message []byte) {
	r := rec.of
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.events = append(rec.events, message)
	rec.bytes += len(message)
	if !rec.dropped {
		r.bytes += len(message)
	}
	for r.bytes > maxRecordedBytes && r.evict() {
	}
	if rec.bytes > maxRecordingBytes || r.bytes > maxRecordedBytes {
		r.drop(rec)
	}
	rec.notify()
}

// end says that no event follows. What is kept is dropped some time later, or at
// once where the answer came to nothing.
func (rec *recording) end(useful bool) {
	r := rec.of
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.ended = true
	rec.notify()
	if !useful {
		r.drop(rec)
		return
	}
	time.AfterFunc(r.keep, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.drop(rec)
	})
}

// notify wakes readers. of.mu is held.
func (rec *recording) notify() {
	close(rec.changed)
	rec.changed = make(chan struct{})
}

// next waits for the messages after the first n; none are left when it returns
// none.
func (rec *recording) next(ctx context.Context, n int) ([][]byte, error) {
	for {
		rec.of.mu.Lock()
		events, ended, changed := rec.events[n:], rec.ended, rec.changed
		rec.of.mu.Unlock()
		if len(events) > 0 || ended {
			return events, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
