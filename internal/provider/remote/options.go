package remote

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Key is a secret that prints as "[key]" everywhere but in the request's
// header.
type Key string

const hidden = "[key]"

// String, GoString, Format and MarshalText hide the key.
func (k Key) String() string               { return hidden }
func (k Key) GoString() string             { return hidden }
func (k Key) Format(s fmt.State, _ rune)   { _, _ = s.Write([]byte(hidden)) }
func (k Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Options name a server and a model, and limit what is asked of them. Zero
// fields take the defaults of the kind.
type Options struct {
	Kind    string // one of EmbedderKinds or RerankerKinds
	Model   string // as the server calls it; of Azure the deployment
	BaseURL string // default: the vendor's public address
	Key     Key

	// Dim is the length of the vectors. A known model has a default; where it
	// can cut its vectors (Matryoshka) another length is asked for. Of an
	// unknown model it must be said, and is only checked.
	Dim           int
	MaxTokens     int    // of one text; longer ones are cut. Default: the known model's, else 512
	QueryPrompt   string // put before each query
	PassagePrompt string // put before each passage

	MaxBatch       int           // texts of one request
	MaxBatchTokens int           // tokens of one request, by estimate
	Concurrency    int           // requests at once (4)
	Timeout        time.Duration // of one try (30 s)
	Deadline       time.Duration // of one request with its retries (2 min)

	PricePerMillionTokens float64 // US dollars, for the cost that is reported

	Observe   func(Call)        // default: nobody is told
	Transport http.RoundTripper // default: one of its own
}

// withDefaults returns a copy with the vendor's defaults filled in.
func (o Options) withDefaults(v vendor) Options {
	known := v.models[o.Model]
	setDefault(&o.BaseURL, v.baseURL)
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	setDefault(&o.Dim, known.dim)
	setDefault(&o.MaxTokens, known.maxTokens)
	setDefault(&o.MaxTokens, 512)
	setDefault(&o.MaxBatch, v.maxBatch)
	setDefault(&o.MaxBatchTokens, v.maxBatchTokens)
	setDefault(&o.Concurrency, 4)
	setDefault(&o.Timeout, 30*time.Second)
	setDefault(&o.Deadline, max(2*time.Minute, o.Timeout))
	if o.Observe == nil {
		o.Observe = func(Call) {}
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate lists every fault of options with defaults.
func (o Options) validate(v vendor, embedder bool) error {
	var faults []string
	fault := func(name, format string, args ...any) {
		faults = append(faults, name+": "+fmt.Sprintf(format, args...))
	}
	if o.Model == "" && !v.modelless {
		fault("model", "%s needs the name of a model", o.Kind)
	}
	if o.Key == "" && v.keyed {
		fault("key", "%s needs a key", o.Kind)
	}
	if strings.ContainsFunc(string(o.Key), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		fault("key", "holds a character that no key has: a space or line end, perhaps")
	}
	o.validateURL(v, fault)
	if embedder {
		o.validateDim(v, fault)
	}
	limit := func(name string, value, most int) {
		if value < 1 || value > most {
			fault(name, "%d is not between 1 and %d", value, most)
		}
	}
	limit("max_tokens", o.MaxTokens, 1<<20)
	if prompt := max(estimate(o.QueryPrompt), estimate(o.PassagePrompt)); o.MaxTokens > 0 && prompt > o.MaxTokens/2 {
		fault("max_tokens", "%d leaves too little beside a prompt of %d", o.MaxTokens, prompt)
	}
	limit("max_batch", o.MaxBatch, 1<<16)
	limit("max_batch_tokens", o.MaxBatchTokens, 1<<24)
	limit("concurrency", o.Concurrency, 256)
	if o.Timeout < time.Millisecond || o.Timeout > time.Hour {
		fault("timeout", "%s is not between 1ms and 1h", o.Timeout)
	}
	if o.Deadline < o.Timeout {
		fault("deadline", "%s is less than the timeout of one try (%s)", o.Deadline, o.Timeout)
	}
	if !(o.PricePerMillionTokens >= 0 && o.PricePerMillionTokens < 1e6) {
		fault("price_per_million_tokens", "%g is no price", o.PricePerMillionTokens)
	}
	if len(faults) == 0 {
		return nil
	}
	return errors.New(strings.Join(faults, "; "))
}

func (o Options) validateURL(v vendor, fault func(name, format string, args ...any)) {
	if o.BaseURL == "" {
		fault("base_url", "%s needs the address of its server", o.Kind)
		return
	}
	u, err := url.Parse(o.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		fault("base_url", "is not a URL, as in https://host/v1")
		return
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		fault("base_url", "must have no user, query or fragment; a secret belongs into key")
	}
	if u.Scheme == "http" && v.keyed && !isLoopback(u.Hostname()) {
		fault("base_url", "the key of %s would travel unencrypted: use https", o.Kind)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (o Options) validateDim(v vendor, fault func(name, format string, args ...any)) {
	known, ok := v.models[o.Model]
	switch {
	case o.Dim == 0:
		fault("dim", "the vectors' length is not known for %q: say it", o.Model)
	case o.Dim < 1 || o.Dim > 1<<16:
		fault("dim", "%d is not between 1 and 65536", o.Dim)
	case ok && o.Dim > max(known.dim, known.maxDim):
		fault("dim", "%d is more than the %d of %s", o.Dim, max(known.dim, known.maxDim), o.Model)
	case ok && o.Dim != known.dim && !known.matryoshka:
		fault("dim", "%s has %d dimensions and cannot cut them", o.Model, known.dim)
	}
}

// askDim is the dimension to ask the server for; 0 to take what it gives.
func (o Options) askDim(v vendor) int {
	if known, ok := v.models[o.Model]; ok && known.dim != o.Dim {
		return o.Dim
	}
	return 0
}

// host is the address without credentials, for fingerprints.
func (o Options) host() string {
	if u, err := url.Parse(o.BaseURL); err == nil {
		return u.Host
	}
	return ""
}

func unknownKind(kind string, kinds []string) error {
	return fmt.Errorf("kind: %q is unknown; use %s", kind, strings.Join(kinds, ", "))
}

func kindsWith(has func(vendor) bool) []string {
	kinds := slices.Sorted(maps.Keys(vendors))
	return slices.DeleteFunc(kinds, func(kind string) bool { return !has(vendors[kind]) })
}
