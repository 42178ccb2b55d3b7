package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/quarry-search/quarry/internal/rag"
)

// Embeddings are keyed by (model << 40) | text: one integer, so that vectors
// lie in the order in which their texts came and never spill out of the tree.

// unitTolerance is how far a vector's length may be from 1.
const unitTolerance = 1e-3

// maxLookup is how many hashes one lookup query takes.
const maxLookup = 4096

func findModel(r *conn, fingerprint string) (id int64, dim int, err error) {
	err = r.one("SELECT id, dim FROM models WHERE fingerprint = ?", []any{fingerprint}, &id, &dim)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return id, dim, err
}

const (
	selectMissing = `SELECT j.key FROM json_each(?) j WHERE NOT EXISTS (
		SELECT 1 FROM texts t JOIN embeddings e ON e.key = (? << 40) | t.id WHERE t.hash = unhex(j.value))`

	selectVectors = `SELECT j.key, e.vector FROM json_each(?) j
		CROSS JOIN texts t ON t.hash = unhex(j.value)
		CROSS JOIN embeddings e ON e.key = (? << 40) | t.id`
)

// Missing returns the hashes without a vector, each once, in their order.
func (c *Catalog) Missing(ctx context.Context, fingerprint string, hashes []rag.Hash) (out []rag.Hash, err error) {
	err = c.read(ctx, "find missing embeddings", func(r *conn) error {
		model, _, err := findModel(r, fingerprint)
		if err != nil {
			return err
		}
		seen := make(map[rag.Hash]bool, len(hashes))
		return eachPart(hashes, func(part []rag.Hash) error {
			return r.each(selectMissing, []any{hexList(part), model}, func(rows *sql.Rows) error {
				var i int
				if err := rows.Scan(&i); err != nil {
					return err
				}
				if h := part[i]; !seen[h] {
					seen[h] = true
					out = append(out, h)
				}
				return nil
			})
		})
	})
	return out, err
}

func eachPart(hashes []rag.Hash, fn func(part []rag.Hash) error) error {
	for len(hashes) > 0 {
		n := min(len(hashes), maxLookup)
		if err := fn(hashes[:n]); err != nil {
			return err
		}
		hashes = hashes[n:]
	}
	return nil
}

// Vectors returns the vectors that exist.
func (c *Catalog) Vectors(ctx context.Context, fingerprint string, hashes []rag.Hash) (map[rag.Hash][]float32, error) {
	out := make(map[rag.Hash][]float32, len(hashes))
	err := c.read(ctx, "read embeddings", func(r *conn) error {
		model, dim, err := findModel(r, fingerprint)
		if err != nil || model == 0 {
			return err
		}
		return eachPart(hashes, func(part []rag.Hash) error {
			return r.each(selectVectors, []any{hexList(part), model}, func(rows *sql.Rows) error {
				var i int
				var b sql.RawBytes
				if err := rows.Scan(&i, &b); err != nil {
					return err
				}
				if len(b) != 4*dim {
					return &rag.Error{Code: rag.CodeInternal, Message: "a stored embedding is damaged; run quarry fsck",
						Err: fmt.Errorf("text %s: %d bytes for %d dimensions", part[i], len(b), dim)}
				}
				out[part[i]] = decodeVector(b)
				return nil
			})
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// PutVectors stores vectors and moves the follower's cursor.
func (c *Catalog) PutVectors(ctx context.Context, fingerprint string, vs []rag.Vector, follower string, cursor uint64) (seq uint64, err error) {
	if fingerprint == "" {
		return 0, rag.Invalid("/fingerprint", "an embedding needs its model's fingerprint")
	}
	hashes := make([]rag.Hash, len(vs))
	blobs := make([][]byte, len(vs))
	for i, v := range vs {
		if len(v.Values) != len(vs[0].Values) {
			return 0, rag.Invalid("", fmt.Sprintf("vector %d has %d dimensions, the first has %d", i, len(v.Values), len(vs[0].Values)))
		}
		if problem := vectorProblem(v.Values); problem != "" {
			return 0, rag.Invalid("", fmt.Sprintf("vector %d: %s", i, problem))
		}
		hashes[i], blobs[i] = v.TextHash, encodeVector(v.Values)
	}
	err = c.write(ctx, "store embeddings", func(t *tx) error {
		seq = *t.seq
		hashes, blobs, err := c.erased.without(t, hashes, blobs)
		if err != nil {
			return err
		}
		if len(hashes) > 0 {
			if err := t.putVectors(fingerprint, len(vs[0].Values), hashes, blobs); err != nil {
				return err
			}
			if seq, err = t.append(entry{kind: string(rag.ChangeVectors), fingerprint: fingerprint, payload: joinHashes(hashes)}); err != nil {
				return err
			}
		}
		if follower == "" {
			return nil
		}
		return t.setCursor(follower, cursor, fingerprint)
	})
	return seq, err
}

func (t *tx) putVectors(fingerprint string, dim int, hashes []rag.Hash, blobs [][]byte) error {
	model, have, err := findModel(t.conn, fingerprint)
	if err != nil {
		return err
	}
	if model == 0 {
		res, err := t.exec("INSERT INTO models (fingerprint, dim) VALUES (?, ?)", fingerprint, dim)
		if err != nil {
			return err
		}
		if model, err = res.LastInsertId(); err != nil {
			return err
		}
		have = dim
	}
	if have != dim {
		return rag.Invalid("", fmt.Sprintf("model %q has %d dimensions, not %d", fingerprint, have, dim))
	}
	for i, h := range hashes {
		text, _, err := t.putText(h)
		if err != nil {
			return err
		}
		if _, err := t.exec("INSERT OR REPLACE INTO embeddings (key, vector) VALUES (?, ?)", model<<40|text, blobs[i]); err != nil {
			return err
		}
	}
	return nil
}

func encodeVector(v []float32) []byte {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return b
}

func decodeVector(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// vectorProblem says what keeps values from being a unit vector.
func vectorProblem(values []float32) string {
	length, problem := vectorLength(values)
	if problem == "" && math.Abs(length-1) > unitTolerance {
		problem = fmt.Sprintf("its length is %.4f, not 1", length)
	}
	return problem
}

// vectorLength returns the length of values, or what keeps them from being a
// vector.
func vectorLength(values []float32) (length float64, problem string) {
	if len(values) == 0 {
		return 0, "it has no dimensions"
	}
	var sum float64
	for _, x := range values {
		sum += float64(x) * float64(x)
	}
	length = math.Sqrt(sum)
	if math.IsNaN(length) || math.IsInf(length, 0) {
		return 0, "it holds a value that is not finite"
	}
	return length, ""
}
