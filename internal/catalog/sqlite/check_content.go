package sqlite

import (
	"database/sql"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// checkBlobs re-reads every blob and compares it with its hash.
func (k *checker) checkBlobs() error {
	return k.r.each("SELECT id, hash, codec, size, data FROM blobs ORDER BY id", nil, func(rows *sql.Rows) error {
		var id int64
		var hash, data sql.RawBytes
		var b blob
		if err := rows.Scan(&id, &hash, &b.codec, &b.size, &data); err != nil {
			return err
		}
		k.checked("blobs", 1)
		copy(b.hash[:], hash)
		b.data = data
		content, err := k.c.blobs.decode(b)
		switch {
		case err != nil:
			k.bad[id] = true
			k.problem("blob_hash", b.hash.String(), "its content does not have this hash")
		case len(content) != b.size:
			k.problem("blob_size", b.hash.String(), "it has %d bytes, not %d", len(content), b.size)
		}
		return nil
	})
}

// versionPart is what checkVersions needs of a version.
type versionPart struct {
	vid                    int64
	key                    rag.ChunkKey
	sourceHash, textHash   []byte
	sourceBlob, textBlob   []byte // hashes of the blobs it points to; nil: missing
	textID                 int64
	textBytes, chunks      int
	chunksHash             []byte
	sizeBytes, sourceBytes int64
}

func (v versionPart) name() string { return fmt.Sprintf("%s.%d", v.key.DocumentID, v.key.Version) }

const selectVersionParts = `
	SELECT v.vid, d.id, v.number, v.source_hash, v.text_hash, s.hash, x.hash, v.text_blob, v.text_bytes, v.chunks, v.chunks_hash,
		v.size_bytes, coalesce(s.size, 0)
	FROM versions v JOIN documents d ON d.num = v.document
	LEFT JOIN blobs s ON s.id = v.source_blob LEFT JOIN blobs x ON x.id = v.text_blob
	WHERE v.vid > ? ORDER BY v.vid LIMIT 500`

// checkVersions tests each version, page by page, so that no statement stays
// open while its chunks are read.
func (k *checker) checkVersions() error {
	for last := int64(0); ; {
		var page []versionPart
		err := k.r.each(selectVersionParts, []any{last}, func(rows *sql.Rows) error {
			var v versionPart
			err := rows.Scan(&v.vid, &v.key.DocumentID, &v.key.Version, &v.sourceHash, &v.textHash, &v.sourceBlob, &v.textBlob,
				&v.textID, &v.textBytes, &v.chunks, &v.chunksHash, &v.sizeBytes, &v.sourceBytes)
			page = append(page, v)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, v := range page {
			if err := k.checkVersion(v); err != nil {
				return err
			}
		}
		last = page[len(page)-1].vid
	}
}

func (k *checker) checkVersion(v versionPart) error {
	k.checked("versions", 1)
	switch {
	case v.sourceBlob == nil:
		k.problem("blob", v.name(), "its original bytes are missing")
	case string(v.sourceBlob) != string(v.sourceHash) || v.sourceBytes != v.sizeBytes:
		k.problem("blob", v.name(), "its original bytes are not those of its source hash")
	}
	switch {
	case v.textBlob == nil:
		k.problem("blob", v.name(), "its normalised text is missing")
		return nil
	case string(v.textBlob) != string(v.textHash):
		k.problem("blob", v.name(), "its normalised text is not that of its text hash")
		return nil
	case k.bad[v.textID]:
		return nil // reported with the blob
	}
	b, err := loadBlob(k.r, v.textID)
	if err != nil {
		return err
	}
	text, err := k.c.blobs.decode(b)
	if err != nil {
		return err
	}
	if len(text) != v.textBytes {
		k.problem("text_bytes", v.name(), "its text has %d bytes, not %d", len(text), v.textBytes)
	}
	return k.checkChunks(v, string(text))
}

// checkChunks tests a version's chunks against its text.
func (k *checker) checkChunks(v versionPart, text string) error {
	offsets := charOffsets{text: text}
	var hashes []rag.Hash
	var given []rag.Chunk // or wrong
	err := k.r.each(`SELECT `+chunkColumns+` FROM chunks k LEFT JOIN texts t ON t.id = k.text WHERE k.version = ? ORDER BY k.ordinal`,
		[]any{v.vid}, func(rows *sql.Rows) error {
			c, err := scanChunk(rows.Scan)
			if err != nil {
				return err
			}
			c.Key.DocumentID, c.Key.Version = v.key.DocumentID, v.key.Version
			k.checked("chunks", 1)
			if c.Key.Ordinal != len(hashes) {
				k.problem("ordinal", c.Key.String(), "it stands at place %d", len(hashes))
			}
			hashes = append(hashes, c.TextHash)
			if problem := spanProblem(&offsets, c); problem != "" {
				k.problem("span", c.Key.String(), "%s", problem)
				return nil
			}
			c.Text = text[c.Span.ByteStart:c.Span.ByteEnd]
			if rag.TextHash(c.Context, c.Text) != c.TextHash {
				given = append(given, c)
			}
			return nil
		})
	if err != nil {
		return err
	}
	for _, c := range given {
		found, err := givenHashed(k.r, c.Context, c.Text, c.TextHash)
		if err != nil {
			return err
		}
		if !found {
			k.problem("text_hash", c.Key.String(), "its text hash is not that of its context and text")
		}
	}
	want := rag.HashBytes(joinHashes(hashes))
	if len(hashes) != v.chunks || string(want[:]) != string(v.chunksHash) {
		k.problem("chunks", v.name(), "it has %d chunks, and was committed with %d of its own", len(hashes), v.chunks)
	}
	return nil
}

// checkOrphans looks for blobs that no version uses.
func (k *checker) checkOrphans() error {
	var ids []int64
	err := k.r.each("SELECT id, hash FROM blobs WHERE 1 "+unreferenced, nil, func(rows *sql.Rows) error {
		var id int64
		var hash []byte
		err := rows.Scan(&id, &hash)
		ids = append(ids, id)
		k.found(k.repair != nil, "orphan_blob", fmt.Sprintf("%x", hash), "no version uses it")
		return err
	})
	if err != nil || k.repair == nil {
		return err
	}
	for _, id := range ids {
		if _, err := k.repair.exec("DELETE FROM blobs WHERE id = ?", id); err != nil {
			return err
		}
	}
	return nil
}
