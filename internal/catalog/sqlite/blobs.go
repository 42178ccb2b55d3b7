package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/quarry-search/quarry/internal/rag"
)

// Blob codecs, as stored.
const (
	codecRaw  = 0
	codecZstd = 1
)

// codec compresses and decompresses blobs. Safe for concurrent use.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		return codec{}, err
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		return codec{}, err
	}
	return codec{enc, dec}, nil
}

// blob is content on its way into the store.
type blob struct {
	hash  rag.Hash
	codec int
	size  int
	data  []byte
}

func (c codec) encode(content []byte) blob {
	b := blob{hash: rag.HashBytes(content), codec: codecRaw, size: len(content), data: content}
	packed := c.enc.EncodeAll(content, make([]byte, 0, len(content)/2+64))
	if len(packed) < len(content) {
		b.codec, b.data = codecZstd, packed
	}
	if b.data == nil {
		b.data = []byte{} // a nil slice would be stored as NULL
	}
	return b
}

// decode returns a blob's content after comparing it with its hash: what the
// store hands out is what was put in, or an error.
func (c codec) decode(b blob) ([]byte, error) {
	content := b.data
	if b.codec == codecZstd {
		var err error
		if content, err = c.dec.DecodeAll(b.data, make([]byte, 0, min(b.size, 64<<20))); err != nil {
			return nil, damaged(b.hash, err)
		}
	}
	if got := rag.HashBytes(content); got != b.hash {
		return nil, damaged(b.hash, fmt.Errorf("content has hash %s", got))
	}
	return content, nil
}

func damaged(h rag.Hash, err error) error {
	return &rag.Error{Code: rag.CodeInternal, Message: "stored content is damaged; run quarry fsck",
		Err: fmt.Errorf("blob %s: %w", h, err)}
}

// putBlob stores content once and returns its row id.
func (t *tx) putBlob(b blob) (int64, error) {
	var id int64
	err := t.one("SELECT id FROM blobs WHERE hash = ?", []any{b.hash[:]}, &id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	res, err := t.exec("INSERT INTO blobs (hash, codec, size, data) VALUES (?, ?, ?, ?)",
		b.hash[:], b.codec, b.size, b.data)
	if err != nil {
		return 0, fmt.Errorf("store blob: %w", err)
	}
	return res.LastInsertId()
}

// readBlob reads and verifies a blob by row id.
func (c *Catalog) readBlob(r *conn, id int64) ([]byte, error) {
	b, err := loadBlob(r, id)
	if err != nil {
		return nil, err
	}
	return c.blobs.decode(b)
}

func loadBlob(r *conn, id int64) (b blob, err error) {
	var hash []byte
	err = r.one("SELECT hash, codec, size, data FROM blobs WHERE id = ?", []any{id}, &hash, &b.codec, &b.size, &b.data)
	if errors.Is(err, sql.ErrNoRows) {
		return b, &rag.Error{Code: rag.CodeInternal, Message: "stored content is missing; run quarry fsck",
			Err: fmt.Errorf("blob row %d", id)}
	}
	copy(b.hash[:], hash)
	return b, err
}

// readText returns a normalised text, from the cache when it is there.
func (c *Catalog) readText(r *conn, hash rag.Hash, id int64) (string, error) {
	if text, ok := c.texts.get(hash); ok {
		return text, nil
	}
	b, err := c.readBlob(r, id)
	if err != nil {
		return "", err
	}
	text := string(b)
	c.texts.put(hash, text, len(text)+64)
	return text, nil
}
