package hub

import (
	"fmt"
	"regexp"
	"strings"
)

// Ref names a model on the hub.
type Ref struct {
	ID       string // "org/name"
	Revision string // branch, tag or commit; "" leaves it to the caller
}

// Scheme begins the written form of a Ref.
const Scheme = "hf:"

var (
	idPattern       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
	revisionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`)
	commitPattern   = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
)

// ParseRef reads "hf:ORG/NAME" or "hf:ORG/NAME@REVISION".
func ParseRef(s string) (Ref, error) {
	rest, ok := strings.CutPrefix(s, Scheme)
	if !ok {
		return Ref{}, fmt.Errorf("%q is not hf:ORG/NAME[@REVISION]", s)
	}
	id, revision, pinned := strings.Cut(rest, "@")
	if !idPattern.MatchString(id) || strings.Contains(id, "..") {
		return Ref{}, fmt.Errorf("%q is not hf:ORG/NAME[@REVISION]: %q is not ORG/NAME", s, id)
	}
	if pinned && (!revisionPattern.MatchString(revision) || strings.Contains(revision, "..")) {
		return Ref{}, fmt.Errorf("%q is not hf:ORG/NAME[@REVISION]: %q is not a revision", s, revision)
	}
	return Ref{ID: id, Revision: revision}, nil
}

// Name is the model's name without its organisation.
func (r Ref) Name() string { return r.ID[strings.Index(r.ID, "/")+1:] }

func (r Ref) String() string {
	if r.Revision == "" {
		return Scheme + r.ID
	}
	return Scheme + r.ID + "@" + r.Revision
}
