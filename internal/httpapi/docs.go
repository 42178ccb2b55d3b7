package httpapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsTemplate string

// The page is the description in another form: operations by tag, each with a
// curl line, then schemas. It needs no script and no asset.
type (
	docsData struct {
		Title, Version, Description string
		Tags                        []docsTag
		Schemas                     []docsSchema
	}
	docsTag struct {
		Name, Description string
		Operations        []docsOperation
	}
	docsOperation struct {
		ID, Method, Path, Summary, Description, Curl string
		Parameters                                   []docsField
		Body                                         []docsMedia
		Responses                                    []docsResponse
	}
	docsField struct {
		Name, In, Doc string
		Required      bool
		Type          []docsType
	}
	docsMedia struct {
		Media string
		Type  []docsType
	}
	docsResponse struct {
		Status, Doc string
		Content     []docsMedia
	}
	docsSchema struct {
		Name, Doc  string
		Properties []docsField
	}
	docsType struct{ Text, Schema string } // Schema is what Text links to
)

func docsPage(o *huma.OpenAPI) ([]byte, error) {
	t, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return nil, fmt.Errorf("parse docs page: %w", err)
	}
	data := docsData{Title: o.Info.Title, Version: o.Info.Version, Description: o.Info.Description}
	for _, tag := range o.Tags {
		data.Tags = append(data.Tags, docsTag{tag.Name, tag.Description, operationsOf(o, tag.Name)})
	}
	schemas := o.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		s := schemas[name]
		data.Schemas = append(data.Schemas, docsSchema{name, s.Description, propertiesOf(s)})
	}
	var page bytes.Buffer
	if err := t.Execute(&page, data); err != nil {
		return nil, fmt.Errorf("render docs page: %w", err)
	}
	return page.Bytes(), nil
}

func operationsOf(o *huma.OpenAPI, tag string) []docsOperation {
	var out []docsOperation
	for _, path := range slices.Sorted(maps.Keys(o.Paths)) {
		item := o.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && slices.Contains(op.Tags, tag) {
				out = append(out, operationOf(path, op))
			}
		}
	}
	return out
}

func operationOf(path string, op *huma.Operation) docsOperation {
	out := docsOperation{
		ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description, Curl: curlOf(path, op),
	}
	for _, p := range op.Parameters {
		out.Parameters = append(out.Parameters, docsField{p.Name, p.In, p.Description, p.Required, typeOf(p.Schema)})
	}
	if op.RequestBody != nil {
		out.Body = mediaOf(op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		out.Responses = append(out.Responses, docsResponse{status, r.Description, mediaOf(r.Content)})
	}
	return out
}

func mediaOf(content map[string]*huma.MediaType) []docsMedia {
	var out []docsMedia
	for _, media := range slices.Sorted(maps.Keys(content)) {
		out = append(out, docsMedia{media, typeOf(content[media].Schema)})
	}
	return out
}

func propertiesOf(s *huma.Schema) []docsField {
	var out []docsField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		out = append(out, docsField{name, "", p.Description, slices.Contains(s.Required, name), typeOf(p)})
	}
	return out
}

// typeOf writes a schema's type in a few words, with links.
func typeOf(s *huma.Schema) []docsType {
	switch {
	case s == nil:
		return nil
	case s.Ref != "":
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		return []docsType{{name, name}}
	case len(s.OneOf) > 0:
		var out []docsType
		for i, one := range s.OneOf {
			if i > 0 {
				out = append(out, docsType{Text: " or "})
			}
			out = append(out, typeOf(one)...)
		}
		return out
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			words[i] = fmt.Sprint(e)
		}
		return []docsType{{Text: strings.Join(words, " | ")}}
	case s.Type == huma.TypeArray:
		return append([]docsType{{Text: "list of "}}, typeOf(s.Items)...)
	case s.Type == "":
		return []docsType{{Text: "any"}}
	}
	text := s.Type
	if s.Format != "" && s.Type == huma.TypeString {
		text += " (" + s.Format + ")"
	}
	if s.Minimum != nil && s.Maximum != nil {
		text += fmt.Sprintf(" %v to %v", *s.Minimum, *s.Maximum)
	}
	return []docsType{{Text: text}}
}

// curlOf writes a command that works after {names} are filled in.
func curlOf(path string, op *huma.Operation) string {
	line := "curl http://127.0.0.1:8080" + path
	if op.Method != http.MethodGet && (op.Method != http.MethodPost || op.RequestBody == nil) {
		line = "curl -X " + op.Method + " http://127.0.0.1:8080" + path
	}
	if op.RequestBody == nil {
		return line
	}
	if _, ok := op.RequestBody.Content[ndjson]; ok {
		return line + " \\\n  -H 'Content-Type: " + ndjson + "' --data-binary @documents.ndjson"
	}
	var example bytes.Buffer
	e := json.NewEncoder(&example)
	e.SetEscapeHTML(false)
	if e.Encode(op.RequestBody.Content["application/json"].Example) != nil {
		return line
	}
	return line + " \\\n  -H 'Content-Type: application/json' \\\n  -d '" + strings.TrimSpace(strings.ReplaceAll(example.String(), "'", `'\''`)) + "'"
}
