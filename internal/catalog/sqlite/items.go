package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// countDelta is how a job's counts change with its items.
//
// Invariant: a job's counts are those of its items, in every transaction.
type countDelta struct {
	accepted int
	byResult map[rag.Result]int
	bytes    int64
}

func (t *tx) addCounts(job int64, d countDelta) error {
	_, err := t.exec(`UPDATE jobs SET accepted = accepted + ?, queued = queued + ?, indexed = indexed + ?,
		unchanged = unchanged + ?, skipped = skipped + ?, failed = failed + ?, bytes = bytes + ?, updated_at = ? WHERE num = ?`,
		d.accepted, d.byResult[rag.Queued], d.byResult[rag.Indexed],
		d.byResult[rag.Unchanged], d.byResult[rag.Skipped], d.byResult[rag.Failed], d.bytes, micros(t.now), job)
	return err
}

// jobPosition returns a job's row number and the position of its last item.
func (t *tx) jobPosition(id string) (num, last int64, err error) {
	err = t.one("SELECT num, accepted FROM jobs WHERE id = ?", []any{id}, &num, &last)
	if errors.Is(err, sql.ErrNoRows) {
		err = rag.NotFound(fmt.Sprintf("job %q", id))
	}
	return num, last, err
}

const insertItem = `INSERT INTO job_items (job, position, item, result, reason, detail, document, number, seq, size_bytes, updated_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job, item) DO NOTHING`

// AddJobItems accepts items.
func (c *Catalog) AddJobItems(ctx context.Context, job string, items []string) error {
	for i, item := range items {
		if item == "" {
			return rag.Invalid(fmt.Sprintf("/items/%d", i), "an item needs a name")
		}
	}
	return c.write(ctx, "accept job items", func(t *tx) error {
		num, last, err := t.jobPosition(job)
		if err != nil {
			return err
		}
		added := 0
		for _, item := range items {
			res, err := t.exec(insertItem, num, last+int64(added)+1, item, string(rag.Queued), "", "", "", 0, 0, 0, micros(t.now))
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			added += int(n)
		}
		return t.addCounts(num, countDelta{accepted: added, byResult: map[rag.Result]int{rag.Queued: added}})
	})
}

// FinishJobItem records an item's final result.
func (c *Catalog) FinishJobItem(ctx context.Context, job string, it rag.JobItem, sizeBytes int64) error {
	return c.write(ctx, "finish job item", func(t *tx) error { return t.finishItem(job, it, sizeBytes) })
}

// finishItem records a final result, of an item that may have one already or
// may not have been accepted yet.
func (t *tx) finishItem(job string, it rag.JobItem, sizeBytes int64) error {
	switch it.Result {
	case rag.Indexed, rag.Unchanged, rag.Skipped, rag.Failed:
	default:
		return rag.Invalid("/result", fmt.Sprintf("%q is not a final result", it.Result))
	}
	if it.Item == "" {
		return rag.Invalid("/item", "an item needs a name")
	}
	num, last, err := t.jobPosition(job)
	if err != nil {
		return err
	}
	var position, oldSize int64
	var old rag.Result
	err = t.one("SELECT position, result, size_bytes FROM job_items WHERE job = ? AND item = ?", []any{num, it.Item}, &position, &old, &oldSize)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = t.exec(insertItem, num, last+1, it.Item, string(it.Result), string(it.Reason), it.Detail,
			it.DocumentID, it.Version, int64(it.Seq), sizeBytes, micros(t.now))
		if err != nil {
			return err
		}
		return t.addCounts(num, countDelta{accepted: 1, byResult: map[rag.Result]int{it.Result: 1}, bytes: sizeBytes})
	}
	if err != nil {
		return err
	}
	_, err = t.exec(`UPDATE job_items SET result = ?, reason = ?, detail = ?, document = ?, number = ?, seq = ?, size_bytes = ?, updated_at = ?
		WHERE job = ? AND position = ?`,
		string(it.Result), string(it.Reason), it.Detail, it.DocumentID, it.Version, int64(it.Seq), sizeBytes, micros(t.now), num, position)
	if err != nil {
		return err
	}
	delta := map[rag.Result]int{old: -1}
	delta[it.Result]++
	return t.addCounts(num, countDelta{byResult: delta, bytes: sizeBytes - oldSize})
}

const (
	itemColumns = `position, item, result, reason, detail, document, number, seq, updated_at`

	selectItems    = `SELECT ` + itemColumns + ` FROM job_items WHERE job = ? AND position > ? ORDER BY position LIMIT ?`
	selectByResult = `SELECT ` + itemColumns + ` FROM job_items WHERE job = ? AND result = ? AND (? = '' OR reason = ?) AND position > ?
		ORDER BY position LIMIT ?`
	selectByReason = `SELECT ` + itemColumns + ` FROM job_items WHERE job = ? AND reason = ? AND position > ? ORDER BY position LIMIT ?`
)

// JobItems returns a page of a job's items, in the order of acceptance.
func (c *Catalog) JobItems(ctx context.Context, job string, l rag.JobItemList) (items []rag.JobItem, next int64, err error) {
	limit := clampLimit(l.Limit)
	err = c.read(ctx, "list job items", func(r *conn) error {
		_, num, err := findJob(r, job)
		if err != nil {
			return err
		}
		query, args := selectItems, []any{num, l.After, limit + 1}
		switch {
		case l.Result != "":
			query, args = selectByResult, []any{num, string(l.Result), string(l.Reason), string(l.Reason), l.After, limit + 1}
		case l.Reason != "":
			query, args = selectByReason, []any{num, string(l.Reason), l.After, limit + 1}
		}
		var position, last int64
		err = r.each(query, args, func(rows *sql.Rows) error {
			var it rag.JobItem
			var seq, updated int64
			last = position
			if err := rows.Scan(&position, &it.Item, &it.Result, &it.Reason, &it.Detail, &it.DocumentID, &it.Version, &seq, &updated); err != nil {
				return err
			}
			it.Seq, it.UpdatedAt = uint64(seq), timeOf(updated)
			items = append(items, it)
			return nil
		})
		if err == nil && len(items) > limit {
			items, next = items[:limit], last
		}
		return err
	})
	return items, next, err
}

// JobReasons counts a job's items by result and reason.
func (c *Catalog) JobReasons(ctx context.Context, job string) (out []rag.ReasonCount, err error) {
	err = c.read(ctx, "count job reasons", func(r *conn) error {
		_, num, err := findJob(r, job)
		if err != nil {
			return err
		}
		return r.each("SELECT result, reason, count(*) FROM job_items WHERE job = ? GROUP BY result, reason ORDER BY result, reason",
			[]any{num}, func(rows *sql.Rows) error {
				var n rag.ReasonCount
				err := rows.Scan(&n.Result, &n.Reason, &n.Count)
				out = append(out, n)
				return err
			})
	})
	return out, err
}
