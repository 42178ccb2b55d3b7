package remote

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxPause bounds what a rate-limit header of a success may hold up.
const maxPause = time.Minute

// pace holds all requests to one server until it wants to be asked again.
type pace struct {
	mu    sync.Mutex
	until time.Time
}

// pause holds requests for d from now on.
func (p *pace) pause(now time.Time, d time.Duration) {
	if d <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := now.Add(d); until.After(p.until) {
		p.until = until
	}
}

// left is how long to wait at now.
func (p *pace) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.until.Sub(now))
}

// retryAfter reads what a refusal asks for: Retry-After (RFC 9110, seconds or a
// date), or retry-after-ms as OpenAI and Azure send it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms >= 0 {
		return clampDuration(ms / 1000)
	}
	text := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 {
		return clampDuration(s)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func clampDuration(seconds float64) time.Duration {
	return time.Duration(min(seconds, 24*3600) * float64(time.Second))
}

// exhausted is how long to wait because some allowance is used up. Vendors name
// pairs alike: x-ratelimit-remaining-requests and x-ratelimit-reset-requests
// (OpenAI, Azure, vLLM behind gateways), -req-minute and -tokens-minute
// (Mistral), without a suffix (Jina), or without x- (the IETF draft). The reset
// is a duration ("6m0s", "20ms"), seconds, or the Unix time. A remainder of
// nothing without a reset says too little to wait for.
func exhausted(h http.Header, now time.Time) time.Duration {
	var longest time.Duration
	for name, values := range h {
		lower := strings.ToLower(name)
		if !strings.Contains(lower, "ratelimit-remaining") || len(values) == 0 {
			continue
		}
		if n, err := strconv.ParseFloat(values[0], 64); err != nil || n > 0 {
			continue
		}
		reset := h.Get(strings.Replace(lower, "ratelimit-remaining", "ratelimit-reset", 1))
		longest = max(longest, resetIn(reset, now))
	}
	return min(longest, maxPause)
}

func resetIn(text string, now time.Time) time.Duration {
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 {
		if s > 1e9 {
			return max(0, time.Unix(int64(s), 0).Sub(now))
		}
		return clampDuration(s)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return max(0, d)
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
