package httpapi

import (
	"context"

	"github.com/quarry-search/quarry/internal/rag"
)

// gate lets some callers run, some wait, and refuses the rest at once, so that
// a burst makes searches wait for each other and not for memory.
type gate struct {
	slots   chan struct{}
	waiting chan struct{}
}

func newGate(slots, queue int) *gate {
	return &gate{make(chan struct{}, slots), make(chan struct{}, slots+queue)}
}

// enter waits for a slot; leave gives it back. CodeLimited when the queue is
// full.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.waiting <- struct{}{}:
	default:
		return nil, &rag.Error{Code: rag.CodeLimited, Message: "too many searches are waiting; try again shortly"}
	}
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots; <-g.waiting }, nil
	case <-ctx.Done():
		<-g.waiting
		return nil, ctx.Err()
	}
}
