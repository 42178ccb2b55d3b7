package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"sync"

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
	var sender sync.WaitGroup
	var docsErr, sendErr error
	sender.Go(func() {
		docsErr, sendErr = writeLines(w, docs)
		w.CloseWithError(docsErr) // nil is the end of the body
	})
	end, err := c.readBatch(ctx, collection, body, on)
	body.CloseWithError(err) // frees the sender when the server or on stopped early
	sender.Wait()
	switch {
	case docsErr != nil:
		return end, docsErr
	case err == nil:
		err = sendErr
	}
	return end, err
}

// writeLines sends documents until one cannot be had, or cannot be sent.
func writeLines(w io.Writer, docs iter.Seq2[api.PutDocument, error]) (docsErr, sendErr error) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for d, err := range docs {
		if err != nil {
			return err, nil
		}
		if err := e.Encode(d); err != nil {
			return nil, fmt.Errorf("send document: %w", err)
		}
	}
	return nil, nil
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
		var line batchLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return end, fmt.Errorf("decode result: %w", err)
		}
		switch {
		case line.Code != "":
			return end, decodeProblem(lines.Bytes())
		case line.Job != "":
			return end, json.Unmarshal(lines.Bytes(), &end)
		}
		if err := on(line.PutResult); err != nil {
			return end, err
		}
	}
	if err := lines.Err(); err != nil {
		return end, fmt.Errorf("read results: %w", err)
	}
	return end, fmt.Errorf("read results: %w", io.ErrUnexpectedEOF)
}

// batchLine is any line of a batch's response: a result, or, with Job, the
// balance, or, with Code, the problem that ended it.
type batchLine struct {
	api.PutResult
	Job  string `json:"job"`
	Code string `json:"code"`
}

func decodeProblem(line []byte) error {
	p := &api.Problem{}
	if err := json.Unmarshal(line, p); err != nil {
		return fmt.Errorf("decode problem: %w", err)
	}
	return p
}
