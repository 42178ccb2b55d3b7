package api

import "time"

// StartMaintenance asks for work on the index of the running server.
type StartMaintenance struct {
	Kind        string   `json:"kind" enum:"check,compact" doc:"check: checksums, lists, graphs, and the index against the catalog at one seq; compact: without what was deleted or replaced"`
	Collections []string `json:"collections,omitempty" maxItems:"1000" doc:"Of compact: only these; absent: all"`
}

// Maintenance is one such piece of work. It is forgotten when the server stops.
type Maintenance struct {
	ID         string           `json:"id"`
	Kind       string           `json:"kind" enum:"check,compact"`
	State      string           `json:"state" enum:"running,done,canceled,failed"`
	Done       int64            `json:"done" doc:"Documents compared, or collections compacted, so far"`
	Total      int64            `json:"total" doc:"Of so many, once that is known"`
	Error      string           `json:"error,omitempty" doc:"Why it failed"`
	Seq        uint64           `json:"seq,omitempty" doc:"Of a check: the change at which index and catalog were compared"`
	Checked    map[string]int64 `json:"checked,omitempty"`
	Problems   []CheckProblem   `json:"problems,omitempty"`
	Before     *IndexSizes      `json:"before,omitempty"`
	After      *IndexSizes      `json:"after,omitempty"`
	CreatedAt  time.Time        `json:"created_at"`
	FinishedAt *time.Time       `json:"finished_at,omitempty"`
}

// CheckProblem is something that a check found.
type CheckProblem struct {
	Invariant string `json:"invariant"`
	Subject   string `json:"subject"`
	Detail    string `json:"detail"`
	Repaired  bool   `json:"repaired"`
}

// IndexSizes are what an index takes.
type IndexSizes struct {
	Chunks    int64 `json:"chunks"`
	Segments  int64 `json:"segments"`
	DiskBytes int64 `json:"disk_bytes"`
}
