package client

import (
	"context"

	"github.com/quarry-search/quarry/api"
)

// StartMaintenance has the server check or compact its index while it goes on.
func (c *Client) StartMaintenance(ctx context.Context, in api.StartMaintenance) (api.Maintenance, error) {
	return call[api.Maintenance](ctx, c, request{method: "POST", path: []string{"v1", "maintenance"}, body: in})
}

// Maintenance returns the state of such work.
func (c *Client) Maintenance(ctx context.Context, id string) (api.Maintenance, error) {
	return call[api.Maintenance](ctx, c, request{method: "GET", path: []string{"v1", "maintenance", id}})
}

// CancelMaintenance stops it, and returns when it has stopped.
func (c *Client) CancelMaintenance(ctx context.Context, id string) (api.Maintenance, error) {
	return call[api.Maintenance](ctx, c, request{method: "POST", path: []string{"v1", "maintenance", id, "cancel"}})
}
