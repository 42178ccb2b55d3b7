package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/quarry-search/quarry/internal/rag"
)

const jobColumns = `num, id, collection, source, path, state, error, listed, created_at, updated_at,
	coalesce(finished_at, 0), finished_at IS NOT NULL,
	accepted, queued, indexed, unchanged, skipped, failed, deleted, bytes`

func scanJob(scan func(dest ...any) error) (j rag.Job, num int64, err error) {
	var created, updated, finished int64
	var isFinished bool
	n := &j.Counts
	err = scan(&num, &j.ID, &j.Collection, &j.Source, &j.Path, &j.State, &j.Error, &j.Listed, &created, &updated,
		&finished, &isFinished,
		&n.Accepted, &n.Queued, &n.Indexed, &n.Unchanged, &n.Skipped, &n.Failed, &n.Deleted, &n.Bytes)
	j.CreatedAt, j.UpdatedAt = timeOf(created), timeOf(updated)
	if isFinished {
		j.FinishedAt = timeOf(finished)
	}
	return j, num, err
}

func findJob(r *conn, id string) (j rag.Job, num int64, err error) {
	j, num, err = scanJob(func(dest ...any) error {
		return r.one("SELECT "+jobColumns+" FROM jobs WHERE id = ?", []any{id}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = rag.NotFound(fmt.Sprintf("job %q", id))
	}
	return j, num, err
}

func checkState(s rag.JobState) error {
	switch s {
	case rag.JobRunning, rag.JobDone, rag.JobCanceled, rag.JobFailed:
		return nil
	}
	return rag.Invalid("/state", fmt.Sprintf("%q is not a job state", s))
}

// CreateJob stores a job with no items. Its id is new; its counts are zero but
// for Deleted.
func (c *Catalog) CreateJob(ctx context.Context, j rag.Job) (out rag.Job, err error) {
	if j.State == "" {
		j.State = rag.JobRunning
	}
	if err := checkState(j.State); err != nil {
		return out, err
	}
	err = c.write(ctx, "create job", func(t *tx) error {
		out = j
		out.ID, out.CreatedAt, out.UpdatedAt = ulid.Make().String(), t.now, t.now
		out.Counts = rag.JobCounts{Deleted: j.Counts.Deleted}
		out.FinishedAt = finishedAt(rag.Job{}, j.State, t.now)
		_, err := t.exec(`INSERT INTO jobs (id, collection, source, path, state, error, listed, created_at, updated_at, finished_at, deleted)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			out.ID, out.Collection, out.Source, out.Path, string(out.State), out.Error, out.Listed,
			micros(t.now), micros(t.now), micros(out.FinishedAt), out.Counts.Deleted)
		return err
	})
	return out, err
}

// UpdateJob stores what is the caller's: state, listed, error and deleted
// count.
func (c *Catalog) UpdateJob(ctx context.Context, j rag.Job) (out rag.Job, err error) {
	if err := checkState(j.State); err != nil {
		return out, err
	}
	err = c.write(ctx, "update job", func(t *tx) error {
		old, num, err := findJob(t.conn, j.ID)
		if err != nil {
			return err
		}
		out = old
		out.State, out.Listed, out.Error, out.Counts.Deleted, out.UpdatedAt = j.State, j.Listed, j.Error, j.Counts.Deleted, t.now
		out.FinishedAt = finishedAt(old, j.State, t.now)
		_, err = t.exec("UPDATE jobs SET state = ?, listed = ?, error = ?, deleted = ?, updated_at = ?, finished_at = ? WHERE num = ?",
			string(out.State), out.Listed, out.Error, out.Counts.Deleted, micros(t.now), micros(out.FinishedAt), num)
		return err
	})
	return out, err
}

// finishedAt is when a job that goes to a state ended: zero while it runs, the
// first end when it had ended before.
func finishedAt(old rag.Job, state rag.JobState, now time.Time) time.Time {
	switch {
	case state == rag.JobRunning:
		return time.Time{}
	case old.FinishedAt.IsZero():
		return now
	}
	return old.FinishedAt
}

// Job returns one job.
func (c *Catalog) Job(ctx context.Context, id string) (j rag.Job, err error) {
	err = c.read(ctx, "read job", func(r *conn) error {
		j, _, err = findJob(r, id)
		return err
	})
	return j, err
}

// ListJobs returns jobs, newest first, after the job with the id after.
func (c *Catalog) ListJobs(ctx context.Context, after string, limit int) (out []rag.Job, err error) {
	err = c.read(ctx, "list jobs", func(r *conn) error {
		before := int64(1) << 62
		if after != "" {
			if _, before, err = findJob(r, after); err != nil {
				return err
			}
		}
		out, err = listJobs(r, "SELECT "+jobColumns+" FROM jobs WHERE num < ? ORDER BY num DESC LIMIT ?", before, clampLimit(limit))
		return err
	})
	return out, err
}

// UnfinishedJobs returns the running jobs, oldest first.
func (c *Catalog) UnfinishedJobs(ctx context.Context) (out []rag.Job, err error) {
	err = c.read(ctx, "list unfinished jobs", func(r *conn) error {
		out, err = listJobs(r, "SELECT "+jobColumns+" FROM jobs WHERE state = 'running' ORDER BY num")
		return err
	})
	return out, err
}

func listJobs(r *conn, query string, args ...any) (out []rag.Job, err error) {
	err = r.each(query, args, func(rows *sql.Rows) error {
		j, _, err := scanJob(rows.Scan)
		out = append(out, j)
		return err
	})
	return out, err
}
