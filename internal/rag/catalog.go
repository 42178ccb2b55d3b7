package rag

import (
	"context"
	"time"
)

// Catalog is the source of truth: documents, versions, chunks, embeddings,
// jobs and the log. Everything else follows it. Methods are safe for
// concurrent use. Every change is one transaction with its log entry; a method
// that returned without error has committed durably.
//
// Reads take a Scope: what it does not allow does not exist (CodeNotFound, or
// absent from lists). catalogtest is the conformance suite.
type Catalog interface {
	Collections
	Documents
	Erasures
	Log
	Embeddings
	Jobs
	Keys

	// Check verifies every invariant the catalog holds alone and, when repair
	// is set, mends what can be derived. It reports what it found and what it
	// could not mend.
	Check(ctx context.Context, repair bool) (CheckReport, error)
	Close() error
}

// Collections is the part of the catalog about collections.
type Collections interface {
	// CreateCollection fails with CodeConflict when the name is taken.
	CreateCollection(ctx context.Context, c Collection) (Collection, error)
	// AlterCollection replaces description, settings and fingerprint. A
	// non-zero ifSeq that is not the collection's Seq is CodePrecondition.
	AlterCollection(ctx context.Context, c Collection, ifSeq uint64) (Collection, error)
	// DropCollection removes the collection and its documents in one change.
	DropCollection(ctx context.Context, name string, ifSeq uint64) (seq uint64, err error)
	Collection(ctx context.Context, s Scope, name string) (Collection, error)
	ListCollections(ctx context.Context, s Scope) ([]Collection, error) // by name
	CountCollection(ctx context.Context, s Scope, name string) (CollectionCounts, error)
}

// CollectionCounts are totals over the visible documents of a collection.
type CollectionCounts struct {
	Documents int64
	Chunks    int64
	Embedded  int64 // chunks whose vector exists under the active fingerprint
	TextBytes int64
}

// Publication is one new version, ready to commit.
type Publication struct {
	Document Document // ID, Collection, URI, Access; Version without Number, Seq, CreatedAt
	Source   []byte   // original bytes
	Text     string   // normalised text
	Chunks   []Chunk  // Key.Version is filled in by the catalog
	// Vectors are those of Chunks, in their order, nil for one without: only
	// where the collection's are given. They are stored with the version.
	Vectors [][]float32
	// IfSeq, when non-zero, must be the document's Seq (CodePrecondition);
	// IfAbsent refuses to replace (CodeConflict).
	IfSeq    uint64
	IfAbsent bool
	// Job and Item, when Job is set, record the result in the same transaction.
	Job  string
	Item string
}

// Published is what Publish did.
type Published struct {
	Document  Document
	Result    Result // Indexed or Unchanged
	Seq       uint64 // of the change, or of the existing version when unchanged
	NewChunks int    // chunks whose text hash the catalog had not seen before
}

// DocumentList asks for a page of documents in one collection, by id.
type DocumentList struct {
	Collection string
	URIPrefix  string
	After      string // document id, exclusive; "" from the start
	Limit      int
}

// Documents is the part of the catalog about documents.
type Documents interface {
	// Publish commits a version, and the vectors given with it. When source hash, title, kind, attributes
	// and chunk hashes equal those of the current version nothing is written
	// but the job's item (and the access list, when that differs, as its own
	// change) and the result is Unchanged. A nil access list means Everyone for
	// a document that is new to the collection and leaves that of any other, a
	// deleted one too, as it is: an edit never opens what was closed.
	Publish(ctx context.Context, p Publication) (Published, error)
	// SetAccess replaces the access list.
	SetAccess(ctx context.Context, id string, access []string, ifSeq uint64) (Document, error)
	// DeleteDocument makes the current version gone. Old versions stay
	// readable until they are erased.
	DeleteDocument(ctx context.Context, s Scope, id string, ifSeq uint64) (seq uint64, err error)

	// Document returns a document at its current version, or, when version is
	// not 0, at that one, gone or not.
	Document(ctx context.Context, s Scope, id string, version int) (Document, error)
	ListDocuments(ctx context.Context, s Scope, l DocumentList) ([]Document, error)
	Versions(ctx context.Context, s Scope, id string) ([]Version, error) // newest first
	Text(ctx context.Context, s Scope, id string, version int) (string, error)
	Source(ctx context.Context, s Scope, id string, version int) ([]byte, error)
	// DocumentChunks returns all chunks of a version, in order.
	DocumentChunks(ctx context.Context, s Scope, id string, version int) ([]Chunk, error)
	// Chunks hydrates keys, in their order. A key that is not visible or does
	// not exist yields a zero StoredChunk at its place.
	Chunks(ctx context.Context, s Scope, keys []ChunkKey) ([]StoredChunk, error)
}

// StoredChunk is a chunk with the document version it belongs to.
type StoredChunk struct {
	Chunk    Chunk
	Document Document
}

// Log is the totally ordered record of changes.
type Log interface {
	// Head is the seq of the last committed change, 0 for none.
	Head(ctx context.Context) (uint64, error)
	// Changes returns up to limit entries with Seq > after, in order, and
	// fewer when their chunks pass some megabytes; none at the head.
	Changes(ctx context.Context, after uint64, limit int) ([]Change, error)
	// WaitHead blocks until the head passes after, and returns it.
	WaitHead(ctx context.Context, after uint64) (uint64, error)
	// Cursor and SetCursor keep how far a named follower has read.
	Cursor(ctx context.Context, follower string) (uint64, error)
	SetCursor(ctx context.Context, follower string, seq uint64) error
}

