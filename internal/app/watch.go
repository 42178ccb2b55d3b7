package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
	"github.com/quarry-search/quarry/internal/telemetry"
	"github.com/quarry-search/quarry/internal/webui"
)

// watch opens the models, and with their names the metrics and traces.
func (a *App) watch() (err error) {
	if a.embedder, err = newEmbedder(a.config, a.called); err != nil {
		return err
	}
	if a.reranker, err = newReranker(a.config, a.called); err != nil {
		return err
	}
	info := versionOf(a.embedder, a.reranker)
	build := telemetry.Build{Version: info.Version, Revision: info.Revision, Kernels: info.Kernels}
	for _, m := range info.Models {
		build.Models = append(build.Models, telemetry.Model{Role: m.Role, Name: m.Name, Fingerprint: m.Fingerprint})
	}
	collections, err := a.catalog.ListCollections(context.Background(), system("names of collections are labels of metrics"))
	if err != nil {
		return fmt.Errorf("list collections: %w", err)
	}
	for _, c := range collections {
		build.Collections = append(build.Collections, c.Name)
	}
	a.metrics = telemetry.NewMetrics(build)
	a.watchProviders()
	a.gauges = &gauges{App: a}
	a.metrics.SetSource(a.gauges.read)
	a.tracing, err = telemetry.OpenTracing(context.Background(), a.config.OTLPEndpoint, Version, a.metrics)
	return err
}

// events turns what ingestion tells into metrics and log lines.
func (a *App) events() ingest.Events {
	return ingest.Events{
		Document: func(d ingest.DocumentEvent) {
			a.metrics.Document(d.Kind, d.Result, d.Reason, d.Chunks, d.NewChunks, d.Stages)
			if d.Result == rag.Failed {
				a.log.Warn("document failed", "event", "document_failed", "reason", d.Reason, "job", d.Job)
			}
		},
		Embedded: func(computed, reused, failed int, took time.Duration) {
			a.metrics.Embedded(a.embedder.Name(), computed, reused, failed, took)
		},
		Applied: a.metrics.Applied,
		Follower: func(name string, kind ingest.FollowerError, err error) {
			a.metrics.FollowerError(name, string(kind))
			a.log.Error("a follower of the log met an error", "event", "follower_stalled",
				"follower", name, "type", kind, "code", rag.CodeOf(err), "error", err)
		},
		Job:   a.jobDone,
		Panic: func(any) { a.metrics.Panicked() },
	}
}

func (a *App) jobDone(j rag.Job) {
	a.metrics.JobDone(j)
	a.log.Info("job ended", "event", "job", "job", j.ID, "state", j.State,
		slog.Group("counts", "accepted", j.Counts.Accepted, "indexed", j.Counts.Indexed, "unchanged", j.Counts.Unchanged,
			"skipped", j.Counts.Skipped, "failed", j.Counts.Failed, "deleted", j.Counts.Deleted))
}

// console serves the pages for people.
func (a *App) console() http.Handler {
	network := "none: nothing leaves this machine"
	if a.config.OTLPEndpoint != "" {
		network = "traces to the configured collector"
	}
	if to := outside(a.config); to != "" {
		network = "texts and questions go to " + to
	}
	return webui.New(webui.Options{
		Version:   Version,
		Network:   network,
		Model:     modelOrigin(a.config, a.embedder),
		Generator: "extractive",
		Data:      a.config.Data,
		Index:     "embedded, derived from the catalog",
		Access:    "this machine only",
		Principal: a.principal.Subject,
	})
}
