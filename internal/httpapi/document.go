package httpapi

import (
	"context"
	"mime"
	"net/http"
	"path"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// DocumentPath names a document.
type DocumentPath struct {
	ID string `path:"id" doc:"Id of the document"`
}

// VersionQuery names one version of a document.
type VersionQuery struct {
	DocumentPath
	Version int `query:"version" minimum:"1" doc:"A version; the current one when absent"`
}

type documentOutput struct {
	ETag string `header:"ETag"`
	Body api.Document
}

type documentsInput struct {
	CollectionPath
	PageQuery
	URIPrefix string `query:"uri_prefix" maxLength:"2048" doc:"Only documents whose uri starts with this"`
}

type documentsOutput struct {
	Body api.Page[api.Document]
}

type deleteDocumentInput struct {
	DocumentPath
	Conditions
	Purge bool `query:"purge" doc:"Erase all versions for good: nothing of them can be read any more, here or in the server's files. Needs the role admin"`
}

type eraseVersionsInput struct {
	DocumentPath
	Conditions
}

type accessInput struct {
	DocumentPath
	Conditions
	Body api.SetAccess
}

type versionsInput struct {
	DocumentPath
	PageQuery
}

type versionsOutput struct {
	Body api.Page[api.Version]
}

type chunksInput struct {
	VersionQuery
	PageQuery
}

type chunksOutput struct {
	Body api.Page[api.Chunk]
}

func (s *server) registerDocuments() {
	register(s, operation{
		id: "list-documents", method: http.MethodGet, path: "/v1/collections/{name}/documents", tag: "Documents", kind: "read", role: rag.RoleReader,
		summary: "List documents", detail: "By id, at their current versions.", errors: []int{400, 404, 422},
	}, s.listDocuments)
	register(s, operation{
		id: "get-document", method: http.MethodGet, path: "/v1/documents/{id}", tag: "Documents", kind: "read", role: rag.RoleReader,
		summary: "Get a document", errors: []int{404, 422},
	}, s.getDocument)
	register(s, operation{
		id: "delete-document", method: http.MethodDelete, path: "/v1/documents/{id}", tag: "Documents", kind: "ingest", role: rag.RoleWriter,
		summary: "Delete a document", detail: "Its current version is gone from search. Versions stay readable by number until they are erased: with purge, at once, which also works on a document that was deleted before.", errors: []int{400, 404, 412, 503},
	}, s.deleteDocument)
	register(s, operation{
		id: "erase-versions", method: http.MethodDelete, path: "/v1/documents/{id}/versions", tag: "Documents", kind: "ingest", role: rag.RoleAdmin,
		summary: "Erase a document's former versions", detail: "For good, with all that no other document shares; the current version stays. Answers when no file of the server holds them any more, which takes rewriting them. Erasing goes on when the client leaves. erased is 0 when there was no former version.", errors: []int{400, 404, 412, 503},
	}, s.eraseVersions)
	register(s, operation{
		id: "document-source", method: http.MethodGet, path: "/v1/documents/{id}/source", tag: "Documents", kind: "read", role: rag.RoleReader,
		summary: "Download the original bytes", errors: []int{404, 422},
		adjust: func(op *huma.Operation) {
			op.Responses["200"] = &huma.Response{Description: "The bytes as they came in", Content: map[string]*huma.MediaType{
				"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			}}
		},
	}, s.documentSource)
	register(s, operation{
		id: "list-versions", method: http.MethodGet, path: "/v1/documents/{id}/versions", tag: "Documents", kind: "read", role: rag.RoleReader,
		summary: "List a document's versions", detail: "Newest first.", errors: []int{400, 404, 422},
	}, s.listVersions)
	register(s, operation{
		id: "list-chunks", method: http.MethodGet, path: "/v1/documents/{id}/chunks", tag: "Documents", kind: "read", role: rag.RoleReader,
		summary: "List a version's chunks", detail: "In order.", errors: []int{400, 404, 422},
	}, s.listChunks)
	register(s, operation{
		id: "set-access", method: http.MethodPut, path: "/v1/documents/{id}/access", tag: "Documents", kind: "ingest", role: rag.RoleWriter,
		summary: "Set who may see a document", detail: "Replaces the access list. An empty list is seen by administrators only.", errors: []int{400, 404, 412, 422},
		example: map[string]any{"access": []string{"user:ana", "group:legal"}},
	}, s.setAccess)
}

func (s *server) listDocuments(ctx context.Context, p rag.Principal, in *documentsInput) (*documentsOutput, error) {
	list := "documents\x00" + in.Name + "\x00" + in.URIPrefix
	after, err := s.cursors.open(list, in.After)
	if err != nil {
		return nil, err
	}
	scope := s.Scope(p)
	if _, err := s.Catalog.Collection(ctx, scope, in.Name); err != nil {
		return nil, err
	}
	docs, err := s.Catalog.ListDocuments(ctx, scope, rag.DocumentList{Collection: in.Name, URIPrefix: in.URIPrefix, After: after, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	more := len(docs) > in.Limit
	page := api.Page[api.Document]{Data: mapTo(docs[:min(in.Limit, len(docs))], documentOf)}
	if more {
		page.Next = s.cursors.seal(list, docs[in.Limit-1].ID)
	}
	return &documentsOutput{page}, nil
}

func (s *server) getDocument(ctx context.Context, p rag.Principal, in *VersionQuery) (*documentOutput, error) {
	d, err := s.Catalog.Document(ctx, s.Scope(p), in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	return &documentOutput{etag(d.Seq), documentOf(d)}, nil
}

func (s *server) deleteDocument(ctx context.Context, p rag.Principal, in *deleteDocumentInput) (*writtenOutput, error) {
	ifSeq, err := in.seq()
	if err != nil {
		return nil, err
	}
	if in.Purge {
		return s.erase(ctx, p, in.ID, true, ifSeq)
	}
	seq, err := s.Catalog.DeleteDocument(ctx, s.Scope(p), in.ID, ifSeq)
	return &writtenOutput{api.Written{Seq: seq}}, err
}

func (s *server) eraseVersions(ctx context.Context, p rag.Principal, in *eraseVersionsInput) (*writtenOutput, error) {
	ifSeq, err := in.seq()
	if err != nil {
		return nil, err
	}
	return s.erase(ctx, p, in.ID, false, ifSeq)
}

// erase erases versions for good. SECURITY: nothing brings them back, so it
// takes more than the role that may delete.
func (s *server) erase(ctx context.Context, p rag.Principal, id string, whole bool, ifSeq uint64) (*writtenOutput, error) {
	if !p.Has(rag.RoleAdmin) {
		return nil, &rag.Error{Code: rag.CodeForbidden, Message: "this needs the role " + string(rag.RoleAdmin)}
	}
	out, err := s.Eraser.Erase(ctx, s.Scope(p), id, whole, ifSeq)
	return &writtenOutput{api.Written{Seq: out.Seq, Erased: out.Versions}}, err
}

func (s *server) setAccess(ctx context.Context, p rag.Principal, in *accessInput) (*documentOutput, error) {
	ifSeq, err := in.seq()
	if err != nil {
		return nil, err
	}
	if err := checkAccess(in.Body.Access); err != nil {
		return nil, err
	}
	// SECURITY: SetAccess takes no scope; a document that the caller cannot
	// see must not be found here either.
	if _, err := s.Catalog.Document(ctx, s.Scope(p), in.ID, 0); err != nil {
		return nil, err
	}
	d, err := s.Catalog.SetAccess(ctx, in.ID, in.Body.Access, ifSeq)
	if err != nil {
		return nil, err
	}
	return &documentOutput{etag(d.Seq), documentOf(d)}, nil
}

// documentSource sends the original bytes. SECURITY: they are not ours: a
// browser must neither render nor run them, so they come as a download.
func (s *server) documentSource(ctx context.Context, p rag.Principal, in *VersionQuery) (*streamOutput, error) {
	scope := s.Scope(p)
	d, err := s.Catalog.Document(ctx, scope, in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	source, err := s.Catalog.Source(ctx, scope, in.ID, d.Version.Number)
	if err != nil {
		return nil, err
	}
	return &streamOutput{func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		if d.Version.MediaType != "" {
			h.Set("Content-Type", d.Version.MediaType)
		}
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base("/" + d.URI)}))
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Content-Length", strconv.Itoa(len(source)))
		h.Set("ETag", `"`+d.Version.SourceHash.String()+`"`)
		w.Write(source)
	}}, nil
}

func (s *server) listVersions(ctx context.Context, p rag.Principal, in *versionsInput) (*versionsOutput, error) {
	all, err := s.Catalog.Versions(ctx, s.Scope(p), in.ID)
	if err != nil {
		return nil, err
	}
	list := "versions\x00" + in.ID
	start, err := s.offset(list, in.After, len(all), func(i int) int { return -all[i].Number })
	if err != nil {
		return nil, err
	}
	page := api.Page[api.Version]{Data: mapTo(all[start:min(start+in.Limit, len(all))], versionOf)}
	if start+in.Limit < len(all) {
		page.Next = s.cursors.seal(list, strconv.Itoa(-all[start+in.Limit-1].Number))
	}
	return &versionsOutput{page}, nil
}

func (s *server) listChunks(ctx context.Context, p rag.Principal, in *chunksInput) (*chunksOutput, error) {
	d, err := s.Catalog.Document(ctx, s.Scope(p), in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	all, err := s.Catalog.DocumentChunks(ctx, s.Scope(p), in.ID, d.Version.Number)
	if err != nil {
		return nil, err
	}
	list := "chunks\x00" + in.ID + "\x00" + strconv.Itoa(in.Version)
	start, err := s.offset(list, in.After, len(all), func(i int) int { return all[i].Key.Ordinal })
	if err != nil {
		return nil, err
	}
	page := api.Page[api.Chunk]{Data: mapTo(all[start:min(start+in.Limit, len(all))], chunkOf)}
	if start+in.Limit < len(all) {
		page.Next = s.cursors.seal(list, strconv.Itoa(all[start+in.Limit-1].Key.Ordinal))
	}
	return &chunksOutput{page}, nil
}

// offset finds where the page after a cursor starts among n entries whose
// positions rise.
func (s *server) offset(list, cursor string, n int, position func(i int) int) (int, error) {
	sealed, err := s.cursors.open(list, cursor)
	if err != nil || sealed == "" {
		return 0, err
	}
	after, err := strconv.Atoi(sealed)
	if err != nil {
		return 0, err
	}
	start := 0
	for start < n && position(start) <= after {
		start++
	}
	return start, nil
}
