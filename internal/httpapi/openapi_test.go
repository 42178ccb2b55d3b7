package httpapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/api"
)

var update = flag.Bool("update", false, "rewrite api/openapi.json")

func TestOpenAPIIsCommitted(t *testing.T) {
	const path = "../../api/openapi.json"
	got, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run go test ./internal/httpapi -run TestOpenAPI -update", path)
	}
}

type description struct {
	OpenAPI string `json:"openapi"`
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Summary     string
		Parameters  []struct {
			Name, In string
			Required bool
		}
		RequestBody *struct {
			Content map[string]struct{ Schema json.RawMessage }
		} `json:"requestBody"`
		Responses map[string]struct {
			Description string
			Content     map[string]struct{ Schema json.RawMessage }
		}
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct{ Type any }
		}
	}
}

// TestOpenAPIShape: what OpenAPI 3.1 demands and our routes promise.
func TestOpenAPIShape(t *testing.T) {
	raw, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d description
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.OpenAPI, "3.1.") || d.Info.Title == "" || d.Info.Version == "" {
		t.Errorf("head %+v", d.Info)
	}
	ids := map[string]bool{}
	inPath := regexp.MustCompile(`\{([a-z]+)\}`)
	for path, methods := range d.Paths {
		for method, op := range methods {
			where := method + " " + path
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
				t.Errorf("%s: id %q is empty or used twice, or there is no summary", where, op.OperationID)
			}
			ids[op.OperationID] = true
			for _, m := range inPath.FindAllStringSubmatch(path, -1) {
				found := false
				for _, p := range op.Parameters {
					found = found || p.In == "path" && p.Name == m[1] && p.Required
				}
				if !found {
					t.Errorf("%s: the parameter %s is not described", where, m[1])
				}
			}
			success := false
			for status, r := range op.Responses {
				success = success || strings.HasPrefix(status, "2") && len(r.Content) > 0
				if r.Description == "" {
					t.Errorf("%s: response %s has no description", where, status)
				}
			}
			failure := "application/problem+json"
			if strings.HasPrefix(path, openAIPrefix) || strings.HasPrefix(path, coherePrefix) {
				failure = "application/json"
			}
			if _, ok := op.Responses["default"].Content[failure]; !success || !ok {
				t.Errorf("%s: a success or a problem is not described", where)
			}
			if op.RequestBody != nil {
				for media, content := range op.RequestBody.Content {
					if len(content.Schema) == 0 {
						t.Errorf("%s: the body %s has no schema", where, media)
					}
				}
			}
		}
	}
	for _, ref := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(string(raw), -1) {
		if _, ok := d.Components.Schemas[ref[1]]; !ok {
			t.Errorf("the schema %s is referred to and missing", ref[1])
		}
	}
	for name, s := range d.Components.Schemas {
		for property, p := range s.Properties {
			if types, ok := p.Type.([]any); ok && types[0] == "array" {
				t.Errorf("%s.%s may be null", name, property)
			}
		}
	}
	for _, name := range []string{"ErrorModel", "ErrorDetail"} {
		if _, ok := d.Components.Schemas[name]; ok {
			t.Errorf("%s is described and never sent", name)
		}
	}
}

// TestSchemaAgreesWithChecks: the constraints that decodePut checks by hand are
// those that the schema tells.
func TestSchemaAgreesWithChecks(t *testing.T) {
	s := newServer(Options{}.withDefaults()).api.OpenAPI().Components.Schemas
	put := s.Map()["PutDocument"]
	if got := *put.Properties["uri"].MaxLength; got != maxURI {
		t.Errorf("uri: %d", got)
	}
	if got := *put.Properties["title"].MaxLength; got != maxTitle {
		t.Errorf("title: %d", got)
	}
	if got := *put.Properties["id"].MaxLength; got != 128 {
		t.Errorf("id: %d", got)
	}
	if got := *s.Map()["SetAccess"].Properties["access"].MaxItems; got != maxList {
		t.Errorf("access: %d", got)
	}
}

// TestDocsPage: the page names every operation and schema, every link in it
// leads somewhere, and nothing is loaded from anywhere.
func TestDocsPage(t *testing.T) {
	s := newServer(Options{}.withDefaults())
	b, err := docsPage(s.api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("the id %s is used twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if target, ok := strings.CutPrefix(m[1], "#"); ok && !ids[target] || !ok && m[1] != "/" && m[1] != "/openapi.json" {
			t.Errorf("the link %s leads nowhere", m[1])
		}
	}
	for _, loads := range []string{"<script", "<link", "src=", "url(", "@import", "ZgotmplZ"} {
		if strings.Contains(page, loads) {
			t.Errorf("the page holds %s", loads)
		}
	}
	for path, item := range s.api.OpenAPI().Paths {
		for _, op := range []any{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if v := reflect.ValueOf(op); !v.IsNil() && !ids[v.Elem().FieldByName("OperationID").String()] {
				t.Errorf("%s is missing from the page", path)
			}
		}
	}
	for name := range s.api.OpenAPI().Components.Schemas.Map() {
		if !ids["schema-"+name] {
			t.Errorf("the schema %s is missing from the page", name)
		}
	}
}

// TestProblemTypeIsAnError: what a client prints names the place.
func TestProblemTypeIsAnError(t *testing.T) {
	p := &api.Problem{Code: "invalid_request", Detail: "no", Errors: []api.FieldError{{Pointer: "/a", Message: "bad"}}}
	if got := p.Error(); got != "invalid_request: no; /a: bad" {
		t.Errorf("%q", got)
	}
}
