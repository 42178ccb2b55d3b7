package api

import "time"

// Job is one ingestion. Always:
// accepted = queued + indexed + unchanged + skipped + failed.
type Job struct {
	ID         string        `json:"id"`
	Collection string        `json:"collection"`
	Source     string        `json:"source" enum:"folder,batch,upload"`
	Path       string        `json:"path,omitempty"`
	State      string        `json:"state" enum:"running,done,canceled,failed"`
	Counts     JobCounts     `json:"counts"`
	Reasons    []ReasonCount `json:"reasons,omitempty" doc:"Skipped and failed documents by reason"`
	Balanced   bool          `json:"balanced"`
	Listed     bool          `json:"listed" doc:"Every item is known, so accepted is final"`
	Error      string        `json:"error,omitempty"`
	Rate       float64       `json:"rate" doc:"Documents a second so far"`
	ETASeconds *float64      `json:"eta_seconds,omitempty"`
	CreatedAt  time.Time     `json:"created_at"`
	UpdatedAt  time.Time     `json:"updated_at"`
	FinishedAt *time.Time    `json:"finished_at,omitempty"`
}

// JobCounts is the balance of a job.
type JobCounts struct {
	Accepted  int64 `json:"accepted"`
	Queued    int64 `json:"queued"`
	Indexed   int64 `json:"indexed"`
	Unchanged int64 `json:"unchanged"`
	Skipped   int64 `json:"skipped"`
	Failed    int64 `json:"failed"`
	Deleted   int64 `json:"deleted" doc:"Documents removed because their source is gone; outside the balance"`
	Bytes     int64 `json:"bytes"`
}

// ReasonCount counts documents with one result and reason.
type ReasonCount struct {
	Result string `json:"result" enum:"skipped,failed"`
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// JobItem is one accepted document of a job.
type JobItem struct {
	Item       string    `json:"item" doc:"Source uri"`
	Result     string    `json:"result" enum:"queued,indexed,unchanged,skipped,failed"`
	Reason     string    `json:"reason,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	DocumentID string    `json:"document_id,omitempty"`
	Version    int       `json:"version,omitempty"`
	Seq        uint64    `json:"seq,omitempty"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// CreateJob asks the server to ingest a folder that it was started with.
type CreateJob struct {
	Collection string `json:"collection" minLength:"1"`
	Path       string `json:"path" doc:"A folder given to quarry up, or one inside it"`
}
