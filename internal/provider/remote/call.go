package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

const (
	maxTries  = 6
	firstWait = 500 * time.Millisecond // upper end of the first pause
	longWait  = 20 * time.Second       // upper end of any
	errorBody = 64 << 10               // read of a refusal
)

// caller sends requests to one server.
type caller struct {
	options Options
	vendor  vendor
	http    *http.Client
	pace    pace
	// all limits requests; background leaves one of them to queries, where
	// there is more than one.
	all, background chan struct{}

	now    func() time.Time
	sleep  func(ctx context.Context, d time.Duration) error
	jitter func() float64 // in [0,1)
}

func newCaller(o Options, v vendor) *caller {
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: o.Concurrency,
			IdleConnTimeout:     90 * time.Second,
			ForceAttemptHTTP2:   true,
		}
	}
	return &caller{
		options: o, vendor: v,
		http: &http.Client{
			Transport: transport,
			// SECURITY: a redirect would carry texts, and perhaps the key,
			// elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		all:        make(chan struct{}, o.Concurrency),
		background: make(chan struct{}, max(1, o.Concurrency-1)),
		now:        time.Now, sleep: sleep, jitter: rand.Float64,
	}
}

// close lets connections go.
func (c *caller) close() { c.http.CloseIdleConnections() }

// enter takes a slot; leave gives it back.
func (c *caller) enter(ctx context.Context, background bool) (leave func(), err error) {
	var taken []chan struct{}
	leave = func() {
		for _, slot := range taken {
			<-slot
		}
	}
	slots := []chan struct{}{c.all}
	if background {
		slots = []chan struct{}{c.background, c.all}
	}
	for _, slot := range slots {
		select {
		case slot <- struct{}{}:
			taken = append(taken, slot)
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}

// request is one call: a body to post, and what to do with the answer.
type request struct {
	operation  string
	path       string
	body       any
	background bool
	items      int
	estimated  int   // tokens sent
	limit      int64 // bytes of a response
	// read takes the numbers out and returns the tokens billed, 0 for unknown.
	read func(h http.Header, body []byte) (tokens int, err error)
}

// do sends r, again where that can help, until it succeeds, the deadline passes
// or ctx ends. The observer hears of it once.
func (c *caller) do(ctx context.Context, r request) error {
	leave, err := c.enter(ctx, r.background)
	if err != nil {
		return err
	}
	defer leave()
	o := c.options
	call := Call{Provider: o.Kind, Model: nameOf(o), Operation: r.operation, Items: r.items}
	body, err := json.Marshal(r.body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	start := c.now()
	within, cancel := context.WithTimeout(ctx, o.Deadline)
	defer cancel()
	err = c.tries(within, r, body, &call)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	call.Took = c.now().Sub(start)
	call.Error, call.Canceled = TypeOf(err), errors.Is(err, context.Canceled)
	if err == nil && call.Tokens == 0 {
		call.Tokens, call.Estimated = r.estimated, true
	}
	call.CostUSD = float64(call.Tokens) * o.PricePerMillionTokens / 1e6
	o.Observe(call)
	return err
}

func (c *caller) tries(ctx context.Context, r request, body []byte, call *Call) error {
	for try := 0; ; try++ {
		if err := c.await(ctx, call); err != nil {
			return err
		}
		f := c.try(ctx, r, body, call)
		if f == nil {
			return nil
		}
		call.Failures = append(call.Failures, f.kind)
		if f.kind == ErrRateLimited {
			c.pace.pause(c.now(), f.wait)
		}
		if !f.retry || try+1 == maxTries || ctx.Err() != nil {
			return f
		}
		pause := max(f.wait, c.backoff(try))
		if deadline, ok := ctx.Deadline(); ok && c.now().Add(pause).After(deadline) {
			return f // it would come too late
		}
		if f.kind == ErrRateLimited {
			call.Waited += pause
		}
		if err := c.sleep(ctx, pause); err != nil {
			return f
		}
	}
}

// await waits for the server's rate limit, if another call met it.
func (c *caller) await(ctx context.Context, call *Call) error {
	left := c.pace.left(c.now())
	if left == 0 {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok && c.now().Add(left).After(deadline) {
		return &failure{kind: ErrRateLimited, wait: left}
	}
	call.Waited += left
	return c.sleep(ctx, left)
}

// backoff is a random pause under an exponential bound ("full jitter":
// M. Brooker, "Exponential Backoff And Jitter", 2015).
func (c *caller) backoff(try int) time.Duration {
	bound := min(longWait, firstWait<<try)
	return time.Duration(c.jitter() * float64(bound))
}

// try sends the request once.
func (c *caller) try(ctx context.Context, r request, body []byte, call *Call) *failure {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.BaseURL+r.path, bytes.NewReader(body))
	if err != nil {
		return &failure{kind: ErrOther, err: errors.New("make request")}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "quarry")
	if c.options.Key != "" {
		c.vendor.auth(req.Header, c.options.Key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return networkFailure(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, errorBody)) // helps to tell errors apart, no more
		return classify(c.vendor, res.StatusCode, res.Header, text, c.now())
	}
	c.pace.pause(c.now(), exhausted(res.Header, c.now()))
	text, err := io.ReadAll(io.LimitReader(res.Body, r.limit+1))
	if err != nil {
		return networkFailure(ctx, err)
	}
	if int64(len(text)) > r.limit {
		return &failure{kind: ErrOther, status: res.StatusCode, err: fmt.Errorf("more than %d bytes", r.limit)}
	}
	tokens, err := r.read(res.Header, text)
	if err != nil {
		return &failure{kind: ErrOther, status: res.StatusCode, err: err}
	}
	call.Tokens = tokens
	return nil
}
