package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// registerShape adds an operation whose request and errors have the shape of
// another API: what is refused is told in that API's words, which huma's own
// checks cannot do. Like a native operation it is described in OpenAPI, from
// the same types.
func registerShape[I, O any](s *server, op operation, handler func(ctx context.Context, p rag.Principal, in *I) (*O, error)) {
	if op.body == 0 {
		op.body = maxQueryBody
	}
	h := &huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag},
		Summary: op.summary, Description: op.detail,
	}
	describeShape[I, O](s.api.OpenAPI(), h, op)
	s.mux.HandleFunc(op.method+" "+op.path, func(w http.ResponseWriter, r *http.Request) {
		st := stateOf(r.Context())
		st.operation = op.kind
		if !st.principal.Has(op.role) {
			writeProblem(w, r, &rag.Error{Code: rag.CodeForbidden, Message: "this needs the role " + string(op.role)})
			return
		}
		var in I
		if op.method == http.MethodPost {
			if err := s.decode(w, r, op.body, &in); err != nil {
				writeProblem(w, r, err)
				return
			}
		}
		if withPath, ok := any(&in).(interface{ setPath(*http.Request) }); ok {
			withPath.setPath(r)
		}
		out, err := handler(r.Context(), st.principal, &in)
		if err != nil {
			writeProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		encode(w, out)
	})
}

// decode reads one JSON value into v, strictly.
func (s *server) decode(w http.ResponseWriter, r *http.Request, most int64, v any) error {
	body := &deadlineReader{http.MaxBytesReader(w, r.Body, most), http.NewResponseController(w), s.ReadTimeout}
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		_, err = d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			return &rag.Error{Code: rag.CodeInvalid, Message: "there is more after the JSON object"}
		}
	}
	var size *http.MaxBytesError
	if errors.As(err, &size) {
		return &rag.Error{Code: rag.CodeTooLarge, Message: fmt.Sprintf("the body has more than %d bytes", most)}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &rag.Error{Code: rag.CodeTimeout, Message: "the body did not arrive in time"}
	}
	return decodeError(err)
}

// describeShape writes the operation into the description of the API.
func describeShape[I, O any](o *huma.OpenAPI, h *huma.Operation, op operation) {
	schema := func(t reflect.Type) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: o.Components.Schemas.Schema(t, true, t.Name())}}
	}
	if op.method == http.MethodPost {
		content := schema(reflect.TypeFor[I]())
		content["application/json"].Example = op.example
		h.RequestBody = &huma.RequestBody{Required: true, Content: content}
	}
	for _, name := range pathParameters(op.path) {
		h.Parameters = append(h.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	h.Responses = map[string]*huma.Response{
		"200":     {Description: "OK", Content: schema(reflect.TypeFor[O]())},
		"default": {Description: "An error", Content: schema(op.failure)},
	}
	if op.failure == reflect.TypeFor[api.Problem]() {
		h.Responses["default"].Content = map[string]*huma.MediaType{
			"application/problem+json": h.Responses["default"].Content["application/json"],
		}
	}
	o.AddOperation(h)
}

func pathParameters(path string) (names []string) {
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}
