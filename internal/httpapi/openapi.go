package httpapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quarry-search/quarry/api"
)

// apiVersion is the version of the API, as in /v1.
const apiVersion = "1"

// apiConfig leaves out what huma would add by itself: its documentation pages
// load scripts from elsewhere, and its links change the bodies.
func apiConfig() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Quarry", Version: apiVersion,
				Description: "Search and cited answers over your own documents. Errors are RFC 9457 problems with a code of a closed set; lists are pages with an opaque cursor.",
				License:     &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Servers: []*huma.Server{{URL: "/"}},
			Tags: []*huma.Tag{
				{Name: "Search", Description: "Find passages, and answer from them with citations."},
				{Name: "Collections", Description: "Named sets of documents under one embedding model."},
				{Name: "Documents", Description: "Put, read, change and delete documents and their versions."},
				{Name: "Models", Description: "Embeddings and reranking for other programs, in the shapes of OpenAI, Jina and Cohere."},
				{Name: "Jobs", Description: "Ingestions and the balance of what became of each document."},
				{Name: "Server", Description: "Health and version."},
			},
		},
		Formats: map[string]huma.Format{
			"application/json": huma.DefaultJSONFormat,
			"json":             huma.DefaultJSONFormat,
		},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{fromHuma},
	}
}

// describe documents the problems that an operation may answer.
func describe(o *huma.OpenAPI, h *huma.Operation, op operation) {
	schema := o.Components.Schemas.Schema(reflect.TypeFor[api.Problem](), true, "Problem")
	content := map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}
	h.Responses = map[string]*huma.Response{
		"default": {Description: "A problem", Content: content},
	}
	for _, status := range op.errors {
		h.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: content}
	}
}

// finishOpenAPI removes what the types cannot say: lists are never null, and
// huma's own error types are never sent.
func finishOpenAPI(o *huma.OpenAPI) {
	schemas := o.Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for _, schema := range schemas {
		for _, property := range schema.Properties {
			if property.Type == huma.TypeArray {
				property.Nullable = false
			}
		}
	}
}

// OpenAPI returns the description of the API as indented JSON: what
// api/openapi.json holds.
func OpenAPI() ([]byte, error) {
	s := newServer(Options{}.withDefaults())
	return indentOpenAPI(s.api.OpenAPI())
}

func indentOpenAPI(o *huma.OpenAPI) ([]byte, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var tree any // sorts keys
	if err := json.Unmarshal(b, &tree); err != nil {
		return nil, err
	}
	indented, err := json.MarshalIndent(tree, "", "  ")
	return append(indented, '\n'), err
}
