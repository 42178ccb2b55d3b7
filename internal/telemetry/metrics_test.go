package telemetry

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/quarry-search/quarry/internal/rag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func newTestMetrics() *Metrics {
	m := NewMetrics(Build{
		Version: "0", Revision: "r", Collections: []string{"docs"},
		Models: []Model{{"embed", "mini", "f1"}}, Kernels: map[string]string{"dot8": "scalar"},
	})
	m.SetSource(func() Snapshot {
		return Snapshot{
			CatalogSeq: 9, Followers: []Follower{{"index", 7, 2, 3 * time.Second}}, Unbalanced: 1,
			Queue: map[string]int64{"waiting": 4}, QueueAge: time.Second, Segments: map[string]int64{"memory": 1, "small": 2, "graph": 3},
			Chunks: map[string]int64{"live": 5, "former": 2, "dead": 1}, MemoryBytes: parts(6), DiskBytes: parts(60),
			Recall:     map[string]Recall{"graph": {Expected: 10, Found: 9}},
			JobsActive: map[string]int64{"running": 1}, DiskFree: map[string]int64{"data": 8}, DiskSize: map[string]int64{"data": 10},
		}
	})
	return m
}

// parts gives each part of the index a size.
func parts(size int64) map[string]int64 {
	return map[string]int64{"codes": size, "graph": size, "postings": size, "bitmaps": size, "vectors": size, "other": size}
}

// values flattens what is gathered: "name{label="value",…}" to its value, or
// its count for a histogram.
func values(t *testing.T, m *Metrics) map[string]float64 {
	t.Helper()
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			var labels []string
			for _, l := range metric.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			key := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			switch {
			case metric.Histogram != nil:
				out[key] = float64(metric.Histogram.GetSampleCount())
			case metric.Counter != nil:
				out[key] = metric.Counter.GetValue()
			case metric.Gauge != nil:
				out[key] = metric.Gauge.GetValue()
			}
		}
	}
	return out
}

// everything moves every metric at least once.
func everything(m *Metrics) {
	ctx := context.Background()
	m.RequestStarted("stream")
	m.RequestDone("GET", "/v1/search", 200, "search", "ok", "not_found", time.Second)
	m.Panicked()
	m.Corrupted()
	m.Task("flush", time.Second, nil)
	m.Task("merge", time.Minute, errors.New("disk full"))
	m.Task("graph", time.Second, context.Canceled)
	m.Search(ctx, rag.Query{Collections: []string{"docs"}}, rag.SearchResult{
		Mode: rag.Dense, Stages: []rag.Stage{{Name: "fuse", Took: 1}}, Degraded: []string{"rerank"}, DensePaths: []string{"scan8"},
	}, nil, time.Second)
	m.Answer(ctx, rag.Answer{
		Generator: "extractive", Result: rag.Answered, Sentences: []rag.Sentence{{Verdict: rag.Quoted}}, Stages: []rag.Stage{{Name: "verify"}},
	}, nil, time.Second, time.Second)
	m.Document(rag.KindPDF, rag.Indexed, rag.ReasonNone, 5, 3, []rag.Stage{{Name: "parse", Took: 1}, {Name: "commit", Took: 1}})
	m.Document("", rag.Skipped, rag.ReasonEmpty, 0, 0, nil)
	m.Embedded("mini", 2, 1, 1, time.Second)
	later := time.Now().Add(time.Millisecond)
	h := rag.TextHash("", "x")
	m.Applied([]rag.IndexChange{
		{Change: rag.Change{Kind: rag.ChangePublished, Time: later, Chunks: []rag.Chunk{{TextHash: h}}}},
		{Change: rag.Change{Kind: rag.ChangeVectors, Time: later, TextHashes: []rag.Hash{h}}},
		{Change: rag.Change{Kind: rag.ChangeAccess, Time: later}},
	}, time.Second)
	m.FollowerError("index", "poison")
	m.JobDone(rag.Job{State: rag.JobDone, Source: "folder", Counts: rag.JobCounts{Accepted: 4, Failed: 1}})
	m.dropped.WithLabelValues("traces").Inc()
	m.among(nil, "x", "search_path_total")
	m.Provider("cohere", "embed-v4.0")
	m.Provider("tei", "tei")
	m.ProviderCall(ProviderCall{Provider: "cohere", Model: "embed-v4.0", Operation: "embeddings", Failures: []string{"rate_limited"},
		Took: time.Second, Waited: time.Second, Tokens: 7, CostUSD: 0.5})
	m.ProviderCall(ProviderCall{Provider: "cohere", Model: "embed-v4.0", Operation: "rerank", Error: "auth", Failures: []string{"auth"}})
}

