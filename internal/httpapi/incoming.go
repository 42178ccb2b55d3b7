package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// The limits of one document beside its size.
const (
	maxURI         = 2048
	maxTitle       = 1000
	maxAttributes  = 100
	maxList        = 1000 // of an attribute, and of an access list
	maxAccessLabel = 256
	maxChunks      = 10_000
)

const badDocumentID = "holds 1 to 128 letters, digits and _ ~ -"

var documentID = regexp.MustCompile(`^[A-Za-z0-9_~-]{1,128}$`)

// decodePut reads one document strictly: unknown members and anything after
// the object are refused.
func decodePut(b []byte) (api.PutDocument, error) {
	var doc api.PutDocument
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return doc, decodeError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return doc, &rag.Error{Code: rag.CodeInvalid, Message: "there is more after the JSON object"}
	}
	return doc, nil
}

// decodeError says what is wrong with JSON, and where.
func decodeError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return rag.Invalid("/"+strings.ReplaceAll(wrong.Field, ".", "/"), "is a "+wrong.Value+"; expected "+plainType(wrong.Type.String()))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if unquoted, err := strconv.Unquote(name); err == nil {
			name = unquoted
		}
		return rag.Invalid("/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), "unexpected property")
	}
	if errors.As(err, &wrong) {
		return &rag.Error{Code: rag.CodeInvalid, Message: "the body must be a JSON object"}
	}
	return &rag.Error{Code: rag.CodeInvalid, Message: "the body is not valid JSON", Err: err}
}

func plainType(goType string) string {
	switch strings.TrimLeft(goType, "*[]") {
	case "string":
		if strings.Contains(goType, "[]") {
			return "a list of strings"
		}
		return "a string"
	case "time.Time":
		return "an RFC 3339 time"
	case "int":
		return "a whole number"
	case "bool":
		return "true or false"
	case "json.RawMessage", "json.Number":
		return "a list"
	case "float64":
		return "a number"
	}
	return "an object"
}

// incomingOf checks a document and turns it into what the ingester takes. The
// constraints are those of the schema of api.PutDocument.
func incomingOf(collection string, doc api.PutDocument) (rag.Incoming, error) {
	in := rag.Incoming{Collection: collection, ID: doc.ID, URI: doc.URI, MediaType: doc.MediaType, Title: doc.Title}
	if err := checkNames(doc); err != nil {
		return in, err
	}
	if doc.Refused != nil {
		return in, rag.Invalid("/refused", "belongs into a batch")
	}
	var err error
	if in.Data, in.Chunks, err = dataOf(doc); err != nil {
		return in, err
	}
	if doc.Text != nil && doc.MediaType == "" && path.Ext(doc.URI) == "" {
		in.MediaType = "text/plain"
	}
	if in.Attributes, err = valuesOf(doc.Attributes); err != nil {
		return in, err
	}
	if doc.Access != nil {
		if err := checkAccess(*doc.Access); err != nil {
			return in, err
		}
		in.Access = append([]string{}, *doc.Access...)
	}
	if doc.ModifiedAt != nil {
		in.ModifiedAt = *doc.ModifiedAt
	}
	return in, nil
}

// maxDetail bounds the detail of a refusal.
const maxDetail = 1000

// refusalOf checks what a sender says of a document that it does not send.
func refusalOf(doc api.PutDocument) (rag.Refusal, error) {
	r := rag.Refusal{Result: rag.Result(doc.Refused.Result), Reason: rag.Reason(doc.Refused.Reason), Detail: doc.Refused.Detail}
	switch {
	case doc.Text != nil || doc.ContentBase64 != nil:
		return r, rag.Invalid("/refused", "stands instead of text and content_base64")
	case r.Result != rag.Skipped && r.Result != rag.Failed:
		return r, rag.Invalid("/refused/result", "is neither skipped nor failed")
	case !slices.Contains(rag.Reasons, r.Reason):
		return r, rag.Invalid("/refused/reason", "is no reason that results have")
	case utf8.RuneCountInString(r.Detail) > maxDetail:
		return r, rag.Invalid("/refused/detail", fmt.Sprintf("is longer than %d characters", maxDetail))
	}
	return r, checkNames(doc)
}

