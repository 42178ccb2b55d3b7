package httpapi

import (
	"testing"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// TestEraseNeedsAdmin: a writer may delete a document and erase nothing.
func TestEraseNeedsAdmin(t *testing.T) {
	f := newFake()
	old := f.add("docs", "a.txt", "first", "user:ana")
	f.add("docs", "a.txt", "second", "user:ana")
	h := handler(t, f)
	f.principal = rag.Principal{Subject: "ana", Roles: []rag.Role{rag.RoleWriter, rag.RoleReader, rag.RoleOps}}
	for _, path := range []string{"?purge=true", "/versions"} {
		if p := problemIn(t, do(h, "DELETE", "/v1/documents/"+old.ID+path, ""), 403); p.Code != string(rag.CodeForbidden) {
			t.Errorf("%s: %s", path, p.Code)
		}
	}
	if len(f.docs[old.ID]) != 2 {
		t.Fatal("a writer erased versions")
	}
	f.principal = rag.Principal{Subject: "root", Roles: []rag.Role{rag.RoleAdmin}}
	problemIn(t, do(h, "DELETE", "/v1/documents/"+old.ID+"/versions", "", "If-Match", `"1"`), 412)
	if got := body[api.Written](t, do(h, "DELETE", "/v1/documents/"+old.ID+"/versions", ""), 200); got.Erased != 1 || len(f.docs[old.ID]) != 1 {
		t.Errorf("former versions: %+v, %d left", got, len(f.docs[old.ID]))
	}
	if got := body[api.Written](t, do(h, "DELETE", "/v1/documents/"+old.ID+"?purge=true", ""), 200); got.Erased != 1 || got.Seq == 0 {
		t.Errorf("all of it: %+v", got)
	}
	problemIn(t, do(h, "DELETE", "/v1/documents/"+old.ID+"?purge=true", ""), 404)
	problemIn(t, do(h, "DELETE", "/v1/documents/"+old.ID+"?purge=perhaps", ""), 422)
}
