package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"

	"github.com/quarry-search/quarry/internal/rag"
)

func TestScope(t *testing.T) {
	for name, c := range map[string]struct {
		p      rag.Principal
		all    bool
		labels []string
	}{
		"nobody":             {rag.Principal{}, false, nil},
		"roles but no name":  {rag.Principal{Roles: []rag.Role{rag.RoleAdmin}}, false, nil},
		"groups but no name": {rag.Principal{Groups: []string{"legal"}}, false, nil},
		"reader":             {rag.Principal{Subject: "ana", Roles: []rag.Role{rag.RoleReader}}, false, []string{"*", "user:ana"}},
		"groups":             {rag.Principal{Subject: "ana", Groups: []string{"ops", "", "legal", "ops"}}, false, []string{"*", "group:legal", "group:ops", "user:ana"}},
		"admin":              {rag.Principal{Subject: "local", Roles: []rag.Role{rag.RoleAdmin}}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := Scope(c.p)
			if s.All() != c.all {
				t.Errorf("All() = %v, want %v", s.All(), c.all)
			}
			if d := cmp.Diff(c.labels, s.Labels()); d != "" {
				t.Errorf("labels (-want +got):\n%s", d)
			}
		})
	}
}

// A subject cannot be spelt so that it gains a group's or another's label.
func TestLabelsDoNotCollide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`(user:|group:|\*)?[a-z]{1,4}`)
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		s := Scope(rag.Principal{Subject: a})
		if s.Allows([]string{"group:" + b}) {
			t.Fatalf("subject %q sees what is for group %q", a, b)
		}
		if got := s.Allows([]string{"user:" + b}); got != (a == b) {
			t.Fatalf("subject %q sees what is for user %q: %v", a, b, got)
		}
	})
}
