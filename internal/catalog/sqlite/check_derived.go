package sqlite

import (
	"database/sql"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// badEmbedding is one that cannot be used.
type badEmbedding struct {
	key         int64
	fingerprint string
}

// checkEmbeddings tests every vector. A repair deletes the bad ones and sends
// the followers that make vectors under that model back to the start of the
// log, where they find what is missing.
func (k *checker) checkEmbeddings() error {
	var bad []badEmbedding
	err := k.r.each(`SELECT e.key, e.vector, coalesce(m.fingerprint, ''), coalesce(m.dim, 0), t.hash
		FROM embeddings e LEFT JOIN models m ON m.id = e.key >> 40 LEFT JOIN texts t ON t.id = e.key & 0xffffffffff`, nil,
		func(rows *sql.Rows) error {
			var e badEmbedding
			var vector, hash sql.RawBytes
			var dim int
			if err := rows.Scan(&e.key, &vector, &e.fingerprint, &dim, &hash); err != nil {
				return err
			}
			k.checked("embeddings", 1)
			problem := ""
			switch {
			case e.fingerprint == "" || len(hash) == 0:
				problem = "its model or its text is unknown"
			case len(vector) != 4*dim:
				problem = fmt.Sprintf("it has %d bytes for %d dimensions", len(vector), dim)
			case rag.GivenFingerprint(e.fingerprint): // its metric says how long it is
				_, problem = vectorLength(decodeVector(vector))
			default:
				problem = vectorProblem(decodeVector(vector))
			}
			if problem != "" {
				bad = append(bad, e)
				k.found(k.repair != nil, "embedding", fmt.Sprintf("%x", []byte(hash)), "%s", problem)
			}
			return nil
		})
	if err != nil || k.repair == nil {
		return err
	}
	for _, e := range bad {
		if _, err := k.repair.exec("DELETE FROM embeddings WHERE key = ?", e.key); err != nil {
			return err
		}
		if _, err := k.repair.exec("UPDATE cursors SET seq = 0 WHERE fingerprint = ?", e.fingerprint); err != nil {
			return err
		}
	}
	return nil
}

// checkJobs compares each job's counts with its items.
func (k *checker) checkJobs() error {
	type broken struct {
		num    int64
		counts rag.JobCounts
	}
	var found []broken
	err := k.r.each(`SELECT `+jobColumns+`,
			(SELECT count(*) FROM job_items i WHERE i.job = jobs.num),
			(SELECT count(*) FROM job_items i WHERE i.job = jobs.num AND result = 'queued'),
			(SELECT count(*) FROM job_items i WHERE i.job = jobs.num AND result = 'indexed'),
			(SELECT count(*) FROM job_items i WHERE i.job = jobs.num AND result = 'unchanged'),
			(SELECT count(*) FROM job_items i WHERE i.job = jobs.num AND result = 'skipped'),
			(SELECT count(*) FROM job_items i WHERE i.job = jobs.num AND result = 'failed'),
			(SELECT coalesce(sum(size_bytes), 0) FROM job_items i WHERE i.job = jobs.num)
		FROM jobs`, nil, func(rows *sql.Rows) error {
		var n rag.JobCounts
		j, num, err := scanJob(func(dest ...any) error {
			return rows.Scan(append(dest, &n.Accepted, &n.Queued, &n.Indexed, &n.Unchanged, &n.Skipped, &n.Failed, &n.Bytes)...)
		})
		if err != nil {
			return err
		}
		k.checked("jobs", 1)
		k.checked("job_items", int(n.Accepted))
		n.Deleted = j.Counts.Deleted
		if !n.Balanced() {
			k.problem("job_balance", j.ID, "some of its items have a result that does not exist")
		}
		if n != j.Counts {
			k.found(k.repair != nil, "job_balance", j.ID, "its counts are %+v, its items give %+v", j.Counts, n)
			found = append(found, broken{num, n})
		}
		return nil
	})
	if err != nil || k.repair == nil {
		return err
	}
	for _, b := range found {
		n := b.counts
		_, err := k.repair.exec(`UPDATE jobs SET accepted = ?, queued = ?, indexed = ?, unchanged = ?, skipped = ?, failed = ?, bytes = ? WHERE num = ?`,
			n.Accepted, n.Queued, n.Indexed, n.Unchanged, n.Skipped, n.Failed, n.Bytes, b.num)
		if err != nil {
			return err
		}
	}
	return nil
}
