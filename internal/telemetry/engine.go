package telemetry

import "time"

// The closed sets of the index's background tasks.
var (
	tasks        = []string{"flush", "merge", "graph"}
	taskOutcomes = []string{"ok", "error", "canceled"}
	taskBuckets  = []float64{.01, .05, .25, 1, 5, 15, 60, 300, 900, 3600}
)

func (m *Metrics) registerEngine() {
	m.taskDuration = m.histograms("engine_task_duration_seconds", "Duration of the index's background tasks.", taskBuckets, "task", "outcome")
	zeroHistogram(m.taskDuration, tasks, taskOutcomes)
}

// Task records a background task of the index that ended.
func (m *Metrics) Task(task string, took time.Duration, err error) {
	outcome := m.among(taskOutcomes, outcomeOf(err, false), "engine_task_duration_seconds")
	m.taskDuration.WithLabelValues(m.among(tasks, task, "engine_task_duration_seconds"), outcome).Observe(took.Seconds())
}
