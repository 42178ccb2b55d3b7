package client

import (
	"context"
	"net/http"

	"github.com/quarry-search/quarry/api"
)

// Search returns hits, best first.
func (c *Client) Search(ctx context.Context, in api.SearchRequest) (api.SearchResponse, error) {
	return call[api.SearchResponse](ctx, c, request{method: "POST", path: []string{"v1", "search"}, body: in})
}

// Rerank returns the relevance of documents to a query, best first.
func (c *Client) Rerank(ctx context.Context, in api.RerankRequest) (api.RerankResponse, error) {
	return call[api.RerankResponse](ctx, c, request{method: "POST", path: []string{"v1", "rerank"}, body: in})
}

// Version says what the server runs.
func (c *Client) Version(ctx context.Context) (api.VersionInfo, error) {
	return call[api.VersionInfo](ctx, c, request{method: "GET", path: []string{"v1", "version"}})
}

// Ready says whether the server can serve. A server that is not ready is an
// answer, not an error.
func (c *Client) Ready(ctx context.Context) (api.Ready, error) {
	return call[api.Ready](ctx, c, request{method: "GET", path: []string{"readyz"}, accepted: http.StatusServiceUnavailable})
}
