package telemetry

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func (m *Metrics) registerHTTP() {
	m.serverDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_server_request_duration_seconds", Help: "Duration of HTTP requests by route.", Buckets: buckets,
	}, []string{"http_request_method", "http_route", "http_response_status_code"})
	m.registry.MustRegister(m.serverDuration)
	m.requests = m.counters("http_requests_total", "Requests by what they asked and how they ended.", "surface", "operation", "outcome")
	zero(m.requests, surfaces, operations, outcomes)
	m.problems = m.counters("http_problems_total", "Problems sent, by code.", "code")
	zero(m.problems, codes)
	m.inFlight = m.gaugeVec("http_in_flight", "Requests running.", "kind")
	m.inFlight.WithLabelValues("unary")
	m.inFlight.WithLabelValues("stream")
}

// RequestStarted counts a running request of kind "unary" or "stream".
func (m *Metrics) RequestStarted(kind string) (done func()) {
	g := m.inFlight.WithLabelValues(m.among([]string{"unary", "stream"}, kind, "http_in_flight"))
	g.Inc()
	return g.Dec
}

// RequestDone records a finished request. An empty operation is a probe or a
// page, which the duration counts and the totals do not.
func (m *Metrics) RequestDone(method, route string, status int, operation, outcome, code string, took time.Duration) {
	if !slices.Contains(methods, method) {
		method = other
	}
	m.serverDuration.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
	if operation != "" {
		m.requests.WithLabelValues(surfaceOf(route),
			m.among(operations, operation, "http_requests_total"), m.among(outcomes, outcome, "http_requests_total")).Inc()
	}
	if code != "" {
		m.problems.WithLabelValues(m.among(codes, code, "http_problems_total")).Inc()
	}
}

// surfaceOf is whose shapes a route speaks.
func surfaceOf(route string) string {
	for _, surface := range surfaces[1:] {
		if strings.HasPrefix(route, "/"+surface+"/") {
			return surface
		}
	}
	return surfaces[0]
}
