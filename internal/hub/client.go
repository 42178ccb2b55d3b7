package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Options of a Client.
type Options struct {
	Endpoint  string            // base URL, as in https://huggingface.co
	Token     string            // "" asks without one
	Transport http.RoundTripper // default: one of its own, with timeouts
	MaxBytes  int64             // of one file; default 16 GiB
	Progress  func(Progress)    // called often, from one goroutine; may be nil
	// Sleep waits between attempts; default: a timer. Tests replace it.
	Sleep func(ctx context.Context, d time.Duration) error
	// Stall is how long a download may bring nothing; default 60 s.
	Stall time.Duration
}

// Progress tells how far a file is.
type Progress struct {
	Path        string
	Done, Total int64 // bytes
}

// Client talks to one endpoint. Not for concurrent use.
type Client struct {
	o        Options
	endpoint *url.URL
	http     *http.Client
}

const (
	maxHops        = 8
	maxAttempts    = 6   // without any byte of progress in between
	maxUnreachable = 3   // when no connection can be made
	maxCuts        = 200 // of one file, with progress
	defaultMax     = 16 << 30
)

// New returns a client. It connects to nothing yet; Close it.
func New(o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(o.Endpoint, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("hub endpoint %q is not a URL, as in https://huggingface.co", o.Endpoint)
	}
	if o.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = 30 * time.Second
		o.Transport = t
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMax
	}
	if o.Stall <= 0 {
		o.Stall = time.Minute
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	c := &Client{o: o, endpoint: u}
	c.http = &http.Client{
		Transport: o.Transport,
		// Redirects are followed here, by get, which must see their headers.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// linked is what the hub itself says of a file, before it sends the request
// on to where the bytes are.
type linked struct {
	commit string // X-Repo-Commit
	etag   string // X-Linked-Etag, else ETag: SHA-256 of a large file, git's SHA-1 of a small one
	size   int64  // X-Linked-Size, else the length; -1 for unknown
}

func (l *linked) read(h http.Header, redirect bool) {
	if v := h.Get("X-Repo-Commit"); v != "" {
		l.commit = v
	}
	if v := h.Get("X-Linked-Etag"); v != "" {
		l.etag = etag(v)
	} else if v := h.Get("ETag"); v != "" && l.etag == "" && !redirect {
		l.etag = etag(v)
	}
	if n, err := strconv.ParseInt(h.Get("X-Linked-Size"), 10, 64); err == nil {
		l.size = n
	}
}

// etag is an entity tag without its quotes.
func etag(v string) string { return strings.Trim(strings.TrimPrefix(strings.TrimSpace(v), "W/"), `"`) }

// send makes one request and follows redirects. The caller closes the body.
// A HEAD request ends where the hub sends it to another host.
//
// SECURITY: the token goes to the endpoint's own scheme and host only, and a
// redirect never leads from https to http.
func (c *Client) send(ctx context.Context, method, address string, header http.Header) (*http.Response, linked, error) {
	meta := linked{size: -1}
	at, err := url.Parse(address)
	if err != nil {
		return nil, meta, fmt.Errorf("address %q: %w", address, err)
	}
	for range maxHops {
		req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
		if err != nil {
			return nil, meta, fmt.Errorf("make request: %w", err)
		}
		for name, v := range header {
			req.Header[name] = v
		}
		req.Header.Set("User-Agent", "quarry")
		home := at.Scheme == c.endpoint.Scheme && at.Host == c.endpoint.Host
		if home && c.o.Token != "" {
			req.Header.Set("Authorization", "Bearer "+c.o.Token)
		}
		res, err := c.http.Do(req)
		if err != nil {
			return nil, meta, &networkError{host: at.Host, err: err}
		}
		next, err := redirect(at, res)
		if home || err == nil && next == nil {
			meta.read(res.Header, next != nil)
		}
		if err == nil && next == nil {
			return res, meta, nil
		}
		if err == nil && method == http.MethodHead && next.Host != at.Host {
			return res, meta, nil
		}
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection is used again
		_ = res.Body.Close()                         // only read
		if err != nil {
			return nil, meta, err
		}
		at = next
	}
	return nil, meta, fmt.Errorf("%s: more than %d redirects", address, maxHops)
}

// redirect is where a response leads, nil for nowhere.
func redirect(at *url.URL, res *http.Response) (*url.URL, error) {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	next, err := at.Parse(res.Header.Get("Location"))
	if err != nil || res.Header.Get("Location") == "" {
		return nil, fmt.Errorf("%s redirects to no usable address", at.Host)
	}
	if next.Scheme != "https" && (next.Scheme != "http" || at.Scheme == "https") {
		return nil, fmt.Errorf("%s redirects to %s://%s, which is refused", at.Host, next.Scheme, next.Host)
	}
	return next, nil
}
