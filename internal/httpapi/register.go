package httpapi

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/quarry-search/quarry/internal/rag"
)

// operation describes one typed operation beside its types.
type operation struct {
	id      string // as a verb and a noun: "put-document"
	method  string
	path    string
	tag     string
	summary string
	detail  string
	kind    string       // search, answer, ingest, read or admin; "" for a probe
	role    rag.Role     // "" for everyone
	status  int          // of success, when it is not 200
	errors  []int        // beside those that every operation may answer
	body    int64        // limit in bytes; 0 for maxQueryBody
	upload  bool         // the body may take UploadTimeout
	example any          // of the request body
	failure reflect.Type // of errors, for registerShape
	adjust  func(*huma.Operation)
}

const (
	maxQueryBody    = 1 << 20
	maxDocumentBody = 96 << 20
)

// register adds an operation. The handler gets the principal as an argument,
// holding the role that the operation asks for; its errors become problems.
func register[I, O any](s *server, op operation, handler func(ctx context.Context, p rag.Principal, in *I) (*O, error)) {
	h := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag},
		Summary: op.summary, Description: op.detail, DefaultStatus: op.status,
		MaxBodyBytes: op.body, BodyReadTimeout: s.ReadTimeout,
		RejectUnknownQueryParameters: true,
		Middlewares:                  huma.Middlewares{admit(op)},
	}
	if op.body == 0 {
		h.MaxBodyBytes = maxQueryBody
	}
	if op.upload {
		h.BodyReadTimeout = s.UploadTimeout
	}
	if op.example != nil { // huma fills the rest in
		h.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{}}
	}
	describe(s.api.OpenAPI(), &h, op)
	if op.adjust != nil {
		op.adjust(&h)
	}
	huma.Register(s.api, h, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, stateOf(ctx).principal, in)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return out, nil
	})
	if op.example != nil {
		h.RequestBody.Content["application/json"].Example = op.example
	}
}

// admit lets those on to an operation who hold its role, before anything of the
// request is read.
func admit(op operation) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		st := stateOf(r.Context())
		st.operation = op.kind
		if op.role != "" && !st.principal.Has(op.role) {
			writeProblem(w, r, &rag.Error{Code: rag.CodeForbidden, Message: "this needs the role " + string(op.role)})
			return
		}
		next(hc)
	}
}

// serveRaw adds a route that is not a typed operation.
func (s *server) serveRaw(path string, h http.Handler) {
	s.mux.Handle("GET "+path, h)
}
