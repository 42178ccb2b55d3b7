package pdf

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// errDied says that a worker ended without an answer, by itself.
var errDied = errors.New("the PDF worker died")

// worker is the client's side of one worker process. It is used by one
// goroutine at a time.
type worker struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	timer *time.Timer // that ends it when idle
	dead  atomic.Bool
}

// startWorker starts a process and waits until it is ready.
func startWorker(ctx context.Context, cmd *exec.Cmd, config []byte, timeout time.Duration) (*worker, error) {
	failed := rag.Fail(rag.ReasonInternal, "the PDF reader cannot be started")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, failed
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, failed
	}
	if err := cmd.Start(); err != nil {
		return nil, failed
	}
	w := &worker{cmd: cmd, in: in, out: bufio.NewReader(out)}
	err = w.within(ctx, timeout, func() error {
		if err := writeFrame(w.in, frameConfig, config); err != nil {
			return errDied
		}
		if kind, _, err := readFrame(w.out); err != nil || kind != frameReady {
			return errDied
		}
		return nil
	})
	if err == nil {
		return w, nil
	}
	w.end()
	if errors.Is(err, errDied) {
		err = failed
	}
	return nil, err
}

func (w *worker) alive() bool { return !w.dead.Load() }

// end kills the process, if it still runs, and waits for it.
func (w *worker) end() {
	w.dead.Store(true)
	w.in.Close()
	w.cmd.Process.Kill()
	w.cmd.Wait()
}

// within runs f, which talks to the process, and kills the process when the
// time is over or the context ends: then f fails, and the error says why.
func (w *worker) within(ctx context.Context, timeout time.Duration, f func() error) error {
	var late atomic.Bool
	kill := func() {
		w.dead.Store(true)
		w.cmd.Process.Kill()
	}
	timer := time.AfterFunc(timeout, func() { late.Store(true); kill() })
	defer timer.Stop()
	stop := context.AfterFunc(ctx, kill)
	defer stop()
	err := f()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case late.Load():
		return rag.Fail(rag.ReasonTimeout, fmt.Sprintf("no answer within %s", timeout))
	}
	return err
}

// read sends a document and receives its pages.
func (w *worker) read(ctx context.Context, data []byte, timeout time.Duration, maxText int) (title string, pages []string, err error) {
	if len(data) > maxFrameBytes {
		return "", nil, rag.Skip(rag.ReasonTooLarge, "")
	}
	err = w.within(ctx, timeout, func() error {
		if err := writeFrame(w.in, frameDocument, data); err != nil {
			return errDied
		}
		var err error
		title, pages, err = w.receive(maxText)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	return title, pages, nil
}

func (w *worker) receive(maxText int) (title string, pages []string, err error) {
	total := 0
	for {
		kind, payload, err := readFrame(w.out)
		if err != nil {
			return "", nil, errDied
		}
		if total += len(payload); total > 2*maxText+1<<20 {
			return "", nil, errDied
		}
		switch kind {
		case frameTitle:
			title = string(payload)
		case framePage:
			pages = append(pages, string(payload))
		case frameDone:
			return title, pages, nil
		case frameRefused:
			var r refusal
			if json.Unmarshal(payload, &r) != nil {
				return "", nil, errDied
			}
			return "", nil, &rag.Refusal{Result: rag.Result(r.Result), Reason: rag.Reason(r.Reason), Detail: r.Detail}
		default:
			return "", nil, errDied
		}
	}
}
