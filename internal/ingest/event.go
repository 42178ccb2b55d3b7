package ingest

import (
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// Events are told what happens; nil members are not called. They must return
// quickly and may be called concurrently.
type Events struct {
	// Document is told of each document that got a result.
	Document func(d DocumentEvent)
	// Embedded is told of each batch that the embedder finished.
	Embedded func(computed, reused, failed int, took time.Duration)
	// Applied is told of each batch of changes that became visible.
	Applied func(changes []rag.IndexChange, took time.Duration)
	// Follower is told of an error that the follower will get over or repeat.
	Follower func(name string, kind FollowerError, err error)
	// Job is told when a job ends.
	Job func(j rag.Job)
	// Panic is told what a parser or chunker panicked with: for counting, not
	// for logs, since it may hold content.
	Panic func(value any)
}

// DocumentEvent is one finished document.
type DocumentEvent struct {
	Job       string
	Kind      rag.Kind // "" when parsing did not get that far
	Result    rag.Result
	Reason    rag.Reason
	Chunks    int // of the version
	NewChunks int // of these, texts seen for the first time
	SizeBytes int64
	Stages    []rag.Stage // parse, chunk, commit
}

// FollowerError classes an error of a follower.
type FollowerError string

// The classes: transient is tried again with growing pauses; poison names one
// entry or text that fails again and again.
const (
	Transient FollowerError = "transient"
	Poison    FollowerError = "poison"
)

func (e Events) document(d DocumentEvent) {
	if e.Document != nil {
		e.Document(d)
	}
}

func (e Events) embedded(computed, reused, failed int, took time.Duration) {
	if e.Embedded != nil {
		e.Embedded(computed, reused, failed, took)
	}
}

func (e Events) applied(changes []rag.IndexChange, took time.Duration) {
	if e.Applied != nil {
		e.Applied(changes, took)
	}
}

func (e Events) follower(name string, kind FollowerError, err error) {
	if e.Follower != nil {
		e.Follower(name, kind, err)
	}
}

func (e Events) job(j rag.Job) {
	if e.Job != nil {
		e.Job(j)
	}
}

func (e Events) panicked(value any) {
	if e.Panic != nil {
		e.Panic(value)
	}
}
