package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/app"
)

// maintainEvery is how often the state of maintenance is asked for.
const maintainEvery = 100 * time.Millisecond

// serving returns the server that is to do the work: the one named by --server,
// else the one that works on the data directory; nil when there is none.
func (c *cli) serving(ctx context.Context) (*connection, error) {
	if c.config.Server == "" {
		_, held, err := app.HolderOf(c.config.Data)
		if err != nil || !held {
			return nil, err
		}
	}
	conn, err := c.connect(ctx, false)
	if err == nil && conn.app != nil { // its server stopped just now
		return nil, conn.stop()
	}
	return conn, err
}

// maintain has a server do some work, and waits for it. An interrupted command
// cancels the work.
func (c *cli) maintain(ctx context.Context, conn *connection, in api.StartMaintenance) (api.Maintenance, error) {
	fmt.Fprintf(c.err, "a server is running: it does this while it goes on\n")
	m, err := conn.StartMaintenance(ctx, in)
	for err == nil && m.State == "running" {
		if err = pause(ctx, maintainEvery); err == nil {
			m, err = conn.Maintenance(ctx, m.ID)
		}
	}
	if ctx.Err() != nil && m.ID != "" {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), startPatience)
		defer cancel()
		_, stopped := conn.CancelMaintenance(after, m.ID)
		return m, errors.Join(ctx.Err(), stopped)
	}
	switch {
	case err != nil:
		return m, err
	case m.State != "done":
		return m, fmt.Errorf("%s: %s", m.State, m.Error)
	}
	return m, nil
}

// compactServing compacts the index of a running server, after it erased the
// former versions of documents.
func (c *cli) compactServing(ctx context.Context, conn *connection, purge []string) (before, after app.Sizes, err error) {
	for _, id := range purge {
		if _, err := conn.EraseVersions(ctx, id); err != nil {
			return before, after, fmt.Errorf("purge document %s: %w", id, err)
		}
	}
	m, err := c.maintain(ctx, conn, api.StartMaintenance{Kind: "compact"})
	if err != nil || m.Before == nil || m.After == nil {
		return before, after, err
	}
	return app.Sizes(*m.Before), app.Sizes(*m.After), nil
}

// checkServing checks the index of a running server.
func (c *cli) checkServing(ctx context.Context, conn *connection) (checkJSON, error) {
	m, err := c.maintain(ctx, conn, api.StartMaintenance{Kind: "check"})
	out := checkJSON{Checked: m.Checked, Problems: []problemJSON{}}
	for _, p := range m.Problems {
		out.Problems = append(out.Problems, problemJSON(p))
		out.Remaining++
	}
	if err == nil {
		fmt.Fprintln(c.err, "the index was checked; the catalog is checked, and differences are repaired, while the server is stopped")
	}
	return out, err
}
