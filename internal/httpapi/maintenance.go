package httpapi

import (
	"context"
	"net/http"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// Maintainer works on the index while it serves: one piece of work at a time.
// Errors: CodeConflict while another runs, CodeNotFound.
type Maintainer interface {
	Start(ctx context.Context, in api.StartMaintenance) (api.Maintenance, error)
	Maintenance(id string) (api.Maintenance, error)
	Cancel(ctx context.Context, id string) (api.Maintenance, error)
}

// MaintenancePath names a piece of work.
type MaintenancePath struct {
	ID string `path:"id" doc:"Id of the work"`
}

type startMaintenanceInput struct {
	Body api.StartMaintenance
}

type maintenanceOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     api.Maintenance
}

// registerMaintenance adds the operations. SECURITY: they tell of every
// document, whoever may see it, so they are an administrator's.
func (s *server) registerMaintenance() {
	register(s, operation{
		id: "start-maintenance", method: http.MethodPost, path: "/v1/maintenance", tag: "Server", kind: "admin", role: rag.RoleAdmin,
		summary: "Check or compact the index", status: http.StatusAccepted,
		detail:  "While the server goes on. One at a time: conflict names the one that runs. Ask for its state at Location.",
		errors:  []int{400, 404, 409, 422},
		example: map[string]any{"kind": "check"},
	}, s.startMaintenance)
	register(s, operation{
		id: "get-maintenance", method: http.MethodGet, path: "/v1/maintenance/{id}", tag: "Server", kind: "admin", role: rag.RoleAdmin,
		summary: "Get the state of maintenance", detail: "Of the last 20 since the server started.", errors: []int{404},
	}, func(_ context.Context, _ rag.Principal, in *MaintenancePath) (*maintenanceOutput, error) {
		m, err := s.Maintainer.Maintenance(in.ID)
		return &maintenanceOutput{Status: http.StatusOK, Body: m}, err
	})
	register(s, operation{
		id: "cancel-maintenance", method: http.MethodPost, path: "/v1/maintenance/{id}/cancel", tag: "Server", kind: "admin", role: rag.RoleAdmin,
		summary: "Cancel maintenance", detail: "Answers when it has stopped. What was compacted stays so.", errors: []int{404},
	}, func(ctx context.Context, _ rag.Principal, in *MaintenancePath) (*maintenanceOutput, error) {
		m, err := s.Maintainer.Cancel(ctx, in.ID)
		return &maintenanceOutput{Status: http.StatusOK, Body: m}, err
	})
}

func (s *server) startMaintenance(ctx context.Context, p rag.Principal, in *startMaintenanceInput) (*maintenanceOutput, error) {
	if in.Body.Kind == "check" && len(in.Body.Collections) > 0 {
		return nil, rag.Invalid("/collections", "a check looks at all of the index")
	}
	for _, name := range in.Body.Collections {
		if _, err := s.Catalog.Collection(ctx, s.Scope(p), name); err != nil {
			return nil, err
		}
	}
	m, err := s.Maintainer.Start(ctx, in.Body)
	return &maintenanceOutput{http.StatusAccepted, "/v1/maintenance/" + m.ID, m}, err
}