// TestNames compares names, types and labels of all metrics of our own with
// the golden list: dashboards and alerts depend on them.
func TestNames(t *testing.T) {
	m := newTestMetrics()
	everything(m)
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "go_") || strings.HasPrefix(f.GetName(), "process_") {
			continue
		}
		sets := map[string][]string{}
		var names []string
		for _, metric := range f.GetMetric() {
			for _, l := range metric.GetLabel() {
				if sets[l.GetName()] == nil {
					names = append(names, l.GetName())
				}
				if !slices.Contains(sets[l.GetName()], l.GetValue()) {
					sets[l.GetName()] = append(sets[l.GetName()], l.GetValue())
				}
			}
		}
		slices.Sort(names)
		line := strings.ToLower(f.GetType().String()) + " " + f.GetName()
		for _, n := range names {
			slices.Sort(sets[n])
			if n == "arch" {
				sets[n] = []string{"*"}
			}
			line += " " + n + "=" + strings.Join(sets[n], "|")
		}
		lines = append(lines, line)
	}
	got := strings.Join(lines, "\n") + "\n"
	const path = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("metrics differ from %s (-want +got); rewrite with -update:\n%s", path, diff)
	}
}

// TestEachMetricMoves: every series family is at zero, or absent, before, and
// moved by a recording.
func TestEachMetricMoves(t *testing.T) {
	m := newTestMetrics()
	before := values(t, m)
	everything(m)
	after := values(t, m)
	moved := map[string]bool{}
	for key, value := range after {
		name, _, _ := strings.Cut(key, "{")
		if value != before[key] {
			moved[name] = true
		}
	}
	for key := range after {
		name, _, _ := strings.Cut(key, "{")
		ours := strings.HasPrefix(name, "quarry_") || strings.HasPrefix(name, "http_")
		fromSource := before[key] != 0
		if ours && !moved[name] && !fromSource {
			t.Errorf("nothing moves %s", name)
		}
	}
}

