package api

// The names of the events of a streamed answer, in the order they come:
// retrieval; then delta, citation and verdict for each sentence; usage; done.
// An error may end it at any point.
const (
	EventRetrieval = "retrieval"
	EventDelta     = "delta"
	EventCitation  = "citation"
	EventVerdict   = "verdict"
	EventUsage     = "usage"
	EventDone      = "done"
	EventError     = "error"
)

// Event is one decoded event: Type names the one field that is set.
type Event struct {
	ID        int // as in "id:", from 1
	Type      string
	Retrieval *RetrievalEvent
	Delta     *DeltaEvent
	Citation  *CitationEvent
	Verdict   *VerdictEvent
	Usage     *UsageEvent
	Done      *DoneEvent
	Error     *Problem
}
