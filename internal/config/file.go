package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

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
		return []error{fmt.Errorf("%s: %w", path, err)}
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

// read walks mappings down to scalars; key is the path so far.
func (r *fileReader) read(key string, n ast.Node) {
	switch node := n.(type) {
	case nil:
	case *ast.NullNode, *ast.CommentGroupNode:
	case *ast.MappingNode:
		for _, v := range node.Values {
			r.readValue(key, v)
		}
	case *ast.MappingValueNode:
		r.readValue(key, node)
	case ast.ScalarNode:
		r.set(key, node)
	default:
		r.fault(n, "%s: a value or a mapping is expected, not a %s", nameOf(key), n.Type())
	}
}

func (r *fileReader) readValue(prefix string, v *ast.MappingValueNode) {
	name, ok := v.Key.(*ast.StringNode)
	if !ok {
		r.fault(v.Key, "a key must be a plain word")
		return
	}
	key := name.Value
	if prefix != "" {
		key = prefix + "." + key
	}
	if !r.known(key) {
		r.fault(v.Key, "unknown key %q (known: %s)", key, strings.Join(r.keys(), ", "))
		return
	}
	r.read(key, v.Value)
}

func (r *fileReader) set(key string, n ast.ScalarNode) {
	i := slices.IndexFunc(r.settings, func(s Setting) bool { return s.Key == key })
	switch {
	case i < 0:
		r.fault(n, "%s: a mapping is expected", nameOf(key))
	case r.seen[key]:
		r.fault(n, "%s is given twice", key)
	default:
		r.seen[key] = true
		if err := r.settings[i].Value.Set(fmt.Sprint(n.GetValue())); err != nil {
			r.fault(n, "%s: %v", key, err)
		}
	}
}

// known reports whether key is a setting or the parent of one.
func (r *fileReader) known(key string) bool {
	return slices.ContainsFunc(r.settings, func(s Setting) bool {
		return s.Key == key || strings.HasPrefix(s.Key, key+".")
	})
}

func (r *fileReader) keys() []string {
	keys := make([]string, len(r.settings))
	for i, s := range r.settings {
		keys[i] = s.Key
	}
	return keys
}

func nameOf(key string) string {
	if key == "" {
		return "the file"
	}
	return key
}
