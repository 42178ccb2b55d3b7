package telemetry

import (
	"time"
)

// ProviderCall is what one request to another server, with its retries, was
// and cost.
type ProviderCall struct {
	Provider  string // the kind of server
	Model     string
	Operation string        // "chat", "embeddings", "rerank"
	Error     string        // its type; "" for success
	Canceled  bool          // the caller went away
	Failures  []string      // types of all failed tries
	Took      time.Duration // retries and waits included
	Waited    time.Duration // for rate limits
	Tokens    int           // of input
	CostUSD   float64
}

func (m *Metrics) registerProvider() {
	m.providerDuration = m.histograms("provider_request_duration_seconds", "Duration of requests to other servers, with their retries.", buckets, "provider", "model", "operation", "outcome")
	m.providerErrors = m.counters("provider_errors_total", "Failed tries of requests to other servers.", "provider", "type")
	m.providerUp = m.gaugeVec("provider_up", "Whether the last request to the server succeeded.", "provider")
	m.providerWait = m.histograms("provider_rate_limit_wait_seconds", "Waits for rate limits of other servers.", buckets, "provider")
	m.providerTokens = m.counters("provider_tokens_total", "Tokens that other servers billed, or an estimate.", "provider", "model", "type")
	m.providerCost = m.counters("provider_cost_usd_total", "Cost of those tokens at the configured price.", "provider", "model")
}

// Provider makes the series of a configured provider exist, and takes it as up
// until a call says otherwise.
func (m *Metrics) Provider(provider, model string) {
	p := m.among(providers, provider, "provider_errors_total")
	m.providerModels = append(m.providerModels, model)
	zero(m.providerErrors, []string{p}, providerErrors)
	zeroHistogram(m.providerWait, []string{p})
	m.providerTokens.WithLabelValues(p, model, "input")
	m.providerCost.WithLabelValues(p, model)
	m.providerUp.WithLabelValues(p).Set(1)
}

// ProviderCall records a call to a provider that Provider has named.
func (m *Metrics) ProviderCall(c ProviderCall) {
	provider := m.among(providers, c.Provider, "provider_errors_total")
	model := m.among(m.providerModels, c.Model, "provider_request_duration_seconds")
	m.providerDuration.WithLabelValues(provider, model,
		m.among(providerOperations, c.Operation, "provider_request_duration_seconds"), providerOutcome(c)).Observe(c.Took.Seconds())
	for _, kind := range c.Failures {
		m.providerErrors.WithLabelValues(provider, m.among(providerErrors, kind, "provider_errors_total")).Inc()
	}
	if c.Waited > 0 {
		m.providerWait.WithLabelValues(provider).Observe(c.Waited.Seconds())
	}
	m.providerTokens.WithLabelValues(provider, model, "input").Add(float64(c.Tokens))
	m.providerCost.WithLabelValues(provider, model).Add(c.CostUSD)
	switch {
	case c.Canceled, c.Error == "invalid", c.Error == "filtered": // says nothing about the server
	case c.Error == "":
		m.providerUp.WithLabelValues(provider).Set(1)
	default:
		m.providerUp.WithLabelValues(provider).Set(0)
	}
}

func providerOutcome(c ProviderCall) string {
	switch {
	case c.Canceled:
		return "canceled"
	case c.Error != "":
		return "error"
	}
	return "ok"
}
