package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EnvPrefix begins the name of every environment variable that is read.
// Unknown names with this prefix are ignored, not refused: Kubernetes injects
// QUARRY_PORT and its like into every pod beside a service named quarry.
const EnvPrefix = "QUARRY_"

// Setting is one line of the table: a key, what it means, and the field it
// sets.
type Setting struct {
	Key   string // "log_level": the path in the file
	Usage string
	Value Value
}

// Value reads and prints one field.
type Value interface {
	Set(text string) error
	String() string
}

// Env is the environment name: "log_level" becomes QUARRY_LOG_LEVEL.
func (s Setting) Env() string {
	return EnvPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(s.Key))
}

// Flag is the flag's name: "log_level" becomes log-level.
func (s Setting) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.Key) }

// HasFlag reports whether the setting can be given as a flag. Those of a section
// are many and hold secrets, which a list of processes would show: they are set
// in the file or the environment.
func (s Setting) HasFlag() bool { return !strings.Contains(s.Key, ".") }

// Settings is the table, bound to c.
func Settings(c *Config) []Setting {
	settings := []Setting{
		{"data", "data directory", text{&c.Data}},
		{"listen", "address of the API and the console", text{&c.Listen}},
		{"allowed_host", "host names that a proxy in front may use, separated by commas", list{&c.AllowedHosts}},
		{"server", "URL of a running server to talk to", text{&c.Server}},
		{"shutdown_timeout", "how long requests in flight may finish after a stop", duration{&c.ShutdownTimeout}},
		{"log_level", "debug, info, warn or error (serve: info, others: warn)", text{&c.LogLevel}},
		{"log_format", "text, json, or auto: text on a terminal, json elsewhere", text{&c.LogFormat}},
		{"ingest_workers", "documents parsed at once", integer{&c.IngestWorkers}},
		{"max_document_bytes", "larger documents are skipped", &c.MaxDocumentBytes},
		{"inflight_bytes", "bytes held by documents in work", &c.InflightBytes},
		{"rescan_interval", "full walk of watched folders, beside file events", duration{&c.RescanInterval}},
		{"recall_sample", "fraction of searches by meaning that are repeated exactly in the background, to watch recall; 0 for none", number{&c.RecallSample}},
		{"retention", "how long former versions can be searched (as_of), as in 720h; 0 keeps none", duration{&c.Retention}},
		{"model", "embedding model, by the name it was installed under; empty for the built-in one", text{&c.Model}},
		{"otlp_endpoint", "URL of an OTLP/HTTP collector for traces; empty sends nothing", text{&c.OTLPEndpoint}},
	}
	return slices.Concat(settings,
		providerSettings("embedder", "kind of another server that embeds in place of model; empty for none", &c.Embedder),
		providerSettings("reranker", "kind of server that reranks, or local for an installed model; empty for none", &c.Reranker))
}

type text struct{ p *string }

func (v text) Set(s string) error { *v.p = s; return nil }
func (v text) String() string     { return *v.p }

type list struct{ p *[]string }

func (v list) String() string { return strings.Join(*v.p, ",") }
func (v list) Set(s string) error {
	*v.p = nil
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*v.p = append(*v.p, part)
		}
	}
	return nil
}

type integer struct{ p *int }

func (v integer) String() string { return strconv.Itoa(*v.p) }
func (v integer) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return fmt.Errorf("%q is not a whole number", s)
	}
	*v.p = n
	return nil
}

type duration struct{ p *time.Duration }

func (v duration) String() string { return v.p.String() }
func (v duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration, as in 10s or 5m", s)
	}
	*v.p = d
	return nil
}

// Size is a number of bytes, written plainly or with KiB, MiB, GiB (powers of
// 1024) or kB, MB, GB (powers of 1000).
type Size int64

var sizeUnits = []struct {
	suffix string
	factor int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

// Set reads a size.
func (z *Size) Set(s string) error {
	number, factor := s, int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		return fmt.Errorf("%q is not a size, as in 64MiB", s)
	}
	*z = Size(n * factor)
	return nil
}

func (z Size) String() string {
	for _, u := range []int{2, 1, 0} {
		if f := sizeUnits[u].factor; z != 0 && int64(z)%f == 0 {
			return strconv.FormatInt(int64(z)/f, 10) + sizeUnits[u].suffix
		}
	}
	return strconv.FormatInt(int64(z), 10)
}
