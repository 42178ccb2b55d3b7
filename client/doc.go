// Package client talks to a Quarry server over its HTTP API.
//
//	c, err := client.New("http://127.0.0.1:8080")
//	res, err := c.Search(ctx, api.SearchRequest{Query: "how to restore a backup"})
//
// A request that the server refused returns an *api.Problem as its error; any
// other error means that no answer came. All methods are safe for concurrent
// use and end when their context does.
package client
