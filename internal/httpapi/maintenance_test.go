package httpapi

import (
	"testing"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// TestMaintenance starts, asks for and cancels work; whoever is no
// administrator does none of it.
func TestMaintenance(t *testing.T) {
	f := newFake()
	h := handler(t, f)
	f.principal = rag.Principal{Subject: "ana", Roles: []rag.Role{rag.RoleReader, rag.RoleWriter, rag.RoleOps}}
	for _, r := range [][3]string{{"POST", "/v1/maintenance", `{"kind":"check"}`}, {"GET", "/v1/maintenance/m1", ""}, {"POST", "/v1/maintenance/m1/cancel", ""}} {
		if p := problemIn(t, do(h, r[0], r[1], r[2]), 403); p.Code != string(rag.CodeForbidden) {
			t.Errorf("%s %s: %s", r[0], r[1], p.Code)
		}
	}
	f.principal = rag.Principal{Subject: "root", Roles: []rag.Role{rag.RoleAdmin}}
	for body, status := range map[string]int{
		`{"kind":"burn"}`: 422, `{}`: 422, `{"kind":"compact","collections":["none"]}`: 404, `{"kind":"check","collections":["docs"]}`: 422,
	} {
		problemIn(t, do(h, "POST", "/v1/maintenance", body), status)
	}
	w := do(h, "POST", "/v1/maintenance", `{"kind":"compact","collections":["docs"]}`)
	if m := body[api.Maintenance](t, w, 202); m.State != "running" || m.Kind != "compact" || w.Header().Get("Location") != "/v1/maintenance/m1" {
		t.Errorf("started %+v at %s", m, w.Header().Get("Location"))
	}
	problemIn(t, do(h, "POST", "/v1/maintenance", `{"kind":"check"}`), 409)
	problemIn(t, do(h, "GET", "/v1/maintenance/m2", ""), 404)
	if m := body[api.Maintenance](t, do(h, "GET", "/v1/maintenance/m1", ""), 200); m.ID != "m1" {
		t.Errorf("asked for %+v", m)
	}
	if m := body[api.Maintenance](t, do(h, "POST", "/v1/maintenance/m1/cancel", ""), 200); m.State != "canceled" {
		t.Errorf("canceled %+v", m)
	}
}