func TestRecordings(t *testing.T) {
	m := newTestMetrics()
	everything(m)
	m.Search(context.Background(), rag.Query{Mode: rag.Lexical}, rag.SearchResult{}, errors.New("broken"), time.Second)
	m.Search(context.Background(), rag.Query{}, rag.SearchResult{}, &rag.Error{Code: rag.CodeFilter}, time.Second)
	m.Answer(context.Background(), rag.Answer{}, context.Canceled, 0, time.Second)
	m.Document("", rag.Failed, rag.ReasonParse, 0, 0, []rag.Stage{{Name: "parse", Took: 1}})
	got := values(t, m)
	for key, want := range map[string]float64{
		`quarry_http_requests_total{operation="search",outcome="ok",surface="native"}`:                                            1,
		`quarry_engine_task_duration_seconds{outcome="ok",task="flush"}`:                                                          1,
		`quarry_engine_task_duration_seconds{outcome="error",task="merge"}`:                                                       1,
		`quarry_engine_task_duration_seconds{outcome="canceled",task="graph"}`:                                                    1,
		`quarry_engine_segments{size="small"}`:                                                                                    2,
		`quarry_engine_chunks{state="dead"}`:                                                                                      1,
		`quarry_engine_memory_bytes{part="graph"}`:                                                                                6,
		`quarry_engine_disk_bytes{part="vectors"}`:                                                                                60,
		`quarry_http_in_flight{kind="stream"}`:                                                                                    1,
		`quarry_search_duration_seconds{collection="docs",mode="dense",outcome="degraded"}`:                                       1,
		`quarry_search_duration_seconds{collection="_other",mode="lexical",outcome="error"}`:                                      1,
		`quarry_search_duration_seconds{collection="_other",mode="hybrid",outcome="client_error"}`:                                1,
		`quarry_search_empty_total{mode="dense"}`:                                                                                 1,
		`quarry_answer_results_total{reason="none",result="answered"}`:                                                            1,
		`quarry_answer_results_total{reason="none",result="error"}`:                                                               1,
		`quarry_answer_duration_seconds{generator="extractive",outcome="canceled"}`:                                               1,
		`quarry_answer_first_token_seconds{generator="extractive",outcome="ok"}`:                                                  1,
		`quarry_ingest_chunks_total{result="new"}`:                                                                                3,
		`quarry_ingest_chunks_total{result="reused"}`:                                                                             2,
		`quarry_ingest_documents_total{reason="empty",result="skipped"}`:                                                          1,
		`quarry_ingest_parse_duration_seconds{kind="other",outcome="error"}`:                                                      1,
		`quarry_ingest_embeddings_total{model="mini",result="computed"}`:                                                          2,
		`quarry_follower_freshness_seconds{kind="vector"}`:                                                                        1,
		`quarry_follower_freshness_seconds{kind="keyword"}`:                                                                       1,
		`quarry_ingest_accepted_total{source="connector"}`:                                                                        4,
		`quarry_job_finished_total{kind="ingest",result="partial"}`:                                                               1,
		`quarry_follower_lag_seconds{follower="index"}`:                                                                           3,
		`quarry_ingest_unbalanced_documents{}`:                                                                                    1,
		`http_server_request_duration_seconds{http_request_method="GET",http_response_status_code="200",http_route="/v1/search"}`: 1,
		`quarry_provider_request_duration_seconds{model="embed-v4.0",operation="embeddings",outcome="ok",provider="cohere"}`:      1,
		`quarry_provider_errors_total{provider="cohere",type="rate_limited"}`:                                                     1,
		`quarry_provider_errors_total{provider="cohere",type="auth"}`:                                                             1,
		`quarry_provider_tokens_total{model="embed-v4.0",provider="cohere",type="input"}`:                                         7,
		`quarry_provider_cost_usd_total{model="embed-v4.0",provider="cohere"}`:                                                    0.5,
		`quarry_provider_rate_limit_wait_seconds{provider="cohere"}`:                                                              1,
		`quarry_provider_up{provider="cohere"}`:                                                                                   0,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}

func TestReplayIsNotFreshness(t *testing.T) {
	m := newTestMetrics()
	m.Applied([]rag.IndexChange{{Change: rag.Change{Kind: rag.ChangePublished, Time: time.Now().Add(-time.Hour)}}}, 0)
	if n := values(t, m)[`quarry_follower_freshness_seconds{kind="keyword"}`]; n != 0 {
		t.Errorf("a change from before the start was counted %v times", n)
	}
}

func TestPendingIsBounded(t *testing.T) {
	m := newTestMetrics()
	chunks := make([]rag.Chunk, maxPending+5)
	for i := range chunks {
		chunks[i].TextHash = rag.TextHash("", fmt.Sprint(i))
	}
	m.Applied([]rag.IndexChange{{Change: rag.Change{Kind: rag.ChangePublished, Time: time.Now().Add(time.Second), Chunks: chunks}}}, 0)
	if n := len(m.pending.since); n != maxPending {
		t.Errorf("%d texts are remembered, want %d", n, maxPending)
	}
	if n := values(t, m)[`quarry_self_telemetry_dropped_total{signal="freshness"}`]; n != 5 {
		t.Errorf("%v drops are counted, want 5", n)
	}
}

// TestCardinality: whatever callers send, the number of series stays bounded.
func TestCardinality(t *testing.T) {
	m := newTestMetrics()
	for i := range 10000 {
		x := fmt.Sprintf("x%d", i)
		m.RequestDone(x, "/v1/search", 200, x, x, x, 0)
		m.Search(context.Background(), rag.Query{Collections: []string{x}}, rag.SearchResult{
			Mode: rag.Mode(x), Stages: []rag.Stage{{Name: x}}, Degraded: []string{x}, DensePaths: []string{x}}, nil, 0)
		m.Answer(context.Background(), rag.Answer{Generator: x, Result: rag.AnswerResult(x), Reason: x,
			Sentences: []rag.Sentence{{Verdict: rag.Verdict(x)}}, Stages: []rag.Stage{{Name: x}}}, nil, 1, 1)
		m.Document(rag.Kind(x), rag.Result(x), rag.Reason(x), 0, 0, []rag.Stage{{Name: x}, {Name: "parse"}})
		m.FollowerError(x, x)
		m.ProviderCall(ProviderCall{Provider: x, Model: x, Operation: x, Error: x, Failures: []string{x}, Waited: 1})
	}
	series := 0
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			series += 1 + len(metric.GetHistogram().GetBucket())
		}
	}
	if series > 6000 {
		t.Errorf("%d series, want at most 6000", series)
	}
	if n := values(t, m)[`quarry_self_label_overflow_total{metric="search_stage_duration_seconds"}`]; n != 10000 {
		t.Errorf("%v overflows are counted, want 10000", n)
	}
}

