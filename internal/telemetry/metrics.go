package telemetry

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/quarry-search/quarry/internal/rag"
)

// Build says what runs.
type Build struct {
	Version, Revision string
	Models            []Model
	Kernels           map[string]string // by operation
	// Collections are at most 50 names that searches are told apart by; all
	// others are "_other".
	Collections []string
}

// Model is a model in use.
type Model struct {
	Role, Name, Fingerprint string
}

const maxCollections = 50

// Metrics are all metrics of one process. Safe for concurrent use.
type Metrics struct {
	registry    *prometheus.Registry
	collections []string
	started     time.Time
	gauges      *gauges
	pending     pending

	serverDuration, searchDuration, searchStage    *prometheus.HistogramVec
	answerDuration, answerFirst, answerStage       *prometheus.HistogramVec
	parseDuration, ingestStage, freshnessDuration  *prometheus.HistogramVec
	requests, problems, degradedStages, empty      *prometheus.CounterVec
	paths, answerResults, sentences                *prometheus.CounterVec
	accepted, documentResults, chunks, embedResult *prometheus.CounterVec
	followerErrors, jobsFinished                   *prometheus.CounterVec
	dropped, overflow                              *prometheus.CounterVec
	inFlight                                       *prometheus.GaugeVec
	panics, corruptions                            prometheus.Counter
	taskDuration                                   *prometheus.HistogramVec

	providerDuration, providerWait               *prometheus.HistogramVec
	providerErrors, providerTokens, providerCost *prometheus.CounterVec
	providerUp                                   *prometheus.GaugeVec
	providerModels                               []string // configured, before any call
}

var (
	buckets      = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	freshBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
)

// NewMetrics registers every metric; those with closed sets start at zero.
func NewMetrics(b Build) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), started: time.Now(), gauges: &gauges{}}
	m.collections = b.Collections[:min(len(b.Collections), maxCollections)]
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.gauges,
	)
	m.registerSelf(b)
	m.registerHTTP()
	m.registerSearch()
	m.registerAnswer()
	m.registerIngest()
	m.registerProvider()
	m.registerEngine()
	return m
}

// Handler serves the metrics to Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Registry is for gathering in process.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

func (m *Metrics) registerSelf(b Build) {
	m.overflow = m.counters("self_label_overflow_total", "Label values outside their closed set, by metric.", "metric")
	m.dropped = m.counters("self_telemetry_dropped_total", "Telemetry that was not sent or kept.", "signal")
	zero(m.dropped, signals)
	m.panics = prometheus.NewCounter(prometheus.CounterOpts{Name: "quarry_self_panics_total", Help: "Panics that were recovered."})
	build := m.gaugeVec("build_info", "What runs.", "version", "revision", "arch")
	build.WithLabelValues(b.Version, b.Revision, runtime.GOOS+"/"+runtime.GOARCH).Set(1)
	models := m.gaugeVec("model_info", "Models in use.", "role", "model", "fingerprint")
	for _, model := range b.Models {
		models.WithLabelValues(model.Role, model.Name, model.Fingerprint).Set(1)
	}
	kernels := m.gaugeVec("kernel_info", "CPU kernels chosen.", "operation", "kernel")
	for operation, kernel := range b.Kernels {
		kernels.WithLabelValues(operation, kernel).Set(1)
	}
	m.corruptions = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "quarry_engine_corruptions_total", Help: "Files of the index that were found damaged, and healed.",
	})
	m.registry.MustRegister(m.panics, m.corruptions)
}

// Corrupted counts a damaged file of the index.
func (m *Metrics) Corrupted() { m.corruptions.Inc() }

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "quarry_" + name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) gaugeVec(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "quarry_" + name, Help: help}, labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "quarry_" + name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(v)
	return v
}

// zero makes every series of a counter with closed sets exist.
func zero(v *prometheus.CounterVec, sets ...[]string) {
	eachSeries(sets, nil, func(values []string) { v.WithLabelValues(values...) })
}

// zeroHistogram does so for a histogram.
func zeroHistogram(v *prometheus.HistogramVec, sets ...[]string) {
	eachSeries(sets, nil, func(values []string) { v.WithLabelValues(values...) })
}

func eachSeries(sets [][]string, values []string, f func([]string)) {
	if len(sets) == 0 {
		f(values)
		return
	}
	for _, value := range sets[0] {
		eachSeries(sets[1:], append(values[:len(values):len(values)], value), f)
	}
}

// observe records a duration, with the trace as exemplar when one is sampled.
func observe(ctx context.Context, o prometheus.Observer, d time.Duration) {
	span := trace.SpanContextFromContext(ctx)
	if e, ok := o.(prometheus.ExemplarObserver); ok && span.IsSampled() {
		e.ObserveWithExemplar(d.Seconds(), prometheus.Labels{"trace_id": span.TraceID().String()})
		return
	}
	o.Observe(d.Seconds())
}

// Panicked counts a recovered panic.
func (m *Metrics) Panicked() { m.panics.Inc() }

// pending remembers when texts were published whose vectors are still to come.
type pending struct {
	mu    sync.Mutex
	since map[rag.Hash]time.Time
}

// maxPending bounds that memory; what does not fit is not measured.
const maxPending = 20000
