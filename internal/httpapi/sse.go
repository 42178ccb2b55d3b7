package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// eventStream writes server-sent events. Nothing is sent before the first
// event or heartbeat.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration // of writing one message
	cancel  context.CancelFunc
	record  *recording // keeps what is sent; nil: nothing

	mu  sync.Mutex
	id  int // of the last event
	on  bool
	err error // of the first write that failed
}

// newEventStream makes a stream on w that calls cancel when the client is gone.
func newEventStream(w http.ResponseWriter, timeout time.Duration, cancel context.CancelFunc) *eventStream {
	return &eventStream{w: w, control: http.NewResponseController(w), timeout: timeout, cancel: cancel}
}

// send writes one event with v as its JSON.
func (e *eventStream) send(name string, v any) error {
	var data bytes.Buffer
	if err := encode(&data, v); err != nil {
		return fmt.Errorf("encode %s event: %w", name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.id++
	message := fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", e.id, name, bytes.TrimSuffix(data.Bytes(), []byte("\n")))
	if e.record == nil {
		return e.write(message)
	}
	e.record.add(message)
	_ = e.write(message) // whoever is gone may come back for it
	return nil
}

// resend writes messages that were sent before, to another client.
func (e *eventStream) resend(messages [][]byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range messages {
		if err := e.write(m); err != nil {
			return err
		}
	}
	return nil
}

// write sends one message at once. e.mu is held.
func (e *eventStream) write(message []byte) error {
	if e.err != nil {
		return e.err
	}
	if !e.on {
		e.on = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(e.timeout)) // not every writer has deadlines
	_, err := e.w.Write(message)
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		e.err = fmt.Errorf("send event: %w", err)
		e.cancel()
	}
	return e.err
}

// keepAlive sends a comment whenever interval passes, until stop is called:
// proxies drop connections that stay silent.
func (e *eventStream) keepAlive(interval time.Duration) (stop func()) {
	ticker := time.NewTicker(interval)
	end := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				e.mu.Lock()
				err := e.write([]byte(": keep-alive\n\n"))
				e.mu.Unlock()
				if err != nil {
					return
				}
			}
		}
	})
	return func() {
		ticker.Stop()
		close(end)
		running.Wait()
	}
}

func (e *eventStream) started() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.on
}

func (e *eventStream) broken() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err != nil
}
