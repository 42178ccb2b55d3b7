package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// postDocumentInput keeps the body raw: a document may be large, and it is
// decoded once, by the code that also decodes the lines of a batch.
type postDocumentInput struct {
	CollectionPath
	Conditions
	Absence
	Idempotency
	RawBody []byte `contentType:"application/json"`
}

type putDocumentInput struct {
	CollectionPath
	DocumentPath
	Conditions
	Absence
	RawBody []byte `contentType:"application/json"`
}

type putOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   api.PutResult
}

func (s *server) registerPut() {
	post := operation{
		id: "put-document", method: http.MethodPost, path: "/v1/collections/{name}/documents", tag: "Documents", kind: "ingest", role: rag.RoleWriter,
		summary: "Put a document",
		detail:  "Creates or replaces the document named by uri or id: 201 for a new document, 200 for a new version or an unchanged one. A document that is skipped or failed is a problem with its reason. The seq in the answer, given as min_seq to a search, reads the write.",
		errors:  []int{400, 404, 409, 412, 413, 415, 422}, body: maxDocumentBody, upload: true,
		example: map[string]any{"uri": "handbook/backup.md", "media_type": "text/markdown", "text": "# Backup\n\nCopy the data directory while the server is stopped.", "attributes": map[string]any{"team": "ops"}},
	}
	post.adjust = s.describePut
	register(s, post, s.postDocument)
	s.bodySchema(post.path, http.MethodPost)
	put := post
	put.id, put.method, put.path = "put-document-by-id", http.MethodPut, "/v1/collections/{name}/documents/{id}"
	put.summary, put.detail = "Put a document by id", "As POST, with the id in the path."
	register(s, put, s.putDocument)
	s.bodySchema(put.path, http.MethodPut)
}

func (s *server) describePut(op *huma.Operation) {
	op.SkipValidateBody = true // decodePut does
	result := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.PutResult](), true, "")
	for status, text := range map[int]string{200: "A new version, or unchanged", 201: "A new document"} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: text, Content: map[string]*huma.MediaType{"application/json": {Schema: result}}}
	}
}

// bodySchema says what the raw body holds.
func (s *server) bodySchema(path, method string) {
	item := s.api.OpenAPI().Paths[path]
	op := item.Post
	if method == http.MethodPut {
		op = item.Put
	}
	op.RequestBody.Content["application/json"].Schema = s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.PutDocument](), true, "")
}

func (s *server) postDocument(ctx context.Context, p rag.Principal, in *postDocumentInput) (*putOutput, error) {
	doc, err := decodePut(in.RawBody)
	if err != nil {
		return nil, err
	}
	request := slices.Concat([]byte(in.Name+"\x00"+in.IfMatch+"\x00"+in.IfNoneMatch+"\x00"), in.RawBody)
	if in.Key == "" {
		request = nil // it may be large
	}
	status, result, err := once(ctx, s, p, in.Key, "put-document", request, func() (int, api.PutResult, error) {
		return s.put(ctx, p, in.Name, doc, in.Conditions, in.Absence)
	})
	if err != nil {
		return nil, err
	}
	return newPutOutput(status, result), nil
}

// newPutOutput adds the ETag where the result tells it: what was left unchanged
// may have changed its access list since.
func newPutOutput(status int, result api.PutResult) *putOutput {
	out := &putOutput{Status: status, Body: result}
	if result.Result == string(rag.Indexed) {
		out.ETag = etag(result.Seq)
	}
	return out
}

func (s *server) putDocument(ctx context.Context, p rag.Principal, in *putDocumentInput) (*putOutput, error) {
	doc, err := decodePut(in.RawBody)
	if err != nil {
		return nil, err
	}
	if doc.ID != "" && doc.ID != in.ID {
		return nil, rag.Invalid("/id", "is not the id in the path")
	}
	if !documentID.MatchString(in.ID) {
		return nil, rag.Invalid("id", badDocumentID)
	}
	doc.ID = in.ID
	status, result, err := s.put(ctx, p, in.Name, doc, in.Conditions, in.Absence)
	if err != nil {
		return nil, err
	}
	return newPutOutput(status, result), nil
}

// put hands one document to the ingester; what was skipped or failed is an error.
func (s *server) put(ctx context.Context, p rag.Principal, collection string, doc api.PutDocument, c Conditions, a Absence) (int, api.PutResult, error) {
	in, err := incomingOf(collection, doc)
	if err != nil {
		return 0, api.PutResult{}, err
	}
	if in.IfSeq, err = c.seq(); err != nil {
		return 0, api.PutResult{}, err
	}
	in.IfAbsent = a.only()
	out, err := s.Ingester.Put(ctx, p, in)
	if err != nil {
		return 0, api.PutResult{}, err
	}
	switch out.Result {
	case rag.Indexed, rag.Unchanged:
	case rag.Skipped, rag.Failed:
		return 0, api.PutResult{}, refused(ctx, out)
	default:
		return 0, api.PutResult{}, fmt.Errorf("put document: result %q", out.Result)
	}
	status := http.StatusOK
	if out.Result == rag.Indexed && out.Document.Version.Number == 1 {
		status = http.StatusCreated
	}
	return status, putResultOf(doc, out), nil
}

func putResultOf(doc api.PutDocument, out rag.Outcome) api.PutResult {
	r := api.PutResult{
		ID: doc.ID, URI: doc.URI, Result: string(out.Result), Reason: string(out.Reason), Detail: out.Detail,
		Version: out.Document.Version.Number, Chunks: out.Document.Version.Chunks, Seq: out.Seq,
	}
	if out.Document.ID != "" {
		r.ID, r.URI = out.Document.ID, out.Document.URI
	}
	return r
}