func checkNames(doc api.PutDocument) error {
	switch {
	case doc.ID == "" && doc.URI == "":
		return rag.Invalid("/uri", "a document needs a uri or an id")
	case doc.ID != "" && !documentID.MatchString(doc.ID):
		return rag.Invalid("/id", badDocumentID)
	case utf8.RuneCountInString(doc.URI) > maxURI:
		return rag.Invalid("/uri", fmt.Sprintf("is longer than %d characters", maxURI))
	case strings.ContainsFunc(doc.URI, unicode.IsControl):
		return rag.Invalid("/uri", "holds a control character")
	case utf8.RuneCountInString(doc.Title) > maxTitle:
		return rag.Invalid("/title", fmt.Sprintf("is longer than %d characters", maxTitle))
	}
	if doc.MediaType != "" {
		if _, _, err := mime.ParseMediaType(doc.MediaType); err != nil || !strings.Contains(doc.MediaType, "/") {
			return rag.Invalid("/media_type", "is not a media type such as text/markdown")
		}
	}
	return nil
}

// dataOf returns the document's bytes, or its chunks.
func dataOf(doc api.PutDocument) ([]byte, []rag.GivenChunk, error) {
	forms := 0
	for _, given := range []bool{doc.Text != nil, doc.ContentBase64 != nil, doc.Chunks != nil} {
		if given {
			forms++
		}
	}
	switch {
	case forms != 1:
		return nil, nil, rag.Invalid("/text", "exactly one of text, content_base64 and chunks is needed")
	case doc.Chunks != nil && doc.MediaType != "":
		return nil, nil, rag.Invalid("/media_type", "chunks are plain text; leave it out")
	case doc.Chunks != nil:
		chunks, err := chunksOf(doc.Chunks)
		return nil, chunks, err
	case doc.Text != nil:
		return []byte(*doc.Text), nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(*doc.ContentBase64)
	if err != nil {
		return nil, nil, rag.Invalid("/content_base64", "is not base64 (RFC 4648, with padding)")
	}
	return b, nil, nil
}

func chunksOf(list []api.PutChunk) ([]rag.GivenChunk, error) {
	if len(list) == 0 || len(list) > maxChunks {
		return nil, rag.Invalid("/chunks", fmt.Sprintf("has %d chunks; 1 to %d are taken", len(list), maxChunks))
	}
	chunks := make([]rag.GivenChunk, len(list))
	for i, c := range list {
		chunks[i] = rag.GivenChunk{Text: c.Text, Vector: c.Vector}
	}
	return chunks, nil
}

func valuesOf(raw map[string]any) (map[string]filter.Value, error) {
	if len(raw) > maxAttributes {
		return nil, rag.Invalid("/attributes", fmt.Sprintf("has more than %d attributes", maxAttributes))
	}
	values := make(map[string]filter.Value, len(raw))
	for key, r := range raw {
		pointer := "/attributes/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		switch {
		case !filter.ValidKey(key):
			return nil, rag.Invalid(pointer, "a key starts with a letter or _ and holds up to 128 letters, digits and _ . -")
		case rag.ReservedKey(key):
			return nil, rag.Invalid(pointer, "is computed by the server and cannot be set")
		}
		v, err := filter.ValueOf(r)
		if err != nil {
			return nil, rag.Invalid(pointer, err.Error())
		}
		if len(v.Str()) > filter.MaxString {
			return nil, rag.Invalid(pointer, fmt.Sprintf("is longer than %d bytes", filter.MaxString))
		}
		if err := checkList(pointer, v.List(), filter.MaxString); err != nil {
			return nil, err
		}
		values[key] = v
	}
	return values, nil
}

func checkAccess(labels []string) error {
	for i, label := range labels {
		if strings.TrimSpace(label) == "" {
			return rag.Invalid("/access/"+strconv.Itoa(i), "is empty")
		}
	}
	return checkList("/access", labels, maxAccessLabel)
}

func checkList(pointer string, list []string, maxBytes int) error {
	if len(list) > maxList {
		return rag.Invalid(pointer, fmt.Sprintf("has more than %d entries", maxList))
	}
	for i, s := range list {
		if len(s) > maxBytes {
			return rag.Invalid(pointer+"/"+strconv.Itoa(i), fmt.Sprintf("is longer than %d bytes", maxBytes))
		}
	}
	return nil
}
