package client

import (
	"context"

	"github.com/quarry-search/quarry/api"
)

// Collections lists collections by name.
func (c *Client) Collections(ctx context.Context, l List) (api.Page[api.Collection], error) {
	return call[api.Page[api.Collection]](ctx, c, request{method: "GET", path: []string{"v1", "collections"}, query: l.query()})
}

// CreateCollection fails with code conflict when the name is taken.
func (c *Client) CreateCollection(ctx context.Context, in api.CreateCollection, opts ...WriteOption) (api.Collection, error) {
	return call[api.Collection](ctx, c, request{method: "POST", path: []string{"v1", "collections"}, body: in, options: opts})
}

// Collection returns one collection.
func (c *Client) Collection(ctx context.Context, name string) (api.Collection, error) {
	return call[api.Collection](ctx, c, request{method: "GET", path: []string{"v1", "collections", name}})
}

// AlterCollection replaces what is given.
func (c *Client) AlterCollection(ctx context.Context, name string, in api.AlterCollection, opts ...WriteOption) (api.Collection, error) {
	return call[api.Collection](ctx, c, request{method: "PATCH", path: []string{"v1", "collections", name}, body: in, options: opts})
}

// DropCollection removes a collection and all its documents.
func (c *Client) DropCollection(ctx context.Context, name string, opts ...WriteOption) (api.Written, error) {
	return call[api.Written](ctx, c, request{method: "DELETE", path: []string{"v1", "collections", name}, options: opts})
}

// CollectionStats returns totals.
func (c *Client) CollectionStats(ctx context.Context, name string) (api.CollectionStats, error) {
	return call[api.CollectionStats](ctx, c, request{method: "GET", path: []string{"v1", "collections", name, "stats"}})
}
