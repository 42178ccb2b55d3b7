package client

import (
	"context"

	"github.com/quarry-search/quarry/api"
)

// Jobs lists jobs, newest first.
func (c *Client) Jobs(ctx context.Context, l List) (api.Page[api.Job], error) {
	return call[api.Page[api.Job]](ctx, c, request{method: "GET", path: []string{"v1", "jobs"}, query: l.query()})
}

// Job returns one job.
func (c *Client) Job(ctx context.Context, id string) (api.Job, error) {
	return call[api.Job](ctx, c, request{method: "GET", path: []string{"v1", "jobs", id}})
}

// ItemList asks for a page of a job's items.
type ItemList struct {
	List
	Result string // "" for all
	Reason string // "" for all
}

// JobItems lists a job's items in the order they were accepted.
func (c *Client) JobItems(ctx context.Context, id string, l ItemList) (api.Page[api.JobItem], error) {
	q := l.query()
	set(q, "result", l.Result)
	set(q, "reason", l.Reason)
	return call[api.Page[api.JobItem]](ctx, c, request{method: "GET", path: []string{"v1", "jobs", id, "items"}, query: q})
}

// CreateJob starts the ingestion of a folder that the server was started with.
func (c *Client) CreateJob(ctx context.Context, in api.CreateJob, opts ...WriteOption) (api.Job, error) {
	return call[api.Job](ctx, c, request{method: "POST", path: []string{"v1", "jobs"}, body: in, options: opts})
}

// CancelJob asks a job to stop and returns it as it then is.
func (c *Client) CancelJob(ctx context.Context, id string) (api.Job, error) {
	return call[api.Job](ctx, c, request{method: "POST", path: []string{"v1", "jobs", id, "cancel"}})
}
