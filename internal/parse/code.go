package parse

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// code parses source code: a block for each region, which is a function, a
// type, a method, or what stands between them. Comments directly above a
// definition belong to it.
func code(p probe, s string) rag.Parsed {
	var starts []region
	ok := false
	if p.language == "go" {
		starts, ok = goRegions(s)
	}
	if !ok {
		starts = regions(s)
	}
	return rag.Parsed{Kind: rag.KindCode, Language: p.language, Blocks: regionBlocks(s, starts)}
}

// region is where a part of a source file starts, at the start of a line.
type region struct {
	start  int
	symbol string
}

// regionBlocks makes blocks that reach from region to region.
func regionBlocks(s string, starts []region) []rag.Block {
	if len(starts) == 0 || starts[0].start > 0 {
		starts = append([]region{{}}, starts...)
	}
	var blocks []rag.Block
	for i, r := range starts {
		end := len(s)
		if i+1 < len(starts) {
			end = starts[i+1].start
		}
		if r.start >= end {
			continue
		}
		for _, bl := range whole(s[r.start:end], rag.BlockCode) {
			blocks = append(blocks, rag.Block{Kind: rag.BlockCode, Symbol: r.symbol, Start: r.start + bl.Start, End: r.start + bl.End})
		}
	}
	return blocks
}

// goRegions finds the declarations of a Go file; ok is false if it has errors.
func goRegions(s string) (starts []region, ok bool) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", s, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, false
	}
	file := fset.File(f.Pos())
	for _, d := range f.Decls {
		pos, symbol := d.Pos(), ""
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc != nil {
				pos = d.Doc.Pos()
			}
			symbol = receiver(d) + d.Name.Name
		case *ast.GenDecl:
			if d.Doc != nil {
				pos = d.Doc.Pos()
			}
			symbol = declared(d)
		}
		starts = append(starts, region{lineStart(s, file.Offset(pos)), symbol})
	}
	return starts, true
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "."
		default:
			return ""
		}
	}
}

// declared names a declaration of one type, constant or variable.
func declared(d *ast.GenDecl) string {
	if len(d.Specs) != 1 {
		return ""
	}
	switch spec := d.Specs[0].(type) {
	case *ast.TypeSpec:
		return spec.Name.Name
	case *ast.ValueSpec:
		if len(spec.Names) == 1 {
			return spec.Names[0].Name
		}
	}
	return ""
}

// definitions recognise the first line of a definition. Group 1 says what it
// defines, where a keyword does; the last group is its name.
var definitions = []*regexp.Regexp{
	regexp.MustCompile(`^\s*(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|sealed|open|override|virtual|async|inline|unsafe|extern|local|pub(?:\([^)]*\))?|partial|data|suspend|const|readonly)\s+)*` +
		`(class|interface|struct|enum|trait|record|object|protocol|extension|namespace|module|mod|impl|defmodule|func|fun|fn|function\*?|def|defp|sub|proc|macro_rules!|type)\s+(?:self\.)?([A-Za-z_$][\w$.:]*)`),
	regexp.MustCompile(`^(?:export\s+)?(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::[^=]+)?=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*(?::[^=]+)?=>|[\w$]+\s*=>)`),
	regexp.MustCompile(`^\s*(?:(?:public|private|protected|internal|static|final|abstract|override|virtual|async|synchronized|sealed|native|readonly)\s+)+(?:[\w<>\[\],.?]+\s+)*([A-Za-z_]\w*)\s*\([^;]*$`),
	regexp.MustCompile(`^(?:function\s+)?([A-Za-z_][\w:-]*)\s*\(\)\s*\{`),
	regexp.MustCompile(`^[A-Za-z_][\w:<>,*&\[\] ]*[ *&]([A-Za-z_~][\w:~]*)\s*\([^;=]*(?:\)|,|\{)\s*(?:const)?\s*\{?$`),
	regexp.MustCompile(`(?i)^create\s+(?:or\s+replace\s+)?(?:unique\s+|materialized\s+|temporary\s+)?(?:table|view|function|procedure|trigger|index|type)\s+(?:if\s+not\s+exists\s+)?([\w."]+)`),
}

var containers = map[string]bool{
	"class": true, "interface": true, "struct": true, "enum": true, "trait": true, "record": true, "object": true, "protocol": true,
	"extension": true, "namespace": true, "module": true, "mod": true, "impl": true, "defmodule": true,
}

// notNames are words that some language lets stand before "(" where a name
// would.
var notNames = map[string]bool{"if": true, "for": true, "while": true, "switch": true, "catch": true, "return": true, "else": true,
	"new": true, "in": true, "of": true, "is": true, "and": true, "or": true, "with": true, "from": true}

// scope is a definition that is still open.
type scope struct {
	indent    int
	name      string
	container bool
}

// regions finds definitions of any language by the look of their first lines
// and by indentation: those at the outermost level and members of types.
func regions(s string) []region {
	var starts []region
	var open []scope
	afterBlank := true
	for at := 0; at < len(s); {
		end := lineEnd(s, at)
		line := s[at:end]
		body := strings.TrimSpace(line)
		if body == "" {
			afterBlank = true
			at = end + 1
			continue
		}
		indent := indentation(line)
		name, container, found := definition(line, indent)
		if found || outermost(open, indent, body, afterBlank) {
			for len(open) > 0 && open[len(open)-1].indent >= indent {
				open = open[:len(open)-1]
			}
		}
		switch {
		case found && (len(open) == 0 || open[len(open)-1].container):
			symbol := name
			if len(open) > 0 {
				symbol = open[len(open)-1].name + "." + name
			}
			starts = append(starts, region{withComment(s, at, starts), symbol})
			open = append(open, scope{indent, symbol, container})
		case len(open) == 0 && afterBlank && len(starts) > 0 && starts[len(starts)-1].symbol != "" && !comment(body):
			starts = append(starts, region{withComment(s, at, starts), ""})
		}
		afterBlank = false
		at = end + 1
	}
	return starts
}

// outermost reports a line that ends all open definitions: one at the left,
// after a blank line, that is no bracket or comment.
func outermost(open []scope, indent int, body string, afterBlank bool) bool {
	return len(open) > 0 && indent == 0 && afterBlank && !comment(body) && strings.IndexByte(")}]", body[0]) < 0
}

const maxDefinitionLine = 400

func definition(line string, indent int) (name string, container, ok bool) {
	if indent > 8 || len(line) > maxDefinitionLine {
		return "", false, false
	}
	for i, re := range definitions {
		m := re.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name = strings.TrimRight(m[len(m)-1], ":.")
		if name == "" || notNames[name] {
			continue
		}
		return name, i == 0 && containers[m[1]], true
	}
	return "", false, false
}

// withComment moves the start of a region up over comments, attributes and
// decorators that stand directly above it.
func withComment(s string, at int, starts []region) int {
	least := 0
	if len(starts) > 0 {
		least = starts[len(starts)-1].start + 1
	}
	for at > 0 {
		above := lineStart(s, at-1)
		body := strings.TrimSpace(s[above : at-1])
		if above < least || body == "" || !comment(body) {
			break
		}
		at = above
	}
	return at
}

func comment(body string) bool {
	for _, mark := range []string{"//", "#", "/*", "*", "@", "--", ";;", "%", "[", "template<", "template <", "'''", `"""`} {
		if strings.HasPrefix(body, mark) {
			return true
		}
	}
	return false
}

func indentation(line string) int {
	n := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			n++
		case '\t':
			n += 4
		default:
			return n
		}
	}
	return n
}
