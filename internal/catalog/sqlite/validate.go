package sqlite

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// Limits on what a document carries beside its text.
const (
	maxAttributes     = 64
	maxAttributeBytes = 8 << 10 // of one value: a string, or a list's strings together
	maxListElements   = 1000
	maxAccessLabels   = 1000
	maxLabelBytes     = 256
	maxURIBytes       = 4096
	maxTitleBytes     = 4096
	maxDescription    = 4096
)

var (
	collectionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	attributeKey   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)
	documentID     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)
)

func checkCollection(c rag.Collection) error {
	if !collectionName.MatchString(c.Name) {
		return rag.Invalid("/name", "a collection's name has 1 to 63 of a-z, 0-9, _ and -, and starts with a letter or digit")
	}
	if len(c.Description) > maxDescription || !utf8.ValidString(c.Description) {
		return rag.Invalid("/description", fmt.Sprintf("a description is at most %d bytes of UTF-8", maxDescription))
	}
	if w := c.Settings.DenseWeight; w != nil && !(*w >= 0 && *w <= 1) {
		return rag.Invalid("/settings/dense_weight", "dense_weight is a number from 0 to 1")
	}
	if r := c.Settings.Retention; r != nil && *r < 0 {
		return rag.Invalid("/settings/retention", "retention is not negative")
	}
	if given := c.Settings.Vectors.Source == rag.VectorsGiven; given != rag.GivenFingerprint(c.Fingerprint) {
		return rag.Invalid("/fingerprint", "given vectors have a fingerprint of their own kind")
	}
	return c.Settings.Vectors.Validate()
}

func checkDocument(d rag.Document) error {
	switch {
	case d.ID != "" && !documentID.MatchString(d.ID):
		return rag.Invalid("/id", "a document's id has 1 to 128 of letters, digits, '.', '_', ':' and '-', and starts with a letter or digit")
	case d.URI == "" || len(d.URI) > maxURIBytes || !plain(d.URI):
		return rag.Invalid("/uri", fmt.Sprintf("a uri is 1 to %d bytes of UTF-8 without control characters", maxURIBytes))
	case len(d.Version.Title) > maxTitleBytes || !utf8.ValidString(d.Version.Title):
		return rag.Invalid("/title", fmt.Sprintf("a title is at most %d bytes of UTF-8", maxTitleBytes))
	}
	return checkAttributes(d.Version.Attributes)
}

func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func checkAttributes(m map[string]filter.Value) error {
	if len(m) > maxAttributes {
		return rag.Invalid("/attributes", fmt.Sprintf("a document has at most %d attributes, not %d", maxAttributes, len(m)))
	}
	for key, v := range m {
		field := "/attributes/" + pointerEscape.Replace(key)
		switch {
		case rag.ReservedKey(key):
			return rag.Invalid(field, fmt.Sprintf("%q is computed by the server and cannot be set", key))
		case !attributeKey.MatchString(key):
			return rag.Invalid("/attributes", "an attribute's key has 1 to 64 of letters, digits, '_', '.' and '-', and starts with a letter or '_'")
		}
		if problem := checkValue(v); problem != "" {
			return rag.Invalid(field, problem)
		}
	}
	return nil
}

// pointerEscape escapes a key for a JSON pointer (RFC 6901).
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func checkValue(v filter.Value) string {
	size := len(v.Str())
	valid := utf8.ValidString(v.Str())
	for _, e := range v.List() {
		size += len(e)
		valid = valid && utf8.ValidString(e)
	}
	switch {
	case v.Kind() == filter.None:
		return "an attribute must have a value"
	case v.Kind() == filter.Number && (math.IsNaN(v.Num()) || math.IsInf(v.Num(), 0)):
		return "a number must be finite"
	case v.Kind() == filter.Time && (v.Time().Year() < 0 || v.Time().Year() > 9999):
		return "a time's year is from 0 to 9999"
	case len(v.List()) > maxListElements:
		return fmt.Sprintf("a list has at most %d elements", maxListElements)
	case size > maxAttributeBytes:
		return fmt.Sprintf("a value has at most %d bytes", maxAttributeBytes)
	case !valid:
		return "a value must be valid UTF-8"
	}
	return ""
}

// cleanAccess validates an access list and returns it sorted, without repeats.
func cleanAccess(access []string) ([]string, error) {
	if len(access) > maxAccessLabels {
		return nil, rag.Invalid("/access", fmt.Sprintf("an access list has at most %d labels, not %d", maxAccessLabels, len(access)))
	}
	for _, label := range access {
		if label == "" || len(label) > maxLabelBytes || !plain(label) {
			return nil, rag.Invalid("/access", fmt.Sprintf("an access label is 1 to %d bytes of UTF-8 without control characters", maxLabelBytes))
		}
	}
	sorted := append([]string{}, access...)
	slices.Sort(sorted)
	return slices.Compact(sorted), nil
}

// checkChunks verifies that every chunk is the text at its span, with true
// offsets, hash and ordinal. Vectors are nil, or those that came with them.
func checkChunks(text string, chunks []rag.Chunk, vectors [][]float32) error {
	if vectors != nil && len(vectors) != len(chunks) {
		return rag.Invalid("/chunks", fmt.Sprintf("%d vectors for %d chunks", len(vectors), len(chunks)))
	}
	if !utf8.ValidString(text) {
		return rag.Invalid("/text", "the normalised text must be valid UTF-8")
	}
	offsets := charOffsets{text: text}
	for i, k := range chunks {
		problem := spanProblem(&offsets, k)
		switch {
		case problem != "":
		case k.Key.Ordinal != i:
			problem = fmt.Sprintf("its ordinal is %d", k.Key.Ordinal)
		case text[k.Span.ByteStart:k.Span.ByteEnd] != k.Text:
			problem = "its text is not the text at its span"
		case vectors != nil && vectors[i] != nil:
			if rag.GivenHash(k.Context, k.Text, vectors[i]) != k.TextHash {
				problem = "its text hash is not that of its context, text and vector"
			}
		case rag.TextHash(k.Context, k.Text) != k.TextHash:
			problem = "its text hash is not that of its context and text"
		}
		if problem != "" {
			return rag.Invalid(fmt.Sprintf("/chunks/%d", i), fmt.Sprintf("chunk %d: %s", i, problem))
		}
	}
	return nil
}

// spanProblem tests a span against the text it is in.
func spanProblem(offsets *charOffsets, k rag.Chunk) string {
	s, text := k.Span, offsets.text
	switch {
	case s.ByteStart < 0 || s.ByteEnd < s.ByteStart || s.ByteEnd > len(text):
		return fmt.Sprintf("its span %d to %d does not lie in a text of %d bytes", s.ByteStart, s.ByteEnd, len(text))
	case !boundary(text, s.ByteStart) || !boundary(text, s.ByteEnd):
		return "its span cuts a character"
	case offsets.at(s.ByteStart) != s.CharStart || offsets.at(s.ByteEnd) != s.CharEnd:
		return "its characters do not agree with its bytes"
	}
	return ""
}

func boundary(text string, i int) bool { return i == len(text) || utf8.RuneStart(text[i]) }

// charOffsets counts code points before byte offsets; neighbouring offsets cost
// only the text between them.
type charOffsets struct {
	text        string
	byte, chars int
}

func (o *charOffsets) at(offset int) int {
	if offset < o.byte {
		o.chars -= utf8.RuneCountInString(o.text[offset:o.byte])
	} else {
		o.chars += utf8.RuneCountInString(o.text[o.byte:offset])
	}
	o.byte = offset
	return o.chars
}
