package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// JobPath names a job.
type JobPath struct {
	ID string `path:"id" doc:"Id of the job"`
}

type jobOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     api.Job
}

type jobsOutput struct {
	Body api.Page[api.Job]
}

type jobItemsInput struct {
	JobPath
	PageQuery
	Result string `query:"result" enum:"queued,indexed,unchanged,skipped,failed" doc:"Only items with this result"`
	Reason string `query:"reason" enum:"too_large,unsupported,encrypted,empty,no_text,encoding,unreadable,symlink,name,changed,policy,parse,timeout,memory,canceled,invalid,internal" doc:"Only items with this reason"`
}

type jobItemsOutput struct {
	Body api.Page[api.JobItem]
}

type createJobInput struct {
	Idempotency
	Body api.CreateJob
}

func (s *server) registerJobs() {
	register(s, operation{
		id: "list-jobs", method: http.MethodGet, path: "/v1/jobs", tag: "Jobs", kind: "read", role: rag.RoleOps,
		summary: "List jobs", detail: "Newest first.", errors: []int{400, 422},
	}, s.listJobs)
	register(s, operation{
		id: "create-job", method: http.MethodPost, path: "/v1/jobs", tag: "Jobs", kind: "ingest", role: rag.RoleOps,
		summary: "Ingest a folder", detail: "Starts an ingestion of a folder that the server was started with, or one inside it.",
		status: http.StatusAccepted, errors: []int{400, 403, 404, 409, 422},
		example: map[string]any{"collection": "docs", "path": "./docs"},
	}, s.createJob)
	register(s, operation{
		id: "get-job", method: http.MethodGet, path: "/v1/jobs/{id}", tag: "Jobs", kind: "read", role: rag.RoleOps,
		summary: "Get a job", detail: "With its balance: accepted = queued + indexed + unchanged + skipped + failed.", errors: []int{404},
	}, s.getJob)
	register(s, operation{
		id: "list-job-items", method: http.MethodGet, path: "/v1/jobs/{id}/items", tag: "Jobs", kind: "read", role: rag.RoleOps,
		summary: "List a job's documents", detail: "Each with what became of it and why, in the order of acceptance.", errors: []int{400, 404, 422},
	}, s.listJobItems)
	register(s, operation{
		id: "cancel-job", method: http.MethodPost, path: "/v1/jobs/{id}/cancel", tag: "Jobs", kind: "ingest", role: rag.RoleOps,
		summary: "Cancel a job", detail: "What is done stays done. The job is canceled as soon as its running documents end.", errors: []int{404, 409},
	}, s.cancelJob)
}

func (s *server) listJobs(ctx context.Context, _ rag.Principal, in *PageQuery) (*jobsOutput, error) {
	after, err := s.cursors.open("jobs", in.After)
	if err != nil {
		return nil, err
	}
	jobs, err := s.Catalog.ListJobs(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page := api.Page[api.Job]{Data: mapTo(jobs[:min(in.Limit, len(jobs))], s.jobOf)}
	if len(jobs) > in.Limit {
		page.Next = s.cursors.seal("jobs", jobs[in.Limit-1].ID)
	}
	return &jobsOutput{page}, nil
}

func (s *server) createJob(ctx context.Context, p rag.Principal, in *createJobInput) (*jobOutput, error) {
	request, err := json.Marshal(in.Body)
	if err != nil {
		return nil, err
	}
	status, body, err := once(ctx, s, p, in.Key, "create-job", request, func() (int, api.Job, error) {
		job, err := s.Jobs.StartFolderJob(ctx, p, in.Body.Collection, in.Body.Path)
		return http.StatusAccepted, s.jobOf(job), err
	})
	if err != nil {
		return nil, err
	}
	return &jobOutput{status, "/v1/jobs/" + body.ID, body}, nil
}

func (s *server) getJob(ctx context.Context, _ rag.Principal, in *JobPath) (*jobOutput, error) {
	return s.jobWithReasons(ctx, in.ID)
}

func (s *server) cancelJob(ctx context.Context, _ rag.Principal, in *JobPath) (*jobOutput, error) {
	if err := s.Jobs.CancelJob(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.jobWithReasons(ctx, in.ID)
}

func (s *server) jobWithReasons(ctx context.Context, id string) (*jobOutput, error) {
	job, err := s.Catalog.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	reasons, err := s.Catalog.JobReasons(ctx, id)
	if err != nil {
		return nil, err
	}
	body := s.jobOf(job)
	for _, r := range reasons {
		if r.Result == rag.Skipped || r.Result == rag.Failed {
			body.Reasons = append(body.Reasons, api.ReasonCount{Result: string(r.Result), Reason: string(r.Reason), Count: r.Count})
		}
	}
	return &jobOutput{Status: http.StatusOK, Body: body}, nil
}

func (s *server) listJobItems(ctx context.Context, _ rag.Principal, in *jobItemsInput) (*jobItemsOutput, error) {
	list := "items\x00" + in.ID + "\x00" + in.Result + "\x00" + in.Reason
	cursor, err := s.cursors.open(list, in.After)
	if err != nil {
		return nil, err
	}
	var after int64
	if cursor != "" {
		if after, err = strconv.ParseInt(cursor, 10, 64); err != nil {
			return nil, err
		}
	}
	if _, err := s.Catalog.Job(ctx, in.ID); err != nil {
		return nil, err
	}
	items, next, err := s.Catalog.JobItems(ctx, in.ID, rag.JobItemList{
		Result: rag.Result(in.Result), Reason: rag.Reason(in.Reason), After: after, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	page := api.Page[api.JobItem]{Data: mapTo(items, jobItemOf)}
	if next != 0 {
		page.Next = s.cursors.seal(list, strconv.FormatInt(next, 10))
	}
	return &jobItemsOutput{page}, nil
}

func jobItemOf(it rag.JobItem) api.JobItem {
	return api.JobItem{
		Item: it.Item, Result: string(it.Result), Reason: string(it.Reason), Detail: it.Detail,
		DocumentID: it.DocumentID, Version: it.Version, Seq: it.Seq, UpdatedAt: it.UpdatedAt,
	}
}

// jobOf computes what a job does not store: whether it balances, how fast it
// is, and, once everything is known, when it will end.
func (s *server) jobOf(j rag.Job) api.Job {
	out := api.Job{
		ID: j.ID, Collection: j.Collection, Source: j.Source, Path: j.Path, State: string(j.State),
		Counts: countsOf(j.Counts), Balanced: j.Counts.Balanced(), Listed: j.Listed, Error: j.Error,
		CreatedAt: j.CreatedAt, UpdatedAt: j.UpdatedAt, FinishedAt: timePointer(j.FinishedAt),
	}
	end := j.FinishedAt
	if end.IsZero() {
		end = s.Now()
	}
	finished := j.Counts.Accepted - j.Counts.Queued
	if took := end.Sub(j.CreatedAt); took > time.Millisecond {
		out.Rate = float64(finished) / took.Seconds()
	}
	if j.State == rag.JobRunning && j.Listed && out.Rate > 0 {
		eta := float64(j.Counts.Queued) / out.Rate
		out.ETASeconds = &eta
	}
	return out
}

func countsOf(c rag.JobCounts) api.JobCounts {
	return api.JobCounts{
		Accepted: c.Accepted, Queued: c.Queued, Indexed: c.Indexed, Unchanged: c.Unchanged,
		Skipped: c.Skipped, Failed: c.Failed, Deleted: c.Deleted, Bytes: c.Bytes,
	}
}
