package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/quarry-search/quarry/internal/rag"
)

// cursors seals positions in lists. SECURITY: a cursor is authenticated and
// bound to one list, so that a made-up or moved one is refused and tells
// nothing about what its maker may not see.
type cursors struct{ key []byte }

const macBytes = 16

// seal makes the cursor that continues list after position.
func (c cursors) seal(list, position string) *string {
	sealed := base64.RawURLEncoding.EncodeToString(append(c.mac(list, position), position...))
	return &sealed
}

// open reads a cursor; "" is the start.
func (c cursors) open(list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < macBytes || !hmac.Equal(b[:macBytes], c.mac(list, string(b[macBytes:]))) {
		return "", rag.Invalid("after", "is not a cursor of this list, or the server was restarted since; start again without it")
	}
	return string(b[macBytes:]), nil
}

func (c cursors) mac(list, position string) []byte {
	m := hmac.New(sha256.New, c.key)
	m.Write([]byte(list))
	m.Write([]byte{0})
	m.Write([]byte(position))
	return m.Sum(nil)[:macBytes]
}
