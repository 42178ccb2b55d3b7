package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// networkError is a request that got no answer.
type networkError struct {
	host string
	err  error
}

func (e *networkError) Error() string { return fmt.Sprintf("reach %s: %v", e.host, e.err) }
func (e *networkError) Unwrap() error { return e.err }

// unreachable reports that no connection could be made at all.
func (e *networkError) unreachable() bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(e.err, &dns) || errors.As(e.err, &op) && op.Op == "dial"
}

// statusError is an answer that is not what was asked for.
type statusError struct {
	host    string
	status  int
	code    string // X-Error-Code, as in "GatedRepo"
	message string // X-Error-Message
	after   time.Duration
}

func (e *statusError) Error() string {
	s := fmt.Sprintf("%s answers %d %s", e.host, e.status, http.StatusText(e.status))
	if e.message != "" {
		s += ": " + e.message
	}
	return s
}

func (e *statusError) temporary() bool {
	switch e.status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// cutError is a body that ended early, came too slowly, or stands elsewhere in
// the file than was asked.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }

// fault reads a response that is no success, and closes it.
func fault(res *http.Response) error {
	defer res.Body.Close()
	e := &statusError{host: res.Request.URL.Host, status: res.StatusCode, code: res.Header.Get("X-Error-Code"), message: printable(res.Header.Get("X-Error-Message"))}
	if v := res.Header.Get("Retry-After"); v != "" {
		if n, err := strconv.Atoi(v); err == nil && n >= 0 {
			e.after = time.Duration(min(n, 1<<20)) * time.Second
		} else if t, err := http.ParseTime(v); err == nil {
			e.after = max(0, time.Until(t))
		}
	}
	_, _ = io.CopyN(io.Discard, res.Body, 4<<10) // so that the connection is used again
	return e
}

// printable keeps what another host says on one short line.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return s[:min(len(s), 300)]
}

// maxAfter bounds how long a server may make a person wait.
const maxAfter = 5 * time.Minute

// pause is how long to wait before attempt n+1; ok is false when err will not
// pass by itself.
func pause(err error, n int) (d time.Duration, ok bool) {
	var status *statusError
	var network *networkError
	var cut *cutError
	limit := maxAttempts
	switch {
	case errors.As(err, &status):
		if !status.temporary() || status.after > maxAfter {
			return 0, false
		}
	case errors.As(err, &network):
		if network.unreachable() {
			limit = maxUnreachable
		}
	case errors.As(err, &cut):
	default:
		return 0, false
	}
	if n >= limit {
		return 0, false
	}
	// Full jitter on a doubling wait, so that many clients do not come back
	// together; what the server asks for is the least.
	d = time.Duration(rand.Int64N(int64(500*time.Millisecond)<<min(n, 6))) + 100*time.Millisecond
	if status != nil {
		d += status.after
	}
	return d, true
}

// retry calls f until it succeeds or fails for good. f tells whether it got
// anywhere: then the count of failures begins anew.
func (c *Client) retry(ctx context.Context, f func() (progress bool, err error)) error {
	for fails, cuts := 0, 0; ; cuts++ {
		progress, err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fails++; progress {
			fails = 1
		}
		d, ok := pause(err, fails)
		if !ok || cuts >= maxCuts {
			return err
		}
		if err := c.o.Sleep(ctx, d); err != nil {
			return err
		}
	}
}

// explain turns what stopped a download into what a person can do about it.
func (c *Client) explain(r Ref, err error) error {
	var status *statusError
	var network *networkError
	page := c.endpoint.String() + "/" + r.ID
	switch {
	case errors.As(err, &network) && network.unreachable():
		return fmt.Errorf("%w; without a network, copy the model's directory here and run: quarry model import DIR; a mirror is named by HF_ENDPOINT", err)
	case !errors.As(err, &status):
		return err
	case status.code == "GatedRepo" || status.status == http.StatusForbidden:
		return fmt.Errorf("%w; access to %s is restricted: accept its conditions at %s, then set HF_TOKEN to a token of that account", err, r.ID, page)
	case status.status == http.StatusUnauthorized && c.o.Token == "":
		return fmt.Errorf("%w; %s does not exist, or is private or gated: if it is, set HF_TOKEN", err, r.ID)
	case status.status == http.StatusUnauthorized:
		return fmt.Errorf("%w; the token in HF_TOKEN is not accepted for %s", err, r.ID)
	case status.code == "RevisionNotFound":
		return fmt.Errorf("%w; %s has no revision %q", err, r.ID, r.Revision)
	case status.status == http.StatusNotFound:
		return fmt.Errorf("%w; there is no %s: look at its name and revision at %s", err, r, page)
	case status.status == http.StatusTooManyRequests && status.after > maxAfter:
		return fmt.Errorf("%w; it asks to wait %s: try again then, or set HF_TOKEN", err, status.after.Round(time.Second))
	}
	return err
}
