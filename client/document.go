package client

import (
	"context"
	"io"
	"net/url"

	"github.com/quarry-search/quarry/api"
)

// PutDocument creates or replaces a document. One that was skipped or failed
// is an error: a Problem with its Reason.
func (c *Client) PutDocument(ctx context.Context, collection string, in api.PutDocument, opts ...WriteOption) (api.PutResult, error) {
	return call[api.PutResult](ctx, c, request{method: "POST", path: []string{"v1", "collections", collection, "documents"}, body: in, options: opts})
}

// Documents lists the documents of a collection whose uri starts with
// uriPrefix, by id.
func (c *Client) Documents(ctx context.Context, collection, uriPrefix string, l List) (api.Page[api.Document], error) {
	q := l.query()
	set(q, "uri_prefix", uriPrefix)
	return call[api.Page[api.Document]](ctx, c, request{method: "GET", path: []string{"v1", "collections", collection, "documents"}, query: q})
}

func versionQuery(version int) url.Values {
	q := url.Values{}
	setInt(q, "version", version)
	return q
}

// Document returns a document at a version, 0 for the current one.
func (c *Client) Document(ctx context.Context, id string, version int) (api.Document, error) {
	return call[api.Document](ctx, c, request{method: "GET", path: []string{"v1", "documents", id}, query: versionQuery(version)})
}

// Window is a part of a version's text; the zero Window is the start of the
// current version, as much as the server gives at once.
type Window struct {
	Version   int
	ByteStart int
	ByteEnd   int // 0: as far as it goes
}

// DocumentText returns a window of a document's normalised text.
func (c *Client) DocumentText(ctx context.Context, id string, w Window) (api.DocumentText, error) {
	q := versionQuery(w.Version)
	setInt(q, "byte_start", w.ByteStart)
	setInt(q, "byte_end", w.ByteEnd)
	return call[api.DocumentText](ctx, c, request{method: "GET", path: []string{"v1", "documents", id, "text"}, query: q})
}

// DocumentSource returns the original bytes and their media type. The caller
// closes the reader.
func (c *Client) DocumentSource(ctx context.Context, id string, version int) (io.ReadCloser, string, error) {
	res, err := c.send(ctx, request{method: "GET", path: []string{"v1", "documents", id, "source"}, query: versionQuery(version), accept: "*/*"})
	if err != nil {
		return nil, "", err
	}
	return res.Body, res.Header.Get("Content-Type"), nil
}

// DocumentVersions lists the versions of a document, newest first.
func (c *Client) DocumentVersions(ctx context.Context, id string, l List) (api.Page[api.Version], error) {
	return call[api.Page[api.Version]](ctx, c, request{method: "GET", path: []string{"v1", "documents", id, "versions"}, query: l.query()})
}

// DocumentChunks lists the chunks of a version in order.
func (c *Client) DocumentChunks(ctx context.Context, id string, version int, l List) (api.Page[api.Chunk], error) {
	q := l.query()
	setInt(q, "version", version)
	return call[api.Page[api.Chunk]](ctx, c, request{method: "GET", path: []string{"v1", "documents", id, "chunks"}, query: q})
}

// DeleteDocument makes the current version gone.
func (c *Client) DeleteDocument(ctx context.Context, id string, opts ...WriteOption) (api.Written, error) {
	return call[api.Written](ctx, c, request{method: "DELETE", path: []string{"v1", "documents", id}, options: opts})
}

// PurgeDocument deletes a document, if it is there, and erases all its versions
// for good. It returns when no file of the server holds them.
func (c *Client) PurgeDocument(ctx context.Context, id string, opts ...WriteOption) (api.Written, error) {
	return call[api.Written](ctx, c, request{method: "DELETE", path: []string{"v1", "documents", id}, query: url.Values{"purge": {"true"}}, options: opts})
}

// EraseVersions erases the former versions of a document for good: all but the
// current one, if it has one.
func (c *Client) EraseVersions(ctx context.Context, id string, opts ...WriteOption) (api.Written, error) {
	return call[api.Written](ctx, c, request{method: "DELETE", path: []string{"v1", "documents", id, "versions"}, options: opts})
}

// SetAccess replaces a document's access list.
func (c *Client) SetAccess(ctx context.Context, id string, access []string, opts ...WriteOption) (api.Document, error) {
	return call[api.Document](ctx, c, request{method: "PUT", path: []string{"v1", "documents", id, "access"}, body: api.SetAccess{Access: access}, options: opts})
}
