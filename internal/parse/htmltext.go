package parse

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/quarry-search/quarry/internal/rag"
)

// renderHTML writes a tree as text: blocks apart by blank lines, items and
// rows on lines of their own.
func renderHTML(n *html.Node) rag.Parsed {
	r := renderer{}
	r.children(n)
	r.flush()
	return rag.Parsed{Text: r.out.String(), Blocks: r.blocks}
}

type renderer struct {
	out    strings.Builder
	blocks []rag.Block
	line   strings.Builder // text of the block or item that is being read
	kind   rag.BlockKind   // of that text
	level  int             // of a heading
	lists  int             // depth of lists
	joined bool            // the next item continues the last block
}

// flush ends the text that is being read.
func (r *renderer) flush() {
	text := tidy(r.line.String())
	r.line.Reset()
	r.emit(r.kind, text)
}

func (r *renderer) emit(kind rag.BlockKind, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	last := len(r.blocks) - 1
	if r.joined && last >= 0 && r.blocks[last].Kind == kind && (kind == rag.BlockList || kind == rag.BlockTable) {
		r.out.WriteString("\n" + text)
		r.blocks[last].End = r.out.Len()
		return
	}
	if last >= 0 {
		r.out.WriteString("\n\n")
	}
	bl := rag.Block{Kind: kind, Start: r.out.Len()}
	r.out.WriteString(text)
	bl.End = r.out.Len()
	if kind == rag.BlockHeading {
		bl.Level, bl.Title = r.level, cleanTitle(text)
	}
	r.blocks = append(r.blocks, bl)
	r.joined = true
}

// tidy collapses white space within lines and drops empty ones.
func tidy(s string) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func (r *renderer) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		r.node(c)
	}
}

func (r *renderer) node(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		r.line.WriteString(strings.ReplaceAll(n.Data, "\n", " "))
	case html.DocumentNode:
		r.children(n)
	case html.ElementNode:
		r.element(n)
	}
}

func (r *renderer) element(n *html.Node) {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Head, atom.Nav, atom.Aside, atom.Footer, atom.Svg,
		atom.Iframe, atom.Object, atom.Button, atom.Select, atom.Textarea, atom.Canvas, atom.Math, atom.Dialog:
		return
	case atom.Br:
		r.line.WriteByte('\n')
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		r.level = int(n.Data[1] - '0')
		r.block(n, rag.BlockHeading)
	case atom.Pre:
		r.flush()
		r.emit(rag.BlockCode, strings.Trim(rawText(n), "\n"))
	case atom.Ul, atom.Ol:
		r.list(n)
	case atom.Li:
		r.flush()
		r.line.WriteString(strings.Repeat("  ", max(r.lists-1, 0)))
		r.item(n)
	case atom.Table:
		r.table(n)
	case atom.Address, atom.Article, atom.Blockquote, atom.Body, atom.Center, atom.Dd, atom.Details, atom.Div, atom.Dl, atom.Dt,
		atom.Fieldset, atom.Figcaption, atom.Figure, atom.Form, atom.Header, atom.Hr, atom.Html, atom.Main, atom.P, atom.Section,
		atom.Summary, atom.Tbody, atom.Td, atom.Tfoot, atom.Th, atom.Thead, atom.Tr, atom.Caption:
		r.block(n, r.inner())
	default:
		r.children(n)
	}
}

// inner is the kind of a plain block here: inside a list it is part of it.
func (r *renderer) inner() rag.BlockKind {
	if r.lists > 0 {
		return rag.BlockList
	}
	return rag.BlockParagraph
}

func (r *renderer) block(n *html.Node, kind rag.BlockKind) {
	r.flush()
	before := r.kind
	r.kind = kind
	r.children(n)
	r.flush()
	r.kind = before
}

func (r *renderer) list(n *html.Node) {
	r.flush()
	before := r.kind
	if r.lists == 0 {
		r.joined = false
	}
	r.lists++
	r.kind = rag.BlockList
	r.children(n)
	r.flush()
	r.lists--
	r.kind = before
	if r.lists == 0 {
		r.joined = false
	}
}

func (r *renderer) item(n *html.Node) {
	before := r.kind
	r.kind = rag.BlockList
	r.line.WriteString("- ")
	r.children(n)
	if strings.TrimSpace(r.line.String()) == "-" {
		r.line.Reset()
	}
	r.flush()
	r.kind = before
}

// table writes rows as lines with cells apart by " | ". A table that holds
// blocks is a layout, not a table.
func (r *renderer) table(n *html.Node) {
	r.flush()
	if layout(n) {
		r.block(n, r.inner())
		return
	}
	r.joined = false
	for c := range n.Descendants() {
		if c.DataAtom != atom.Tr {
			continue
		}
		var cells []string
		for d := c.FirstChild; d != nil; d = d.NextSibling {
			if d.DataAtom == atom.Td || d.DataAtom == atom.Th {
				cells = append(cells, strings.Join(strings.Fields(cellText(d)), " "))
			}
		}
		if row := strings.Join(cells, " | "); strings.Trim(row, "| ") != "" {
			r.emit(rag.BlockTable, row)
		}
	}
	r.joined = false
}

func layout(n *html.Node) bool {
	for c := range n.Descendants() {
		switch c.DataAtom {
		case atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.Pre, atom.Ul, atom.Ol, atom.Caption:
			return true
		}
	}
	return false
}

// cellText returns the text of a cell, with spaces between its blocks.
func cellText(n *html.Node) string {
	r := renderer{}
	r.children(n)
	r.flush()
	return r.out.String()
}

// rawText returns the text of preformatted content as it stands.
func rawText(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		switch {
		case c.Type == html.TextNode:
			b.WriteString(c.Data)
		case c.DataAtom == atom.Br:
			b.WriteByte('\n')
		}
	}
	return b.String()
}