// Embeddings is the store of vectors by (text hash, fingerprint).
type Embeddings interface {
	// Missing returns those hashes that have no vector under fingerprint.
	Missing(ctx context.Context, fingerprint string, hashes []Hash) ([]Hash, error)
	// PutVectors stores vectors, appends one ChangeVectors entry that names
	// them (none for an empty list), and sets the follower's cursor, in one
	// transaction. It returns the entry's seq, or the head.
	PutVectors(ctx context.Context, fingerprint string, vs []Vector, follower string, cursor uint64) (seq uint64, err error)
	// Vectors returns the vectors that exist.
	Vectors(ctx context.Context, fingerprint string, hashes []Hash) (map[Hash][]float32, error)
}

// JobState is the state of a job.
type JobState string

// The job states.
const (
	JobRunning  JobState = "running"
	JobDone     JobState = "done"
	JobCanceled JobState = "canceled"
	JobFailed   JobState = "failed" // the job itself, not a document in it
)

// Job is one ingestion: a balance of what was accepted and what became of it.
type Job struct {
	ID         string
	Collection string
	Source     string // "folder", "batch", "upload"
	Path       string // of a folder
	State      JobState
	Counts     JobCounts
	Error      string // why the job itself failed; safe to show
	CreatedAt  time.Time
	UpdatedAt  time.Time
	FinishedAt time.Time // zero while it runs
	Listed     bool      // every item is known: the total is final
}

// JobCounts obey Accepted = Queued + Indexed + Unchanged + Skipped + Failed.
type JobCounts struct {
	Accepted, Queued, Indexed, Unchanged, Skipped, Failed int64
	Deleted                                               int64 // documents whose source was gone
	Bytes                                                 int64 // source bytes of finished items
}

// Balanced reports whether the conservation law holds.
func (c JobCounts) Balanced() bool {
	return c.Accepted == c.Queued+c.Indexed+c.Unchanged+c.Skipped+c.Failed
}

// JobItem is one accepted document of a job.
type JobItem struct {
	Item       string // the source uri (for a bad name: an escaped form)
	Result     Result
	Reason     Reason
	Detail     string
	DocumentID string
	Version    int
	Seq        uint64
	UpdatedAt  time.Time
}

// JobItemList asks for a page of a job's items, in the order of acceptance.
type JobItemList struct {
	Result Result // "" for all
	Reason Reason // "" for all
	After  int64  // position, exclusive
	Limit  int
}

// ReasonCount is how many of a job's items ended with one result and reason.
type ReasonCount struct {
	Result Result
	Reason Reason
	Count  int64
}

// Jobs is the part of the catalog about jobs.
type Jobs interface {
	CreateJob(ctx context.Context, j Job) (Job, error)
	// AddJobItems accepts items: they are queued (an item already there is
	// left alone). Counts change in the same transaction.
	AddJobItems(ctx context.Context, job string, items []string) error
	// FinishJobItem records a final result that Publish did not. Recording a
	// second result for an item replaces the first.
	FinishJobItem(ctx context.Context, job string, it JobItem, sizeBytes int64) error
	// UpdateJob stores state, listed, error and deleted count; counts of items
	// are the catalog's own.
	UpdateJob(ctx context.Context, j Job) (Job, error)
	Job(ctx context.Context, id string) (Job, error)
	ListJobs(ctx context.Context, after string, limit int) ([]Job, error) // newest first
	// UnfinishedJobs returns the jobs in state running, oldest first: those to
	// resume at start. Their open work is JobItems with Result Queued.
	UnfinishedJobs(ctx context.Context) ([]Job, error)
	// JobItems returns a page; next is the After of the following page, 0 when
	// this was the last one.
	JobItems(ctx context.Context, job string, l JobItemList) (items []JobItem, next int64, err error)
	// JobReasons counts a job's items by result and reason, ordered by both.
	JobReasons(ctx context.Context, job string) ([]ReasonCount, error)
}

// Keys stores the responses of idempotent requests.
type Keys interface {
	// BeginKey claims a key for a request: ok means that the caller runs it.
	// Otherwise the stored record is returned: Done false means that it still
	// runs. Records older than a day are forgotten.
	BeginKey(ctx context.Context, key string, request Hash) (stored KeyRecord, ok bool, err error)
	// EndKey stores the response; DropKey forgets a claim that failed.
	EndKey(ctx context.Context, key string, status int, body []byte) error
	DropKey(ctx context.Context, key string) error
}

// KeyRecord is one idempotency key.
type KeyRecord struct {
	Request Hash
	Done    bool
	Status  int
	Body    []byte
}

// CheckReport is what a check found.
type CheckReport struct {
	Checked  map[string]int64 // what was looked at, by name
	Problems []Problem
}

// Problem is one broken invariant.
type Problem struct {
	Invariant string // short name: "span", "blob_hash", "job_balance", …
	Subject   string // what is broken: a document id, a job id, …
	Detail    string
	Repaired  bool
}
