package catalogtest

import (
	"errors"

	"github.com/quarry-search/quarry/internal/rag"
)

func asError(err error, target **rag.Error) bool { return errors.As(err, target) }

func fieldOf(e *rag.Error) string {
	if e == nil {
		return ""
	}
	return e.Field
}
