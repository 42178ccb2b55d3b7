package webui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// blob is one answer that never changes: its bytes, plain and compressed.
type blob struct {
	mediaType string
	cache     string // Cache-Control
	etag      string
	plain     []byte
	zipped    []byte
	status    int
}

func newBlob(mediaType, cache string, body []byte) *blob {
	var buf bytes.Buffer
	// Neither call can fail: the level is valid and the buffer takes all.
	zw, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	_, _ = zw.Write(body)
	_ = zw.Close()
	sum := sha256.Sum256(body)
	return &blob{
		mediaType: mediaType,
		cache:     cache,
		etag:      hex.EncodeToString(sum[:8]),
		plain:     body,
		zipped:    buf.Bytes(),
		status:    http.StatusOK,
	}
}

// ServeHTTP answers with the bytes, compressed where the client accepts it, or
// with 304 where it has them.
func (b *blob) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, etag := b.plain, `"`+b.etag+`"`
	header := w.Header()
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body, etag = b.zipped, `"`+b.etag+`-gz"`
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", b.cache)
	header.Set("ETag", etag)
	if b.status == http.StatusOK && r.Header.Get("If-None-Match") == etag {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", b.mediaType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(b.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error here is a client that left
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		value, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && value > 0
	}
	return false
}
