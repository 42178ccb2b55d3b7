package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/quarry-search/quarry/api"
)

// Answer returns a complete answer.
func (c *Client) Answer(ctx context.Context, in api.AnswerRequest) (api.AnswerResponse, error) {
	in.Stream = false
	return call[api.AnswerResponse](ctx, c, request{method: "POST", path: []string{"v1", "answers"}, body: in})
}

// ErrCutOff reports a stream that ended without done or error.
var ErrCutOff = errors.New("the answer was cut off")

// AnswerStream calls on for each event as it comes. The stream ends with nil
// after the done event, with the *api.Problem of an error event (which on does
// not get), with what on returned, or with an error that wraps ErrCutOff. One that
// is Resumable is taken up again when its connection breaks; the server then
// goes on with it for some seconds after a client that left for good.
func (c *Client) AnswerStream(ctx context.Context, in api.AnswerRequest, on func(api.Event) error) error {
	in.Stream = true
	res, err := c.send(ctx, request{method: "POST", path: []string{"v1", "answers"}, body: in, accept: "text/event-stream"})
	if err != nil {
		return err
	}
	location := strings.Split(strings.Trim(res.Header.Get("Location"), "/"), "/")
	resumable := in.Resumable && len(location) > 1
	for last, tries := 0, 0; ; tries++ {
		seen, err := readEvents(res.Body, last, on)
		res.Body.Close()
		if seen > last {
			last, tries = seen, 0
		}
		if !resumable || !errors.Is(err, ErrCutOff) || tries >= resumeTries || ctx.Err() != nil {
			return err
		}
		res, err = c.send(ctx, request{method: "GET", path: location, accept: "text/event-stream", options: []WriteOption{lastEvent(last)}})
		if err != nil {
			return fmt.Errorf("%w, and could not be taken up again: %w", ErrCutOff, err)
		}
	}
}

// resumeTries is how often in turn a stream is taken up again without an event.
const resumeTries = 3

func lastEvent(id int) WriteOption {
	return func(h http.Header) { h.Set("Last-Event-ID", strconv.Itoa(id)) }
}

// readEvents passes events on until the last one, and returns the id of the last
// that it saw.
func readEvents(body io.Reader, last int, on func(api.Event) error) (int, error) {
	messages := newMessageReader(body)
	for {
		m, err := messages.next()
		if err != nil {
			return last, fmt.Errorf("%w: %w", ErrCutOff, err)
		}
		event, err := decodeEvent(m)
		if err != nil {
			return last, err
		}
		if event.Error != nil {
			return last, event.Error
		}
		last = event.ID
		if err := on(event); err != nil {
			return last, err
		}
		if event.Done != nil {
			return last, nil
		}
	}
}

func decodeEvent(m message) (api.Event, error) {
	id, _ := strconv.Atoi(m.id)
	e := api.Event{ID: id, Type: m.event}
	var into any
	switch m.event {
	case api.EventRetrieval:
		e.Retrieval = &api.RetrievalEvent{}
		into = e.Retrieval
	case api.EventDelta:
		e.Delta = &api.DeltaEvent{}
		into = e.Delta
	case api.EventCitation:
		e.Citation = &api.CitationEvent{}
		into = e.Citation
	case api.EventVerdict:
		e.Verdict = &api.VerdictEvent{}
		into = e.Verdict
	case api.EventUsage:
		e.Usage = &api.UsageEvent{}
		into = e.Usage
	case api.EventDone:
		e.Done = &api.DoneEvent{}
		into = e.Done
	case api.EventError:
		e.Error = &api.Problem{}
		into = e.Error
	default: // of a later version: passed on by name
		return e, nil
	}
	if err := json.Unmarshal(m.data, into); err != nil {
		return e, fmt.Errorf("decode %s event: %w", m.event, err)
	}
	return e, nil
}

// message is one server-sent event.
type message struct {
	id, event string
	data      []byte
}

// maxLine bounds one line of a stream: a whole answer with its hits.
const maxLine = 64 << 20

type messageReader struct{ lines *bufio.Scanner }

func newMessageReader(r io.Reader) *messageReader {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	return &messageReader{s}
}

// next returns the next message that has data; comments are heartbeats.
func (r *messageReader) next() (message, error) {
	var m message
	var data [][]byte
	for r.lines.Scan() {
		line := r.lines.Text()
		if line == "" {
			if data != nil {
				m.data = bytes.Join(data, []byte("\n"))
				return m, nil
			}
			m = message{}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			data = append(data, []byte(value))
		}
	}
	if err := r.lines.Err(); err != nil {
		return message{}, err
	}
	return message{}, io.ErrUnexpectedEOF
}
