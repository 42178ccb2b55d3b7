package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// maxBatch is how many waiting writers share one transaction.
const maxBatch = 128

// writer is the queue before the one writing connection. A caller appends its
// op and waits for the turn; whoever has the turn runs a batch of waiting ops,
// its own or others', each in a savepoint, and commits them together.
type writer struct {
	conn *conn         // guarded by turn
	seq  uint64        // last seq given out; guarded by turn
	turn chan struct{} // holds one token while a batch runs

	mu     sync.Mutex
	queue  []*op
	closed bool
}

// op is one caller's change.
type op struct {
	run   func(tx *tx) error
	state atomic.Int32
	err   error // valid once done is closed
	done  chan struct{}
}

const (
	opWaiting int32 = iota
	opTaken
	opAbandoned
)

func (w *writer) init(c *conn, seq uint64) {
	w.conn, w.seq = c, seq
	w.turn = make(chan struct{}, 1)
}

// stopWriting refuses further ops and runs those that wait. It keeps the turn:
// on return the connection is idle for good.
func (c *Catalog) stopWriting() {
	w := &c.writer
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.turn <- struct{}{}
	for w.waiting() {
		c.runBatch()
	}
}

func (w *writer) waiting() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) > 0
}

// write runs fn in a transaction that is durable when write returns nil. It
// may be joined with others' changes, but stands or falls alone. A caller who
// leaves before its turn writes nothing; after that it hears the outcome.
// fn may run only once, and must touch nothing but tx and its own variables.
func (c *Catalog) write(ctx context.Context, action string, fn func(tx *tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	o := &op{run: fn, done: make(chan struct{})}
	w := &c.writer
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	w.queue = append(w.queue, o)
	w.mu.Unlock()
	for {
		select {
		case <-o.done:
			return actionError(context.Background(), action, o.err)
		case <-ctx.Done():
			if o.state.CompareAndSwap(opWaiting, opAbandoned) {
				return fmt.Errorf("%s: %w", action, ctx.Err())
			}
			<-o.done
			return actionError(context.Background(), action, o.err)
		case w.turn <- struct{}{}:
			c.runBatch()
			<-w.turn
		}
	}
}

// take removes the next batch from the queue.
func (w *writer) take() []*op {
	w.mu.Lock()
	defer w.mu.Unlock()
	var batch []*op
	n := 0
	for n < len(w.queue) && len(batch) < maxBatch {
		if o := w.queue[n]; o.state.CompareAndSwap(opWaiting, opTaken) {
			batch = append(batch, o)
		}
		n++
	}
	w.queue = append([]*op(nil), w.queue[n:]...)
	return batch
}

// runBatch commits a batch. The caller holds the turn.
func (c *Catalog) runBatch() {
	batch := c.writer.take()
	if len(batch) == 0 {
		return
	}
	w := &c.writer
	before := w.seq
	err := c.tryBatch(batch)
	if err != nil {
		_, _ = w.conn.exec("ROLLBACK") // SQLite may have done so already
		w.seq = before
		for _, o := range batch {
			o.err = err
		}
	}
	if w.seq > before {
		c.head.advance(w.seq)
	}
	for _, o := range batch {
		close(o.done)
	}
}

// tryBatch runs and commits the batch. An error means that nothing of it was
// committed; an op's own error is in the op.
func (c *Catalog) tryBatch(batch []*op) error {
	w := c.writer.conn
	if _, err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	alone := len(batch) == 1
	for _, o := range batch {
		start := c.writer.seq
		if !alone {
			if _, err := w.exec("SAVEPOINT op"); err != nil {
				return err
			}
		}
		t := &tx{conn: w, seq: &c.writer.seq, now: c.now().UTC().Truncate(time.Microsecond)}
		o.err = o.run(t)
		if o.err != nil && (alone || spoilsTransaction(o.err)) {
			return o.err
		}
		if o.err != nil {
			c.writer.seq = start
			if _, err := w.exec("ROLLBACK TO op"); err != nil {
				return errors.Join(err, o.err)
			}
		}
		if !alone {
			if _, err := w.exec("RELEASE op"); err != nil {
				return err
			}
		}
	}
	_, err := w.exec("COMMIT")
	return err
}

// tx is the transaction an op writes in.
type tx struct {
	*conn
	seq *uint64
	now time.Time
}

// entry is a log entry about to be appended.
type entry struct {
	kind        string
	collection  string
	document    any // id
	number      any
	version     any // row id
	fingerprint any
	payload     []byte
}

// append adds an entry to the log and returns its seq.
//
// Invariant: every change of documents, collections or embeddings appends its
// entry in the transaction that makes it.
func (t *tx) append(e entry) (uint64, error) {
	*t.seq++
	_, err := t.exec(`INSERT INTO changes (seq, time, kind, collection, document, number, version, fingerprint, payload)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(*t.seq), micros(t.now), e.kind, e.collection, e.document, e.number, e.version, e.fingerprint, e.payload)
	if err != nil {
		return 0, fmt.Errorf("append change: %w", err)
	}
	return *t.seq, nil
}

// nextSeq is the seq that the next append will give.
func (t *tx) nextSeq() uint64 { return *t.seq + 1 }
