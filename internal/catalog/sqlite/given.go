package sqlite

import (
	"database/sql"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// checkGiven compares given vectors with what their collection takes.
func checkGiven(c rag.Collection, vectors [][]float32) error {
	if vectors == nil {
		return nil
	}
	settings := c.Settings.Vectors
	if settings.Source != rag.VectorsGiven {
		return rag.Invalid("/chunks", fmt.Sprintf("the server computes the vectors of collection %q", c.Name))
	}
	for i, v := range vectors {
		if v == nil {
			continue
		}
		field := fmt.Sprintf("/chunks/%d/vector", i)
		if _, err := settings.Vector(field, v); err != nil {
			return err
		}
		if cosine := settings.Metric == "" || settings.Metric == rag.MetricCosine; cosine && vectorProblem(v) != "" {
			return rag.Invalid(field, vectorProblem(v))
		}
	}
	return nil
}

// given returns the hashes of the chunks that came with a vector, and the
// vectors as they are stored.
func (q *publication) given() (hashes []rag.Hash, blobs [][]byte, dim int) {
	for i, v := range q.Vectors {
		if v != nil {
			hashes, blobs, dim = append(hashes, q.Chunks[i].TextHash), append(blobs, encodeVector(v)), len(v)
		}
	}
	return hashes, blobs, dim
}

// putGiven stores the vectors that came with a version.
func (t *tx) putGiven(q *publication, fingerprint string) error {
	hashes, blobs, dim := q.given()
	if len(hashes) == 0 {
		return nil
	}
	return t.putVectors(fingerprint, dim, hashes, blobs)
}

// holdsGiven reports whether all of a publication's vectors are stored: a
// check may have removed damaged ones, and then the document is put anew.
func (t *tx) holdsGiven(q *publication, fingerprint string) (bool, error) {
	hashes, _, _ := q.given()
	if len(hashes) == 0 {
		return true, nil
	}
	model, _, err := findModel(t.conn, fingerprint)
	if err != nil {
		return false, err
	}
	held := true
	err = eachPart(hashes, func(part []rag.Hash) error {
		return t.each(selectMissing, []any{hexList(part), model}, func(*sql.Rows) error {
			held = false
			return nil
		})
	})
	return held, err
}

// dropGiven forgets a dropped collection's vectors: unlike a model's, nothing
// can meet them again.
func (t *tx) dropGiven(fingerprint string) error {
	model, _, err := findModel(t.conn, fingerprint)
	if err != nil || model == 0 {
		return err
	}
	if _, err := t.exec("DELETE FROM embeddings WHERE key >= ?1 << 40 AND key < (?1 + 1) << 40", model); err != nil {
		return err
	}
	_, err = t.exec("DELETE FROM models WHERE id = ?", model)
	return err
}

// givenHashed reports whether h is the hash of a chunk with one of the vectors
// stored for it.
func givenHashed(r *conn, context, text string, h rag.Hash) (found bool, err error) {
	err = r.each(`SELECT e.vector FROM texts t JOIN models m ON m.fingerprint GLOB 'given:*'
		JOIN embeddings e ON e.key = (m.id << 40) | t.id WHERE t.hash = ?`, []any{h[:]}, func(rows *sql.Rows) error {
		var b sql.RawBytes
		if err := rows.Scan(&b); err != nil {
			return err
		}
		found = found || rag.GivenHash(context, text, decodeVector(b)) == h
		return nil
	})
	return found, err
}
