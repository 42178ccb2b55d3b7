package app

import (
	"context"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
)

// embedderCursor is the name under which the catalog keeps how far the
// embedder has read.
const embedderCursor = ingest.EmbedderName

// ready says whether the process can serve: the catalog answers, and the index
// has read all that was there when the process started.
func (a *App) ready(ctx context.Context) api.Ready {
	out := api.Ready{Status: "ready"}
	head, err := a.catalog.Head(ctx)
	catalog := check("catalog", true, err)
	index := api.Check{Name: "index", Required: true, State: "ok"}
	if applied := a.indexer.Applied(); applied < a.startHead {
		index.State = "replaying"
		out.Status, out.Seq, out.Head = "replaying", applied, max(head, a.startHead)
	} else if len(a.index.Lost()) > 0 {
		index.State, index.Code = "healing", "index_damaged"
		out.Status = "degraded"
	} else if a.index.Unwritten() != nil {
		index.State, index.Code = "not_written", "disk_full_or_failing"
		out.Status = "degraded"
	}
	lag, err := a.follower.Lag(ctx)
	embedder := check("embedder", false, err)
	if err == nil && lag.Poison > 0 {
		embedder.State, embedder.Code = "failed", "texts_cannot_be_embedded"
		if out.Status == "ready" {
			out.Status = "degraded"
		}
	}
	if catalog.State != "ok" {
		out.Status = "failed"
	}
	if a.draining.Load() {
		out.Status = "draining"
	}
	out.Checks = []api.Check{catalog, index, embedder}
	return out
}

func check(name string, required bool, err error) api.Check {
	if err != nil {
		return api.Check{Name: name, Required: required, State: "failed", Code: string(rag.CodeOf(err))}
	}
	return api.Check{Name: name, Required: required, State: "ok"}
}
