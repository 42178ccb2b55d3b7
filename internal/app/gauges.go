package app

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
	"github.com/quarry-search/quarry/internal/telemetry"
)

// gauges reads the state that /metrics shows. What needs the database is read
// at intervals, so that scraping is cheap and never waits.
type gauges struct {
	*App
	slow atomic.Pointer[telemetry.Snapshot]
}

// gaugeInterval is how old the slow gauges may be.
const gaugeInterval = 5 * time.Second

// run refreshes the slow gauges until ctx ends.
func (g *gauges) run(ctx context.Context) error {
	ticker := time.NewTicker(gaugeInterval)
	defer ticker.Stop()
	index, embedder, eraser := lagClock{}, lagClock{}, lagClock{}
	for {
		if s, err := g.refresh(ctx, index, embedder, eraser); err == nil {
			g.slow.Store(&s)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read returns the last snapshot.
func (g *gauges) read() telemetry.Snapshot {
	if s := g.slow.Load(); s != nil {
		return *s
	}
	return telemetry.Snapshot{}
}

func (g *gauges) refresh(ctx context.Context, index, embedder, eraser lagClock) (telemetry.Snapshot, error) {
	s := telemetry.Snapshot{Queue: map[string]int64{}, JobsActive: map[string]int64{}}
	head, err := g.catalog.Head(ctx)
	if err != nil {
		return s, err
	}
	s.CatalogSeq = head
	s.Followers = []telemetry.Follower{
		index.follower(ingest.IndexerName, g.indexer.Applied(), head),
		embedder.follower(ingest.EmbedderName, g.follower.Read(), head),
		eraser.follower(ingest.EraserName, g.eraser.Read(), head),
	}
	if err := g.countJobs(ctx, &s); err != nil {
		return s, err
	}
	g.countIndex(&s)
	s.DiskFree, s.DiskSize = disk(g.config.Data)
	return s, nil
}

func (g *gauges) countJobs(ctx context.Context, s *telemetry.Snapshot) error {
	s.JobsActive["running"], s.JobsActive["queued"] = 0, 0
	s.Queue["waiting"], s.Queue["running"] = 0, 0
	running, err := g.catalog.UnfinishedJobs(ctx)
	if err != nil {
		return err
	}
	recent, err := g.catalog.ListJobs(ctx, "", 100)
	if err != nil {
		return err
	}
	for _, j := range running {
		s.JobsActive["running"]++
		s.Queue["waiting"] += j.Counts.Queued
		s.QueueAge = max(s.QueueAge, time.Since(j.UpdatedAt))
	}
	if s.Queue["waiting"] == 0 {
		s.QueueAge = 0
	}
	all := map[string]rag.JobCounts{}
	for _, j := range slices.Concat(running, recent) {
		all[j.ID] = j.Counts
	}
	for _, c := range all {
		lost := c.Accepted - c.Queued - c.Indexed - c.Unchanged - c.Skipped - c.Failed
		s.Unbalanced += max(lost, -lost)
	}
	return nil
}

func (g *gauges) countIndex(s *telemetry.Snapshot) {
	u := g.index.Usage()
	s.Segments, s.Chunks, s.MemoryBytes, s.DiskBytes = u.Segments, u.Chunks, u.Memory, u.Disk
	s.Recall = map[string]telemetry.Recall{}
	for path, r := range g.index.Recall() {
		s.Recall[path] = telemetry.Recall(r)
	}
}

// lagClock dates what a follower has not read: the heads that were seen and are
// still ahead of it, with the time at which each was first seen.
type lagClock map[uint64]time.Time

func (l lagClock) follower(name string, seq, head uint64) telemetry.Follower {
	now := time.Now()
	if _, seen := l[head]; !seen && head > seq {
		l[head] = now
	}
	maps.DeleteFunc(l, func(at uint64, _ time.Time) bool { return at <= seq })
	f := telemetry.Follower{Name: name, Seq: seq, Lag: head - min(seq, head)}
	for _, since := range l {
		f.Age = max(f.Age, now.Sub(since))
	}
	return f
}
