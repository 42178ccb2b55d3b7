package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Config is everything that can be set from outside.
type Config struct {
	Data            string        // the data directory, absolute after Load
	Listen          string        // host:port of the API and the console
	Server          string        // base URL of a running server, for client commands; "" for none
	AllowedHosts    []string      // host names, beside loopback ones, that requests may be sent to
	ShutdownTimeout time.Duration // how long requests in flight may finish after a stop

	LogLevel  string // "debug", "info", "warn", "error"; "" leaves it to the command
	LogFormat string // "text", "json", or "auto": text on a terminal, json elsewhere

	IngestWorkers    int  // documents parsed at once
	MaxDocumentBytes Size // larger documents are skipped
	InflightBytes    Size // source bytes held by documents in work, together

	RecallSample float64 // fraction of searches by meaning that are repeated exactly; 0 for none

	Retention time.Duration // how long former versions can be searched; 0 keeps none

	RescanInterval time.Duration // full walk of watched folders, beside file events

	OTLPEndpoint string // base URL of an OTLP/HTTP collector; "" sends nothing anywhere

	Embedder Provider // embeds in place of Model, when it has a Kind
	Reranker Provider // reranks; Kind "local" names an installed model

	Model string // name of an installed embedding model; "" for the built-in one

	// Of the Hugging Face hub, for quarry model pull alone. Both come from the
	// environment, by the names that all its tools use, and from nowhere else.
	HubEndpoint string // HF_ENDPOINT: base URL of the hub or a mirror
	HubToken    string // HF_TOKEN
}

// Default is the configuration of a machine where nothing was set.
func Default() Config {
	return Config{
		Data:             defaultDataDir(os.LookupEnv),
		Listen:           "127.0.0.1:8080",
		ShutdownTimeout:  10 * time.Second,
		LogFormat:        "auto",
		IngestWorkers:    runtime.GOMAXPROCS(0),
		MaxDocumentBytes: 64 << 20,
		InflightBytes:    128 << 20,
		RecallSample:     0.001,
		RescanInterval:   10 * time.Minute,
		HubEndpoint:      "https://huggingface.co",
	}
}

// Source names where Load reads.
type Source struct {
	File   string                                // YAML; "" falls back to QUARRY_CONFIG, then to none
	Lookup func(name string) (v string, ok bool) // the environment; nil for the process's own
	Flags  map[string]string                     // the flags that were given, by setting key
}

// Load merges all sources and validates the result. Its error lists every
// fault found, each with its place.
func Load(src Source) (Config, error) {
	if src.Lookup == nil {
		src.Lookup = os.LookupEnv
	}
	c := Default()
	c.Data = defaultDataDir(src.Lookup)
	settings := Settings(&c)
	var faults []error
	if src.File == "" {
		src.File, _ = src.Lookup(EnvPrefix + "CONFIG")
	}
	if src.File != "" {
		faults = append(faults, loadFile(src.File, settings)...)
	}
	for _, s := range settings {
		if text, ok := src.Lookup(s.Env()); ok && text != "" {
			if err := s.Value.Set(text); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", s.Env(), err))
			}
		}
		if text, ok := src.Flags[s.Key]; ok {
			if err := s.Value.Set(text); err != nil {
				faults = append(faults, fmt.Errorf("--%s: %w", s.Flag(), err))
			}
		}
	}
	if text, ok := src.Lookup("HF_ENDPOINT"); ok && text != "" {
		c.HubEndpoint = text
	}
	c.HubToken, _ = src.Lookup("HF_TOKEN")
	if abs, err := filepath.Abs(c.Data); err == nil && c.Data != "" {
		c.Data = abs
	}
	faults = append(faults, c.faults()...)
	return c, joined(faults)
}

// Validate reports every fault of a Config that was built by hand.
func (c Config) Validate() error { return joined(c.faults()) }

func joined(faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("configuration: %w", errors.Join(faults...))
}

func (c Config) faults() (faults []error) {
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.Data == "" {
		fault("data", "no data directory: set --data or QUARRY_DATA, because this system names no user data folder")
	}
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || port == "" {
		fault("listen", "%q is not host:port, as in 127.0.0.1:8080", c.Listen)
	}
	if c.Server != "" && !isBaseURL(c.Server) {
		fault("server", "%q is not a URL, as in http://127.0.0.1:8080", c.Server)
	}
	if c.OTLPEndpoint != "" && !isBaseURL(c.OTLPEndpoint) {
		fault("otlp_endpoint", "%q is not a URL, as in http://127.0.0.1:4318", c.OTLPEndpoint)
	}
	if !isBaseURL(c.HubEndpoint) {
		fault("HF_ENDPOINT", "%q is not a URL, as in https://huggingface.co", c.HubEndpoint)
	}
	if levels := []string{"debug", "info", "warn", "error"}; c.LogLevel != "" && !slices.Contains(levels, c.LogLevel) {
		fault("log_level", "%q is not one of %s", c.LogLevel, strings.Join(levels, ", "))
	}
	if formats := []string{"text", "json", "auto"}; !slices.Contains(formats, c.LogFormat) {
		fault("log_format", "%q is not one of %s", c.LogFormat, strings.Join(formats, ", "))
	}
	if c.IngestWorkers < 1 || c.IngestWorkers > 1024 {
		fault("ingest_workers", "%d is not between 1 and 1024", c.IngestWorkers)
	}
	if c.MaxDocumentBytes < 1 || c.MaxDocumentBytes > 1<<30 {
		fault("max_document_bytes", "%s is not between 1 and 1GiB", c.MaxDocumentBytes)
	}
	if c.InflightBytes < c.MaxDocumentBytes {
		fault("inflight_bytes", "%s is less than max_document_bytes (%s): the largest document could never start",
			c.InflightBytes, c.MaxDocumentBytes)
	}
	if c.ShutdownTimeout <= 0 {
		fault("shutdown_timeout", "%s is not positive", c.ShutdownTimeout)
	}
	if !(c.RecallSample >= 0 && c.RecallSample <= 1) {
		fault("recall_sample", "%v is not between 0 and 1", c.RecallSample)
	}
	if c.Retention < 0 {
		fault("retention", "%s is negative", c.Retention)
	}
	if c.RescanInterval < time.Second {
		fault("rescan_interval", "%s is less than a second", c.RescanInterval)
	}
	return faults
}

func isBaseURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
