package parse

import (
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	gmtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/quarry-search/quarry/internal/rag"
)

// markdown parses Markdown. The source is the normalised text; goldmark finds
// its blocks and does not read inside them.
func markdown(_ probe, s string) rag.Parsed {
	p := rag.Parsed{Kind: rag.KindMarkdown}
	body := 0
	if end := frontMatter(s); end > 0 {
		p.Title = frontTitle(s[:end])
		p.Blocks = append(p.Blocks, rag.Block{Kind: rag.BlockCode, Start: 0, End: len(strings.TrimRight(s[:end], " \t\n"))})
		body = end
	}
	if tooNested(s) {
		p.Blocks = paragraphs(p.Blocks, s, body, len(s))
		return p
	}
	p.Blocks = append(p.Blocks, markdownBlocks(s, body)...)
	if p.Title == "" {
		p.Title = firstTitle(p.Blocks)
	}
	return p
}

// firstTitle returns the first heading of level 1, or the heading that the
// document starts with.
func firstTitle(blocks []rag.Block) string {
	for _, bl := range blocks {
		if bl.Kind == rag.BlockHeading && bl.Level == 1 {
			return bl.Title
		}
	}
	if len(blocks) > 0 && blocks[0].Kind == rag.BlockHeading {
		return blocks[0].Title
	}
	return ""
}

// markdownBlocks returns the top-level blocks of s[from:]. Each reaches from
// the line where its content starts to the next block, so that what carries no
// content (closing fences, underlines, link definitions) is in the block
// before it.
func markdownBlocks(s string, from int) []rag.Block {
	src := []byte(s[from:])
	md := parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers([]util.PrioritizedValue{}...))
	doc := md.Parse(gmtext.NewReader(src))
	var blocks []rag.Block
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		at := firstByte(n)
		if at < 0 {
			continue
		}
		bl := rag.Block{Kind: blockKind(n), Start: max(lineStart(s, from+at), from)}
		if f, ok := n.(*ast.FencedCodeBlock); ok && f.Info == nil && bl.Start > from {
			bl.Start = max(lineStart(s, bl.Start-1), from)
		}
		if h, ok := n.(*ast.Heading); ok {
			bl.Level, bl.Title = h.Level, headingTitle(h, src)
		}
		if len(blocks) > 0 && bl.Start <= blocks[len(blocks)-1].Start {
			continue
		}
		blocks = append(blocks, bl)
	}
	return closeBlocks(s, from, blocks)
}

// closeBlocks sets the ends of blocks, and adds what stands before the first.
func closeBlocks(s string, from int, blocks []rag.Block) []rag.Block {
	first := len(s)
	if len(blocks) > 0 {
		first = blocks[0].Start
	}
	out := paragraphs(nil, s, from, first)
	for i, bl := range blocks {
		end := len(s)
		if i+1 < len(blocks) {
			end = blocks[i+1].Start
		}
		bl.End = bl.Start + len(strings.TrimRight(s[bl.Start:end], " \t\n"))
		if bl.End <= bl.Start {
			continue
		}
		if bl.Kind == rag.BlockParagraph && tableRule.MatchString(s[bl.Start:bl.End]) {
			bl.Kind = rag.BlockTable
		}
		out = append(out, bl)
	}
	return out
}

// tableRule matches a paragraph whose second line rules off a table's head.
var tableRule = regexp.MustCompile(`^[^\n]*\|[^\n]*\n[ \t]*\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*(\n|$)`)

func blockKind(n ast.Node) rag.BlockKind {
	switch n.Kind() {
	case ast.KindHeading:
		return rag.BlockHeading
	case ast.KindList:
		return rag.BlockList
	case ast.KindCodeBlock, ast.KindFencedCodeBlock:
		return rag.BlockCode
	}
	return rag.BlockParagraph
}

// firstByte returns where a block's content starts, -1 if it has none.
func firstByte(n ast.Node) int {
	if f, ok := n.(*ast.FencedCodeBlock); ok && f.Info != nil {
		return f.Info.Segment.Start
	}
	if n.Type() == ast.TypeInline {
		return -1
	}
	if lines := n.Lines(); lines != nil && lines.Len() > 0 {
		return lines.At(0).Start
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if at := firstByte(c); at >= 0 {
			return at
		}
	}
	return -1
}

func headingTitle(h *ast.Heading, src []byte) string {
	var parts []string
	for i := 0; i < h.Lines().Len(); i++ {
		seg := h.Lines().At(i)
		parts = append(parts, strings.TrimSpace(string(seg.Value(src))))
	}
	return stripMarkup(strings.Join(parts, " "))
}

var (
	markdownLink = regexp.MustCompile(`!?\[([^\[\]]*)\]\([^()]*\)`)
	emphasis     = regexp.MustCompile("(\\*{1,3}|_{2,3}|`+)([^*`]+?)(\\*{1,3}|_{2,3}|`+)")
)

// stripMarkup removes links, emphasis and code marks from a heading.
func stripMarkup(s string) string {
	s = markdownLink.ReplaceAllString(s, "$1")
	s = emphasis.ReplaceAllString(s, "$2")
	s = strings.TrimRight(s, "# ")
	return cleanTitle(s)
}

// frontMatter returns the end of a leading block between "---" lines, 0 if
// there is none.
func frontMatter(s string) int {
	if !strings.HasPrefix(s, "---\n") {
		return 0
	}
	end := strings.Index(s[3:min(len(s), 1<<16)], "\n---\n")
	if end >= 0 {
		return 3 + end + len("\n---\n")
	}
	if len(s) < 1<<16 && strings.HasSuffix(s, "\n---") {
		return len(s)
	}
	return 0
}

func frontTitle(front string) string {
	for line := range strings.Lines(front) {
		if value, ok := strings.CutPrefix(line, "title:"); ok {
			return cleanTitle(strings.Trim(strings.TrimSpace(value), `"'`))
		}
	}
	return ""
}

// tooNested reports lines that open so many quotes or lists that reading them
// as structure would cost time and stack without any use.
func tooNested(s string) bool {
	for line := range strings.Lines(s) {
		marks := 0
		for i := 0; i < len(line) && strings.IndexByte(" \t>-*+", line[i]) >= 0; i++ {
			if line[i] != ' ' && line[i] != '\t' {
				marks++
			}
		}
		if marks > 64 && strings.Trim(line, "-*+ \t\n") != "" {
			return true
		}
	}
	return false
}
