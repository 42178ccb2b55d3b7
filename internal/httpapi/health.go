package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

type healthOutput struct {
	Body api.Health
}

type readyOutput struct {
	Status int
	Body   api.Ready
}

type versionOutput struct {
	Body api.VersionInfo
}

func (s *server) registerHealth() {
	alive := func(context.Context, rag.Principal, *struct{}) (*healthOutput, error) {
		return &healthOutput{api.Health{Status: "ok"}}, nil
	}
	register(s, operation{
		id: "health", method: http.MethodGet, path: "/healthz", tag: "Server",
		summary: "Is the process alive", detail: "Asks nothing else. /livez is the same.",
	}, alive)
	register(s, operation{
		id: "livez", method: http.MethodGet, path: "/livez", tag: "Server", summary: "Is the process alive",
		adjust: func(op *huma.Operation) { op.Hidden = true },
	}, alive)
	register(s, operation{
		id: "ready", method: http.MethodGet, path: "/readyz", tag: "Server",
		summary: "Can it serve", detail: "200 when it can; 503 while it replays the log, drains, or a required part has failed. The checks are shown to operators.",
		adjust: func(op *huma.Operation) {
			op.Responses["503"] = &huma.Response{Description: "Not ready; the body says why"}
		},
	}, s.ready)
	register(s, operation{
		id: "version", method: http.MethodGet, path: "/v1/version", tag: "Server", kind: "read", role: rag.RoleReader,
		summary: "What runs", detail: "Version, commit, models and the CPU kernels chosen.",
	}, func(context.Context, rag.Principal, *struct{}) (*versionOutput, error) {
		return &versionOutput{s.Version}, nil
	})
	if s.Metrics != nil {
		s.serveRaw("/metrics", http.HandlerFunc(s.metrics))
	}
}

func (s *server) ready(ctx context.Context, p rag.Principal, _ *struct{}) (*readyOutput, error) {
	out := &readyOutput{http.StatusOK, s.Ready(ctx)}
	if !p.Has(rag.RoleOps) {
		out.Body.Checks = nil
	}
	if out.Body.Status != "ready" && out.Body.Status != "degraded" {
		out.Status = http.StatusServiceUnavailable
	}
	return out, nil
}

func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	if !stateOf(r.Context()).principal.Has(rag.RoleOps) {
		writeProblem(w, r, &rag.Error{Code: rag.CodeForbidden, Message: "this needs the role ops"})
		return
	}
	s.Metrics.ServeHTTP(w, r)
}
