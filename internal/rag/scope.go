package rag

import "slices"

// Principal is who asks. The zero Principal is nobody and sees nothing.
type Principal struct {
	Subject string   // stable name of the caller, "local" for the local operator
	Groups  []string // names of groups the caller belongs to
	Roles   []Role
	Tenant  string // "" is the only tenant until tenants exist
}

// Role is what a principal may do.
type Role string

// The roles.
const (
	RoleReader Role = "reader" // search, ask, read documents in scope
	RoleWriter Role = "writer" // and put, change and delete documents
	RoleOps    Role = "ops"    // metrics, health details, jobs
	RoleAdmin  Role = "admin"  // everything, and sees every document
)

// Has reports whether the principal holds the role; admin holds all.
func (p Principal) Has(r Role) bool {
	return slices.Contains(p.Roles, r) || slices.Contains(p.Roles, RoleAdmin)
}

// Scope is what a caller may see. The zero Scope sees nothing. A Scope is made
// from a Principal by package policy, or by SystemScope, and nowhere else.
//
// A document is visible when the scope is unrestricted, or when one entry of
// the document's access list is among the scope's labels.
type Scope struct {
	all    bool
	labels []string
	reason string
}

// LabelScope is the scope of a caller who holds these access labels, such as
// "*", "user:ana" or "group:legal". Only package policy calls it.
func LabelScope(labels []string) Scope {
	sorted := slices.Clone(labels)
	slices.Sort(sorted)
	return Scope{labels: slices.Compact(sorted)}
}

// SystemScope sees everything. It is the only bypass: the reason says why and
// archtest lists who may call it.
func SystemScope(reason string) Scope {
	if reason == "" {
		panic("rag: SystemScope needs a reason")
	}
	return Scope{all: true, reason: reason}
}

// All reports whether the scope is unrestricted.
func (s Scope) All() bool { return s.all }

// Empty reports whether the scope can see nothing at all.
func (s Scope) Empty() bool { return !s.all && len(s.labels) == 0 }

// Labels returns the sorted access labels; callers must not change them.
func (s Scope) Labels() []string { return s.labels }

// Allows reports whether a document with this access list is visible.
func (s Scope) Allows(access []string) bool {
	if s.all {
		return true
	}
	for _, label := range access {
		if _, found := slices.BinarySearch(s.labels, label); found {
			return true
		}
	}
	return false
}

// Everyone is the access label that every signed-in caller holds. It is the
// access list of a document that was stored without one. An explicitly empty
// list is seen by nobody but admins.
const Everyone = "*"
