package telemetry

import (
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Snapshot is the state that gauges show, read when metrics are gathered.
type Snapshot struct {
	CatalogSeq  uint64
	Followers   []Follower
	Unbalanced  int64            // sum over jobs of |accepted − results − queued|: 0, or loss
	Queue       map[string]int64 // documents by state: waiting, running
	QueueAge    time.Duration    // of the oldest document waiting
	Segments    map[string]int64 // by size: memory, small, graph
	Chunks      map[string]int64 // by state: live, former, dead
	MemoryBytes map[string]int64 // of the engine by part: codes, graph, postings, bitmaps, vectors, other
	DiskBytes   map[string]int64 // of the engine by part
	JobsActive  map[string]int64 // ingestions by state: queued, running
	Recall      map[string]Recall
	DiskFree    map[string]int64 // by volume: data, blobs, temp
	DiskSize    map[string]int64
}

// Recall is how many chunks sampled searches should have found, and did.
type Recall struct{ Expected, Found int64 }

// Follower is how far one follower of the log is.
type Follower struct {
	Name string
	Seq  uint64
	Lag  uint64        // changes not read yet
	Age  time.Duration // of the oldest of them
}

// SetSource says where gauges come from. read must be safe for concurrent use
// and quick; without a source these gauges are absent.
func (m *Metrics) SetSource(read func() Snapshot) { m.gauges.read.Store(&read) }

// gauges is a prometheus.Collector over a Snapshot.
type gauges struct {
	read atomic.Pointer[func() Snapshot]
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("quarry_"+name, help, labels, nil)
}

var (
	catalogSeq  = gauge("catalog_seq", "Seq of the last change.")
	followerSeq = gauge("follower_seq", "What the follower has read.", "follower")
	lagChanges  = gauge("follower_lag_changes", "Changes the follower has not read.", "follower")
	lagSeconds  = gauge("follower_lag_seconds", "Age of the oldest change the follower has not read.", "follower")
	unbalanced  = gauge("ingest_unbalanced_documents", "Accepted documents that are neither queued nor have a result: must be 0.")
	queue       = gauge("ingest_queue_documents", "Documents accepted and not finished.", "state")
	queueAge    = gauge("ingest_queue_age_seconds", "Age of the oldest document waiting.")
	segments    = gauge("engine_segments", "Segments of the index: not written yet, searched by a graph, others.", "size")
	chunkState  = gauge("engine_chunks", "Chunks in the index: of present versions, of former ones, and dead ones that the next merge drops.", "state")
	memoryBytes = gauge("engine_memory_bytes", "Memory of the index: of graphs, and of segments that are not written yet.", "part")
	diskBytes   = gauge("engine_disk_bytes", "Files of the index.", "part")
	recallWant  = gauge("engine_recall_expected_total", "Chunks that exact repetitions of sampled searches found.", "path")
	recallGot   = gauge("engine_recall_found_total", "How many of them the searches had found.", "path")
	jobsActive  = gauge("job_active", "Jobs not ended.", "kind", "state")
	diskFree    = gauge("self_disk_free_bytes", "Free space.", "volume")
	diskSize    = gauge("self_disk_size_bytes", "Size of the volume.", "volume")
	memoryLimit = gauge("self_memory_limit_bytes", "Memory that the process may use; the largest integer without a limit.")
)

// Describe implements prometheus.Collector.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		catalogSeq, followerSeq, lagChanges, lagSeconds, unbalanced, queue, queueAge, segments,
		chunkState, memoryBytes, diskBytes, jobsActive, diskFree, diskSize, memoryLimit,
		recallWant, recallGot,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	set := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	set(memoryLimit, float64(debug.SetMemoryLimit(-1)))
	read := g.read.Load()
	if read == nil {
		return
	}
	s := (*read)()
	set(catalogSeq, float64(s.CatalogSeq))
	set(unbalanced, float64(s.Unbalanced))
	set(queueAge, s.QueueAge.Seconds())
	for _, f := range s.Followers {
		set(followerSeq, float64(f.Seq), f.Name)
		set(lagChanges, float64(f.Lag), f.Name)
		set(lagSeconds, f.Age.Seconds(), f.Name)
	}
	byLabel := func(d *prometheus.Desc, values map[string]int64, labels ...string) {
		for label, value := range values {
			set(d, float64(value), append(labels, label)...)
		}
	}
	for path, r := range s.Recall {
		to <- prometheus.MustNewConstMetric(recallWant, prometheus.CounterValue, float64(r.Expected), path)
		to <- prometheus.MustNewConstMetric(recallGot, prometheus.CounterValue, float64(r.Found), path)
	}
	byLabel(queue, s.Queue)
	byLabel(segments, s.Segments)
	byLabel(chunkState, s.Chunks)
	byLabel(memoryBytes, s.MemoryBytes)
	byLabel(diskBytes, s.DiskBytes)
	byLabel(jobsActive, s.JobsActive, "ingest")
	byLabel(diskFree, s.DiskFree)
	byLabel(diskSize, s.DiskSize)
}
