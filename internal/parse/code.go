package parse

import (
	"go/ast"
	"go/parser"
	"go/token"

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
