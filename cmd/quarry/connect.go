package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/catalog/sqlite"
)

// connection is a server to ask: a running one, or one inside this process.
type connection struct {
	*client.Client
	app  *app.App // when the server is inside this process
	tee  *tee
	stop func() error
}

// startPatience is how long a command waits for a server that is starting.
const startPatience = time.Minute

// connect finds a server: the one named by --server, else the one that works
// on the data directory, else one inside this process for as long as the
// command runs. create lets the last begin with an empty data directory.
func (c *cli) connect(ctx context.Context, create bool) (*connection, error) {
	if c.config.Server != "" {
		return newConnection(c.config.Server, nil, func() error { return nil })
	}
	holder, held, err := app.HolderOf(c.config.Data)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); held && holder.Address == "" && time.Since(began) < startPatience; {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
		if holder, held, err = app.HolderOf(c.config.Data); err != nil {
			return nil, err
		}
	}
	if held {
		conn, err := newConnection(holder.Address, nil, func() error { return nil })
		if err != nil {
			return nil, err
		}
		return conn, conn.awaitReady(ctx)
	}
	if _, err := os.Stat(filepath.Join(c.config.Data, sqlite.FileName)); errors.Is(err, os.ErrNotExist) && !create {
		return nil, fmt.Errorf("there are no documents yet in %s: run quarry up FOLDER or quarry ingest PATH, or name a server with --server", c.config.Data)
	}
	return c.within(ctx)
}

// within starts a server inside this process, on a port of its own.
func (c *cli) within(ctx context.Context) (*connection, error) {
	log, err := c.logger("error")
	if err != nil {
		return nil, err
	}
	inner := c.config
	inner.Listen = "127.0.0.1:0"
	a, err := app.New(inner, app.Options{Logger: log})
	if err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Run(run) }()
	stop := func() error {
		cancel()
		return errors.Join(<-done, a.Close())
	}
	conn, err := newConnection(a.URL(), a, stop)
	if err == nil {
		err = conn.awaitReady(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return conn, nil
}

func newConnection(url string, a *app.App, stop func() error) (*connection, error) {
	t := &tee{next: http.DefaultTransport}
	cl, err := client.New(url, client.WithHTTPClient(&http.Client{Transport: t}), client.WithUserAgent("quarry/"+app.Version))
	if err != nil {
		return nil, &usageError{err}
	}
	return &connection{Client: cl, app: a, tee: t, stop: stop}, nil
}

// awaitReady waits while the server reads its log.
func (c *connection) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		state, err := c.Ready(ctx)
		if state.Status == "ready" || state.Status == "degraded" {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the server is not ready (%s): %w", state.Status, errors.Join(err, ctx.Err()))
		}
		if err := pause(ctx, 30*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tee copies response bodies, so that --json prints exactly what the API sent.
type tee struct {
	next http.RoundTripper
	to   io.Writer // while set, gets every byte of successful responses
}

// RoundTrip implements http.RoundTripper.
func (t *tee) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(r)
	if err != nil || t.to == nil || res.StatusCode >= 300 || strings.Contains(res.Header.Get("Content-Type"), "event-stream") {
		return res, err
	}
	res.Body = &teeBody{Reader: io.TeeReader(res.Body, t.to), Closer: res.Body}
	return res, nil
}

type teeBody struct {
	io.Reader
	io.Closer
}

// verbatim runs a call and, with --json, prints the response body as it came.
func (c *cli) verbatim(conn *connection, call func() error) error {
	if !c.json {
		return call()
	}
	var body bytes.Buffer
	conn.tee.to = &body
	defer func() { conn.tee.to = nil }()
	if err := call(); err != nil {
		return err
	}
	text := bytes.TrimRight(body.Bytes(), "\n")
	_, err := fmt.Fprintf(c.out, "%s\n", text)
	return err
}
