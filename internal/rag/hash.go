package rag

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
)

// Hash is a SHA-256 digest. In JSON it is lower-case hexadecimal.
type Hash [32]byte

// HashBytes returns the digest of b.
func HashBytes(b []byte) Hash { return sha256.Sum256(b) }

// TextHash identifies what is embedded for a chunk: its text and the heading
// context that goes before it, wherever it stands. Equal hashes mean equal
// embeddings under one model.
func TextHash(context, text string) Hash {
	h := sha256.New()
	fmt.Fprintf(h, "quarry chunk 1\n%d\n", len(context))
	h.Write([]byte(context))
	h.Write([]byte(text))
	return Hash(h.Sum(nil))
}

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h is the zero hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText and UnmarshalText write and read hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 64 {
		return fmt.Errorf("a hash has 64 hexadecimal digits, not %d", len(b))
	}
	_, err := hex.Decode(h[:], b)
	return err
}

// DocumentID derives the stable id of the document that came from uri into
// collection: "d" and 26 characters of lower-case base32 of a SHA-256.
func DocumentID(collection, uri string) string {
	sum := sha256.Sum256([]byte(collection + "\x00" + uri))
	return "d" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])[:26])
}
