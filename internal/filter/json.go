package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// node is decoded JSON that keeps the order of members and has refused
// duplicate names: which of two members wins must never decide what a filter
// lets through.
type node struct {
	pointer string // JSON pointer (RFC 6901) of this value
	object  []member
	array   []node
	scalar  any // string, float64, bool or nil
	kind    byte
}

type member struct {
	name  string
	value node
}

const (
	isObject = '{'
	isArray  = '['
	isScalar = 's'
)

// maxNesting bounds raw JSON: some spellings need several levels for one level
// of the tree.
const maxNesting = 4 * MaxDepth

func decode(raw []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	n, err := decodeNode(d, "", 0)
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return node{}, &Error{Message: "there is more after the filter's end"}
	}
	return n, nil
}

func decodeNode(d *json.Decoder, pointer string, depth int) (node, error) {
	if depth > maxNesting {
		return node{}, &Error{pointer, fmt.Sprintf("nested deeper than %d levels", maxNesting)}
	}
	token, err := d.Token()
	if err != nil {
		return node{}, &Error{pointer, "not valid JSON"}
	}
	n := node{pointer: pointer, kind: isScalar}
	switch x := token.(type) {
	case json.Delim:
		n.kind = byte(x)
		if x == isObject {
			return decodeObject(d, n, depth)
		}
		return decodeArray(d, n, depth)
	case json.Number:
		f, err := strconv.ParseFloat(x.String(), 64)
		if err != nil {
			return node{}, &Error{pointer, "the number is out of range"}
		}
		n.scalar = f
	default:
		n.scalar = x
	}
	return n, nil
}

func decodeObject(d *json.Decoder, n node, depth int) (node, error) {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return node{}, &Error{n.pointer, "not valid JSON"}
		}
		pointer := n.pointer + "/" + escape(name)
		if seen[name] {
			return node{}, &Error{pointer, "given twice"}
		}
		seen[name] = true
		value, err := decodeNode(d, pointer, depth+1)
		if err != nil {
			return node{}, err
		}
		n.object = append(n.object, member{name, value})
	}
	return n, closing(d, n)
}

func decodeArray(d *json.Decoder, n node, depth int) (node, error) {
	for d.More() {
		value, err := decodeNode(d, n.pointer+"/"+strconv.Itoa(len(n.array)), depth+1)
		if err != nil {
			return node{}, err
		}
		n.array = append(n.array, value)
	}
	return n, closing(d, n)
}

func closing(d *json.Decoder, n node) error {
	if _, err := d.Token(); err != nil {
		return &Error{n.pointer, "not valid JSON"}
	}
	return nil
}

// get returns the member called name.
func (n node) get(name string) (node, bool) {
	for _, m := range n.object {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}

// only refuses members whose name is not among names.
func (n node) only(names ...string) error {
	for _, m := range n.object {
		if !contains(names, m.name) {
			return &Error{m.value.pointer, "unknown member; known here: " + strings.Join(names, ", ")}
		}
	}
	return nil
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func escape(name string) string { return pointerEscape.Replace(name) }
