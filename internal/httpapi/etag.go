package httpapi

import (
	"strconv"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// etag writes a seq as a strong entity tag.
func etag(seq uint64) string { return `"` + strconv.FormatUint(seq, 10) + `"` }

// Conditions are the headers that make a write conditional.
type Conditions struct {
	IfMatch string `header:"If-Match" doc:"ETag (the seq, in quotes): write only if nothing changed since"`
}

// seq reads If-Match; 0 means unconditional.
func (c Conditions) seq() (uint64, error) {
	if c.IfMatch == "" {
		return 0, nil
	}
	inner, ok := strings.CutPrefix(c.IfMatch, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	n, err := strconv.ParseUint(inner, 10, 64)
	if !ok || !closed || err != nil || n == 0 {
		return 0, rag.Invalid("If-Match", `must be one ETag as the server gave it, such as "42"`)
	}
	return n, nil
}

// Absence is the header that creates only.
type Absence struct {
	IfNoneMatch string `header:"If-None-Match" enum:"*" doc:"*: write only if there is none yet"`
}

func (a Absence) only() bool { return a.IfNoneMatch == "*" }
