package sqlite

import (
	"slices"
	"testing"

	"github.com/quarry-search/quarry/internal/catalog/catalogtest"
	"github.com/quarry-search/quarry/internal/rag"
)

// fill puts a little of everything into a catalog.
func fill(t *testing.T, c *Catalog) {
	t.Helper()
	ctx := t.Context()
	if _, err := c.CreateCollection(ctx, rag.Collection{Name: "notes", Fingerprint: "model-a"}); err != nil {
		t.Fatal(err)
	}
	j, err := c.CreateJob(ctx, rag.Job{Collection: "notes"})
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{"a", "b"} {
		p := catalogtest.Doc("notes", uri, "Öne "+uri+".\n\nTwo "+uri+".\n\nThree "+uri+".")
		p.Source = []byte("source of " + uri)
		p.Job, p.Item = j.ID, uri
		out, err := c.Publish(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.PutVectors(ctx, "model-a", []rag.Vector{{TextHash: p.Chunks[0].TextHash, Values: catalogtest.Unit(8, 1)}}, "embedder", out.Seq)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetCursor(ctx, "index", 3); err != nil {
		t.Fatal(err)
	}
}

// TestCheckFindsDamage breaks each invariant behind the catalog's back.
func TestCheckFindsDamage(t *testing.T) {
	cases := []struct {
		name, damage, invariant string
		repairable              bool
	}{
		{"blob content", `UPDATE blobs SET data = x'00', codec = 0 WHERE id = 1`, "blob_hash", false},
		{"compressed blob", `UPDATE blobs SET data = x'0011', codec = 1 WHERE id = 2`, "blob_hash", false},
		{"blob size", `UPDATE blobs SET size = size + 1 WHERE id = 2`, "blob_size", false},
		{"lost text", `DELETE FROM blobs WHERE id = (SELECT text_blob FROM versions LIMIT 1)`, "blob", false},
		{"lost source", `DELETE FROM blobs WHERE id = (SELECT source_blob FROM versions LIMIT 1)`, "blob", false},
		{"swapped text", `UPDATE versions SET text_blob = (SELECT max(text_blob) FROM versions)`, "blob", false},
		{"foreign key", `DELETE FROM blobs WHERE id = 1`, "foreign_key", false},
		{"span outside", `UPDATE chunks SET byte_end = 100000 WHERE ordinal = 2`, "span", false},
		{"span cuts a character", `UPDATE chunks SET byte_end = 1 WHERE ordinal = 0`, "span", false},
		{"characters", `UPDATE chunks SET char_start = char_start + 1 WHERE ordinal = 1`, "span", false},
		{"context", `UPDATE chunks SET context = 'other' WHERE ordinal = 1`, "text_hash", false},
		{"text hash", `UPDATE chunks SET text = 1 WHERE ordinal = 2`, "text_hash", false},
		{"lost chunk", `DELETE FROM chunks WHERE ordinal = 2`, "chunks", false},
		{"ordinal", `DELETE FROM chunks WHERE ordinal = 1`, "ordinal", false},
		{"current version of another", `UPDATE documents SET version = (SELECT max(vid) FROM versions) WHERE id = (SELECT min(id) FROM documents)
			OR id = (SELECT max(id) FROM documents)`, "current_version", false},
		{"version number", `UPDATE documents SET last_number = 0`, "version_number", false},
		{"lost log entry", `DELETE FROM changes WHERE kind = 'version_published'`, "log", false},
		{"wrong log entry", `UPDATE changes SET number = 9 WHERE kind = 'version_published'`, "log", false},
		{"collection's log entry", `DELETE FROM changes WHERE kind = 'collection_created'`, "log", false},
		{"cursor ahead", `UPDATE cursors SET seq = 1000`, "log", false},
		{"job counts", `UPDATE jobs SET indexed = 7`, "job_balance", true},
		{"job bytes", `UPDATE jobs SET bytes = 7`, "job_balance", true},
		{"lost job item", `DELETE FROM job_items WHERE item = 'a'`, "job_balance", true},
		{"job item result", `UPDATE job_items SET result = 'lost'`, "job_balance", false},
		{"orphan blob", `INSERT INTO blobs (hash, codec, size, data)
			VALUES (x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 0, 0, x'')`, "orphan_blob", true},
		{"embedding length", `UPDATE embeddings SET vector = x'0000'`, "embedding", true},
		{"embedding not unit", `UPDATE embeddings SET vector = zeroblob(32)`, "embedding", true},
		{"embedding NaN", `UPDATE embeddings SET vector = CAST(unhex('0000c07f') || zeroblob(28) AS BLOB)`, "embedding", true},
		{"embedding of nothing", `UPDATE embeddings SET key = key + 1000`, "embedding", true},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			c := openTest(t, t.TempDir())
			defer c.Close()
			fill(t, c)
			w := c.writer.conn.raw
			for _, sql := range []string{"PRAGMA foreign_keys=OFF", test.damage, "PRAGMA foreign_keys=ON"} {
				if _, err := w.ExecContext(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			expect := func(repair, there, repaired bool) {
				t.Helper()
				report, err := c.Check(t.Context(), repair)
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(report.Problems, func(p rag.Problem) bool { return p.Invariant == test.invariant && (!there || p.Repaired == repaired) })
				if (i >= 0) != there {
					t.Fatalf("repair %v: want a %s problem: %v, repaired: %v; got %+v", repair, test.invariant, there, repaired, report.Problems)
				}
			}
			expect(false, true, false)
			expect(true, true, test.repairable)
			expect(false, !test.repairable, false)
		})
	}
}

// A deleted embedding must be made again, so its maker starts over; followers
// that make none stay where they are.
func TestCheckRepairRewindsEmbedder(t *testing.T) {
	c := openTest(t, t.TempDir())
	defer c.Close()
	fill(t, c)
	hash := rag.TextHash("", "Öne a.\n\n")
	if _, err := c.writer.conn.raw.ExecContext(t.Context(),
		"UPDATE embeddings SET vector = zeroblob(32) WHERE key & 0xffffffffff = (SELECT id FROM texts WHERE hash = ?)", hash[:]); err != nil {
		t.Fatal(err)
	}
	report, err := c.Check(t.Context(), true)
	if err != nil || len(report.Problems) != 1 || !report.Problems[0].Repaired || report.Problems[0].Subject != hash.String() {
		t.Fatalf("%+v, %v", report.Problems, err)
	}
	embedder, _ := c.Cursor(t.Context(), "embedder")
	index, _ := c.Cursor(t.Context(), "index")
	missing, _ := c.Missing(t.Context(), "model-a", []rag.Hash{hash})
	if embedder != 0 || index != 3 || len(missing) != 1 {
		t.Errorf("embedder at %d, index at %d, missing %v", embedder, index, missing)
	}
}

func TestDamagedBlobIsNotServed(t *testing.T) {
	dir := t.TempDir()
	c := openTest(t, dir)
	fill(t, c)
	if _, err := c.writer.conn.raw.ExecContext(t.Context(), "UPDATE blobs SET data = x'00', codec = 0"); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	scope := rag.SystemScope("the test reads what it damaged")
	id := rag.DocumentID("notes", "a")
	_, textErr := c.Text(t.Context(), scope, id, 0)
	_, sourceErr := c.Source(t.Context(), scope, id, 0)
	_, chunksErr := c.Chunks(t.Context(), scope, []rag.ChunkKey{{DocumentID: id, Version: 1}})
	_, logErr := c.Changes(t.Context(), 0, 10)
	for _, err := range []error{textErr, sourceErr, chunksErr, logErr} {
		if rag.CodeOf(err) != rag.CodeInternal {
			t.Errorf("got %v", err)
		}
	}
}
