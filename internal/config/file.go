package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// loadFile sets what a YAML file names. Faults carry "file:line".
func loadFile(path string, settings []Setting) []error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return []error{fmt.Errorf("read configuration file: %w", err)}
	}
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		// SECURITY: the parser's own words quote the file, keys and all.
		return []error{fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, false))}
	}
	if len(file.Docs) > 1 {
		return []error{fmt.Errorf("%s: one YAML document is expected, not %d", path, len(file.Docs))}
	}
	r := fileReader{path: path, settings: settings, seen: map[string]bool{}}
	for _, doc := range file.Docs {
		r.read("", doc.Body)
	}
	return r.faults
}

type fileReader struct {
	path     string
	settings []Setting
	seen     map[string]bool
	faults   []error
}

func (r *fileReader) fault(n ast.Node, format string, args ...any) {
	place := r.path
	if tok := n.GetToken(); tok != nil && tok.Position != nil {
		place = fmt.Sprintf("%s:%d", r.path, tok.Position.Line)
	}
	r.faults = append(r.faults, fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...)))
}

// read sets what a mapping names under prefix, "" or "section.".
func (r *fileReader) read(prefix string, body ast.Node) {
	switch node := body.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
	case *ast.MappingNode:
		for _, v := range node.Values {
			r.set(prefix, v)
		}
	case *ast.MappingValueNode:
		r.set(prefix, node)
	default:
		r.fault(body, "settings are expected, one \"name: value\" on a line")
	}
}

func (r *fileReader) set(prefix string, v *ast.MappingValueNode) {
	key := prefix + v.Key.String()
	if section := key + "."; slices.ContainsFunc(r.settings, func(s Setting) bool { return strings.HasPrefix(s.Key, section) }) {
		switch v.Value.(type) {
		case *ast.MappingNode, *ast.MappingValueNode, *ast.NullNode:
			r.read(section, v.Value)
			return
		}
	}
	i := slices.IndexFunc(r.settings, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		r.fault(v.Key, "unknown setting %q (known: %s)", key, strings.Join(r.keys(), ", "))
		return
	}
	scalar, ok := v.Value.(ast.ScalarNode)
	if !ok {
		r.fault(v.Key, "%s: a single value is expected", key)
		return
	}
	if r.seen[key] {
		r.fault(v.Key, "%s is given twice", key)
		return
	}
	r.seen[key] = true
	if err := r.settings[i].Value.Set(fmt.Sprint(scalar.GetValue())); err != nil {
		r.fault(v.Key, "%s: %v", key, err)
	}
}

func (r *fileReader) keys() []string {
	keys := make([]string, len(r.settings))
	for i, s := range r.settings {
		keys[i] = s.Key
	}
	return keys
}
