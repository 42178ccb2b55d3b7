package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/quarry-search/quarry/api"
)

// Client is a connection to one server.
type Client struct {
	base      *url.URL
	http      *http.Client
	userAgent string
}

// Option configures a Client.
type Option func(*Client)

// WithHTTPClient replaces http.DefaultClient. Its Timeout must leave room for
// streams and batches: prefer deadlines on contexts.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithUserAgent names the caller.
func WithUserAgent(name string) Option { return func(c *Client) { c.userAgent = name } }

// New makes a client of the server at baseURL, such as
// "http://127.0.0.1:8080". It opens no connection.
func New(baseURL string, opts ...Option) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a server: it starts with http:// or https://", baseURL)
	}
	c := &Client{base: u, http: http.DefaultClient, userAgent: "quarry-client"}
	for _, o := range opts {
		o(c)
	}
	return c, nil
}

// List asks for a page. Zero values take the server's defaults.
type List struct {
	After string // the Next of the page before
	Limit int
}

func (l List) query() url.Values {
	q := url.Values{}
	set(q, "after", l.After)
	setInt(q, "limit", l.Limit)
	return q
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

func setInt(q url.Values, name string, value int) {
	if value != 0 {
		q.Set(name, strconv.Itoa(value))
	}
}

// WriteOption makes a write conditional or repeatable.
type WriteOption func(http.Header)

// IfSeq writes only if the document or collection is still at this seq; the
// error is a Problem with code precondition_failed.
func IfSeq(seq uint64) WriteOption {
	return func(h http.Header) { h.Set("If-Match", `"`+strconv.FormatUint(seq, 10)+`"`) }
}

// IfAbsent writes only if there is no such document yet.
func IfAbsent() WriteOption {
	return func(h http.Header) { h.Set("If-None-Match", "*") }
}

// IdempotencyKey makes a repetition of the same request answer as the first
// one did.
func IdempotencyKey(key string) WriteOption {
	return func(h http.Header) { h.Set("Idempotency-Key", key) }
}

// request is one call; body is JSON unless it is an io.Reader.
type request struct {
	method  string
	path    []string // segments, unescaped
	query   url.Values
	body    any
	accept  string
	content string
	options []WriteOption

	accepted int // a status that is no refusal, though it looks like one
}

func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	escaped := make([]string, len(r.path))
	for i, segment := range r.path {
		escaped[i] = url.PathEscape(segment)
	}
	target := c.base.String() + "/" + strings.Join(escaped, "/")
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	body, isStream := r.body.(io.Reader)
	if r.body != nil && !isStream {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", or(r.accept, "application/json"))
	if body != nil {
		req.Header.Set("Content-Type", or(r.content, "application/json"))
	}
	for _, o := range r.options {
		o(req.Header)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask server: %w", err)
	}
	if res.StatusCode >= 300 && res.StatusCode != r.accepted {
		defer res.Body.Close()
		return nil, problemOf(res)
	}
	return res, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// problemOf reads a refused request's problem, or makes one of what came.
func problemOf(res *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	p := &api.Problem{}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/problem+json" || json.Unmarshal(b, p) != nil || p.Code == "" {
		return &api.Problem{
			Type: "about:blank", Title: http.StatusText(res.StatusCode), Status: res.StatusCode,
			Code: "not_quarry", Detail: fmt.Sprintf("the server answered %s without a problem: is it Quarry?", res.Status),
		}
	}
	return p
}

// call sends r and decodes a JSON response.
func call[T any](ctx context.Context, c *Client, r request) (T, error) {
	var out T
	res, err := c.send(ctx, r)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("decode response of %s /%s: %w", r.method, strings.Join(r.path, "/"), err)
	}
	return out, nil
}

// Code returns the code of the *api.Problem in err's chain, or "".
func Code(err error) string {
	var p *api.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
