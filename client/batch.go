package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/quarry-search/quarry/api"
)

// Batch sends documents as a stream and calls on for each result as it
// comes, in the order in which documents finish: PutResult.Line counts
// documents from 1. A document that is skipped or failed is a result, not an
// error. An error from docs, or from on, stops the batch; what was acknowledged
// by then stays. BatchEnd is the balance.
func (c *Client) Batch(ctx context.Context, collection string, docs iter.Seq2[api.PutDocument, error], on func(api.PutResult) error) (api.BatchEnd, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, w := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		err := writeLines(w, docs)
		w.CloseWithError(err) // nil is the end of the body
		sent <- err
	}()
	end, err := c.readBatch(ctx, collection, body, on)
	body.CloseWithError(err) // frees the writer when the server or on stopped early
	if sendErr := <-sent; sendErr != nil && err == nil {
		err = sendErr
	}
	return end, err
}

func writeLines(w io.Writer, docs iter.Seq2[api.PutDocument, error]) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for d, err := range docs {
		if err != nil {
			return err
		}
		if err := e.Encode(d); err != nil {
			return fmt.Errorf("send document: %w", err)
		}
	}
	return nil
}

func (c *Client) readBatch(ctx context.Context, collection string, body io.Reader, on func(api.PutResult) error) (api.BatchEnd, error) {
	var end api.BatchEnd
	res, err := c.send(ctx, request{
		method: "POST", path: []string{"v1", "collections", collection, "batch"},
		body: body, content: "application/x-ndjson", accept: "application/x-ndjson",
	})
	if err != nil {
		return end, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		if bytes.HasPrefix(lines.Bytes(), []byte(`{"job":`)) {
			return end, json.Unmarshal(lines.Bytes(), &end)
		}
		if bytes.HasPrefix(lines.Bytes(), []byte(`{"type":`)) {
			return end, decodeProblem(lines.Bytes())
		}
		var r api.PutResult
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return end, fmt.Errorf("decode result: %w", err)
		}
		if err := on(r); err != nil {
			return end, err
		}
	}
	if err := lines.Err(); err != nil {
		return end, fmt.Errorf("read results: %w", err)
	}
	return end, fmt.Errorf("read results: %w", io.ErrUnexpectedEOF)
}

func decodeProblem(line []byte) error {
	p := &api.Problem{}
	if err := json.Unmarshal(line, p); err != nil {
		return fmt.Errorf("decode problem: %w", err)
	}
	return p
}
