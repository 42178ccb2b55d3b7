package sqlite

import (
	"encoding/json"

	"github.com/quarry-search/quarry/internal/rag"
)

// visible is the condition that a document d is in scope. Its two parameters
// come from scopeArgs.
//
// SECURITY: every query that reads documents on a caller's behalf holds it,
// and tests the document's current access list, not a version's.
const visible = `(? OR d.access IN (
	SELECT list FROM access_labels WHERE label IN (SELECT value FROM json_each(?))))`

func scopeArgs(s rag.Scope) []any {
	if s.All() {
		return []any{1, "[]"}
	}
	labels := s.Labels()
	if labels == nil {
		labels = []string{}
	}
	b, err := json.Marshal(labels)
	if err != nil {
		panic("sqlite: strings always encode: " + err.Error())
	}
	return []any{0, string(b)}
}
