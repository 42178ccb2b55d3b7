package pdf

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// Subcommand is the argument with which the binary runs WorkerMain.
const Subcommand = "pdf-worker"

// Client reads PDFs through worker processes. Its fields are set before first
// use; it may then be used concurrently. Close ends all workers.
type Client struct {
	// Command makes the command of a worker; nil runs this binary with
	// Subcommand and an empty environment.
	Command func() (*exec.Cmd, error)
	// CacheDir keeps the compiled reader between starts; "" compiles anew.
	CacheDir string
	// Timeout bounds each document; 0 means a minute.
	Timeout time.Duration
	// StartTimeout bounds a worker's start, which compiles the reader the
	// first time; 0 means two minutes.
	StartTimeout time.Duration
	// MemoryBytes bounds what one document may take; 0 means 512 MiB.
	MemoryBytes uint64
	// MaxTextBytes bounds the text of one document; 0 means 32 MiB.
	MaxTextBytes int
	// MaxWorkers is how many documents are read at a time; 0 means GOMAXPROCS.
	MaxWorkers int
	// IdleTimeout is when a worker without work ends; 0 means a minute.
	IdleTimeout time.Duration

	once     sync.Once
	slots    chan struct{} // one for each document being read
	starting sync.Mutex    // held while a worker starts: the first fills the cache for all

	mu     sync.Mutex
	idle   []*worker
	closed bool
}

func (c *Client) init() {
	c.once.Do(func() {
		if c.Command == nil {
			c.Command = self
		}
		if c.Timeout <= 0 {
			c.Timeout = time.Minute
		}
		if c.StartTimeout <= 0 {
			c.StartTimeout = 2 * time.Minute
		}
		if c.MemoryBytes == 0 {
			c.MemoryBytes = 512 << 20
		}
		if c.MaxTextBytes <= 0 {
			c.MaxTextBytes = 32 << 20
		}
		if c.MaxWorkers <= 0 {
			c.MaxWorkers = runtime.GOMAXPROCS(0)
		}
		if c.IdleTimeout <= 0 {
			c.IdleTimeout = time.Minute
		}
		c.slots = make(chan struct{}, c.MaxWorkers)
	})
}

// self runs this binary as a worker. A worker starts none: a program that does
// not know the subcommand would start itself without end.
//
// SECURITY: the worker gets no environment, so no secret that may be in it.
func self() (*exec.Cmd, error) {
	if slices.Contains(os.Args[1:], Subcommand) {
		return nil, errors.New("this program does not serve as a PDF worker")
	}
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, Subcommand)
	cmd.Env = []string{}
	return cmd, nil
}

// ReadPages returns the title and the text of each page of a document. Its
// error is a *rag.Refusal, or the context's when that ended.
func (c *Client) ReadPages(ctx context.Context, data []byte) (title string, pages []string, err error) {
	c.init()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return "", nil, ctx.Err()
	}
	for {
		w, fresh, err := c.take(ctx)
		if err != nil {
			return "", nil, err
		}
		title, pages, err := w.read(ctx, data, c.Timeout, c.MaxTextBytes)
		var refused *rag.Refusal
		if err == nil || errors.As(err, &refused) && w.alive() {
			c.put(w)
			return title, pages, err
		}
		w.end()
		if errors.Is(err, errDied) {
			// A worker that has read others may have died of them, or of
			// having been idle: the document deserves a fresh one.
			if !fresh {
				continue
			}
			err = rag.Fail(rag.ReasonParse, "the PDF reader died of it")
		}
		return "", nil, err
	}
}

// take returns an idle worker, or starts one.
func (c *Client) take(ctx context.Context) (w *worker, fresh bool, err error) {
	if w, err = c.takeIdle(); w != nil || err != nil {
		return w, false, err
	}
	c.starting.Lock()
	defer c.starting.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if w, err = c.takeIdle(); w != nil || err != nil {
		return w, false, err
	}
	cfg, err := json.Marshal(workerConfig{CacheDir: c.CacheDir, MemoryBytes: c.MemoryBytes,
		MaxTextBytes: c.MaxTextBytes, TimeoutMillis: c.Timeout.Milliseconds()})
	if err != nil {
		return nil, false, rag.Fail(rag.ReasonInternal, "the PDF reader's configuration cannot be written")
	}
	cmd, err := c.Command()
	if err != nil {
		return nil, false, rag.Fail(rag.ReasonInternal, "the PDF reader cannot be found")
	}
	w, err = startWorker(ctx, cmd, cfg, c.StartTimeout)
	return w, true, err
}

func (c *Client) takeIdle() (*worker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, rag.Fail(rag.ReasonCanceled, "the server is stopping")
	}
	n := len(c.idle)
	if n == 0 {
		return nil, nil
	}
	w := c.idle[n-1]
	c.idle = c.idle[:n-1]
	w.timer.Stop()
	return w, nil
}

// put makes a worker idle: it ends when it stays so for IdleTimeout.
func (c *Client) put(w *worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		w.end()
		return
	}
	c.idle = append(c.idle, w)
	w.timer = time.AfterFunc(c.IdleTimeout, func() { c.retire(w) })
}

// retire ends a worker if it is still idle.
func (c *Client) retire(w *worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.idle {
		if other == w {
			c.idle = append(c.idle[:i], c.idle[i+1:]...)
			w.end()
			return
		}
	}
}

// Close ends the idle workers; those that are reading end with their document.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, w := range c.idle {
		w.timer.Stop()
		w.end()
	}
	c.idle = nil
	return nil
}
