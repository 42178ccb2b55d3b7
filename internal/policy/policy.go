package policy

import "github.com/quarry-search/quarry/internal/rag"

// Prefixes of the access labels that a caller holds beside rag.Everyone.
const (
	userPrefix  = "user:"
	groupPrefix = "group:"
)

// Scope returns what p may see. An admin sees every document; anyone else
// those whose access list names everyone, the subject or one of the groups.
//
// SECURITY: a principal without a subject is nobody and gets the zero Scope,
// whatever groups or roles it claims: a half-filled principal must not see
// more than none.
func Scope(p rag.Principal) rag.Scope {
	if p.Subject == "" {
		return rag.Scope{}
	}
	if p.Has(rag.RoleAdmin) {
		return rag.SystemScope("admin principal")
	}
	labels := make([]string, 0, len(p.Groups)+2)
	labels = append(labels, rag.Everyone, userPrefix+p.Subject)
	for _, g := range p.Groups {
		if g != "" {
			labels = append(labels, groupPrefix+g)
		}
	}
	return rag.LabelScope(labels)
}
