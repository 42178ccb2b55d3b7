package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/quarry-search/quarry/"

// file is one parsed source file.
type file struct {
	path  string // slash-separated, from the module's root
	pkg   string // its folder
	test  bool
	ast   *ast.File
	lines int
	text  string
}

// sources parses every Go file of the module.
func sources(t *testing.T) (files []file, set *token.FileSet) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the module's root is not where it should be: %v", err)
	}
	set = token.NewFileSet()
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(path)) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(set, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		files = append(files, file{
			path: rel, pkg: rel[:strings.LastIndex("/"+rel, "/")], test: strings.HasSuffix(rel, "_test.go"),
			ast: parsed, lines: strings.Count(string(text), "\n"), text: string(text),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i].pkg = strings.TrimSuffix(files[i].pkg, "/")
	}
	if len(files) < 50 {
		t.Fatalf("only %d files were found", len(files))
	}
	return files, set
}

// isModule reports whether a folder is a module of its own.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// TestImports holds every package to the rule of its layer.
func TestImports(t *testing.T) {
	files, _ := sources(t)
	for _, f := range files {
		if f.test {
			continue // tests run against real parts
		}
		r := ruleOf(f.pkg)
		if r == nil {
			t.Errorf("%s: the package has no rule: put it into a layer in rules_test.go", f.path)
			continue
		}
		for _, spec := range f.ast.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if reason, bad := forbidden[path]; bad && f.ast.Name.Name != "main" {
				t.Errorf("%s imports %s: %s", f.path, path, reason)
			}
			target, ours := strings.CutPrefix(path, module)
			if ours && !r.allows(f.pkg, target) {
				t.Errorf("%s imports %s: %s may import %s: %s", f.path, target, f.pkg, strings.Join(r.may, ", "), r.why)
			}
		}
	}
}

// calls finds uses of a name of a package, as in rag.SystemScope.
func calls(f file, importPath, name string) (found bool) {
	local := ""
	for _, spec := range f.ast.Imports {
		if strings.Trim(spec.Path.Value, `"`) != importPath {
			continue
		}
		local = importPath[strings.LastIndex(importPath, "/")+1:]
		if spec.Name != nil {
			local = spec.Name.Name
		}
	}
	if local == "" {
		return false
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok || s.Sel.Name != name {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
			found = true
		}
		return true
	})
	return found
}

// TestReservedCalls keeps what is dangerous to the packages that need it.
func TestReservedCalls(t *testing.T) {
	files, _ := sources(t)
	for _, r := range reserved {
		used := false
		for _, f := range files {
			if f.test || !calls(f, r.path, r.name) {
				continue
			}
			used = true
			if !within(f.pkg, r.allowed) {
				t.Errorf("%s uses %s.%s, which only %s may: %s", f.path, r.path, r.name, strings.Join(r.allowed, ", "), r.why)
			}
		}
		if !used && r.needed {
			t.Errorf("nobody uses %s.%s: is the rule still right?", r.path, r.name)
		}
	}
}

// TestNoInit: what a package does it does when it is called, not when it is
// imported; a registry is a list in one file.
func TestNoInit(t *testing.T) {
	files, _ := sources(t)
	for _, f := range files {
		if generated(f) {
			continue
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function: do it in a constructor", f.path)
			}
		}
	}
}

// maxLines is where a file is to be split.
const maxLines = 500

func TestFileSize(t *testing.T) {
	files, _ := sources(t)
	for _, f := range files {
		if !f.test && !generated(f) && f.lines > maxLines {
			t.Errorf("%s has %d lines: split it by %d", f.path, f.lines, maxLines)
		}
	}
}

// TestPackageDocs: each package opens with doc.go.
func TestPackageDocs(t *testing.T) {
	files, _ := sources(t)
	documented := map[string]bool{}
	packages := map[string]bool{}
	for _, f := range files {
		if f.test || f.ast.Name.Name == "main" {
			continue
		}
		packages[f.pkg] = true
		if f.ast.Doc != nil && strings.HasPrefix(f.ast.Doc.Text(), "Package "+f.ast.Name.Name+" ") {
			documented[f.pkg] = true
		}
	}
	for pkg := range packages {
		if !documented[pkg] {
			t.Errorf("%s has no comment that begins \"Package …\"", pkg)
		}
	}
}

// TestNothingLeftToDo: what is not done is said in the docs, not in the code.
func TestNothingLeftToDo(t *testing.T) {
	files, _ := sources(t)
	for _, f := range files {
		for _, group := range f.ast.Comments {
			for _, word := range []string{"TO" + "DO", "FIX" + "ME", "X" + "XX"} {
				if strings.Contains(group.Text(), word) {
					t.Errorf("%s has a comment with %s", f.path, word)
				}
			}
		}
	}
}

func generated(f file) bool { return ast.IsGenerated(f.ast) }