func TestReasonsAndCodesAreComplete(t *testing.T) {
	for name, set := range map[string]struct {
		file, prefix string
		known        []string
	}{
		"reasons": {"../rag/result.go", "Reason", reasons},
		"codes":   {"../rag/error.go", "Code", codes},
	} {
		src, err := os.ReadFile(set.file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(src), "\n") {
			fields := strings.Fields(line)
			if len(fields) < 4 || !strings.HasPrefix(fields[0], set.prefix) || fields[1] != set.prefix || fields[2] != "=" {
				continue
			}
			if value := strings.Trim(fields[3], `"`); value != "" && !slices.Contains(set.known, value) {
				t.Errorf("%s: %q is missing", name, value)
			}
		}
	}
}

type fakeUse struct{ err error }

func (f fakeUse) Search(context.Context, rag.Principal, rag.Query) (rag.SearchResult, error) {
	return rag.SearchResult{Hits: []rag.Hit{{}}, Mode: rag.Hybrid, Stages: []rag.Stage{
		{Name: "dense", Took: 3 * time.Millisecond}, {Name: "lexical", Took: 5 * time.Millisecond}, {Name: "fuse", Took: time.Millisecond}}}, f.err
}

func (f fakeUse) Answer(_ context.Context, _ rag.Principal, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
	return rag.Answer{Result: rag.Abstained, Reason: "weak"}, errors.Join(send(rag.Event{Type: rag.EventDelta, Delta: "x"}), f.err)
}

func (f fakeUse) Put(context.Context, rag.Principal, rag.Incoming) (rag.Outcome, error) {
	return rag.Outcome{Result: rag.Indexed}, f.err
}

func TestWrappersRecord(t *testing.T) {
	m := newTestMetrics()
	none := noop.NewTracerProvider().Tracer("")
	ctx := context.Background()
	if r, err := WatchSearches(fakeUse{}, m, none).Search(ctx, rag.Principal{}, rag.Query{}); err != nil || len(r.Hits) != 1 {
		t.Errorf("search returned %v, %v", r, err)
	}
	sent := 0
	a, err := WatchAnswers(fakeUse{}, m, none).Answer(ctx, rag.Principal{}, rag.Question{}, func(rag.Event) error { sent++; return nil })
	if err != nil || a.Reason != "weak" || sent != 1 {
		t.Errorf("answer returned %v, %v and sent %d events", a, err, sent)
	}
	for _, in := range []rag.Incoming{{}, {Job: "j"}} {
		if _, err := WatchIngests(fakeUse{}, m, none).Put(ctx, rag.Principal{}, in); err != nil {
			t.Error(err)
		}
	}
	got := values(t, m)
	for key, want := range map[string]float64{
		`quarry_search_duration_seconds{collection="_other",mode="hybrid",outcome="ok"}`: 1,
		`quarry_search_stage_duration_seconds{stage="fuse"}`:                             1,
		`quarry_answer_results_total{reason="weak",result="abstained"}`:                  1,
		`quarry_answer_first_token_seconds{generator="extractive",outcome="ok"}`:         1,
		`quarry_ingest_accepted_total{source="api"}`:                                     1,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}

// TestProviderUp: only what tells something about the server moves it.
func TestProviderUp(t *testing.T) {
	m := newTestMetrics()
	m.Provider("tei", "bge")
	for _, c := range []struct {
		call ProviderCall
		want float64
	}{
		{ProviderCall{Error: "invalid"}, 1}, {ProviderCall{Error: "filtered"}, 1}, {ProviderCall{Canceled: true}, 1},
		{ProviderCall{Error: "timeout"}, 0}, {ProviderCall{Canceled: true}, 0}, {ProviderCall{Error: "invalid"}, 0}, {ProviderCall{}, 1},
	} {
		c.call.Provider, c.call.Model, c.call.Operation = "tei", "bge", "embeddings"
		m.ProviderCall(c.call)
		if up := values(t, m)[`quarry_provider_up{provider="tei"}`]; up != c.want {
			t.Errorf("after %+v it is %v", c.call, up)
		}
	}
}
