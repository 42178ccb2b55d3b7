package parse

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"github.com/quarry-search/quarry/internal/rag"
)

// parseHTML keeps what a reader of the page would read: what the page itself
// marks as its main text, else what readability finds, else the whole body
// where that would lose too much of it.
func parseHTML(_ context.Context, ps *Parsers, p probe) (rag.Parsed, error) {
	s, err := decodeHTML(p)
	if err != nil {
		return rag.Parsed{}, err
	}
	doc, err := html.Parse(strings.NewReader(s))
	if err != nil {
		return rag.Parsed{}, rag.Fail(rag.ReasonParse, "damaged html")
	}
	parsed := renderHTML(doc)
	parsed.Title = htmlTitle(doc, parsed.Blocks)
	if article := mainText(doc); article != nil {
		main := renderHTML(article)
		if len(main.Text) >= minMainBytes && len(main.Text)*100 >= len(parsed.Text)*minMainPercent {
			main.Title = parsed.Title
			parsed = withHeading(main, parsed)
		}
	}
	if err := ps.readable(parsed.Text); err != nil {
		return rag.Parsed{}, err
	}
	parsed.Kind = rag.KindHTML
	parsed.Language = declaredLanguage(doc)
	return parsed, nil
}

// What readability finds is taken when it is at least this much, and this
// share of the page's text outside of navigation: rather some boilerplate kept
// than text lost.
const (
	minMainBytes   = 1000
	minMainPercent = 40
	maxMainNodes   = 50_000 // beyond, readability takes too long
)

// decodeHTML returns the page as normalised UTF-8. A page that is not UTF-8
// must declare its charset.
func decodeHTML(p probe) (string, error) {
	if utf8.Valid(p.Data) || utf16Marked(p.Data) {
		return decode(p.Data)
	}
	head := p.Data[:min(len(p.Data), 1024)]
	enc, name, certain := charset.DetermineEncoding(head, p.MediaType)
	if !certain && !bytes.Contains(bytes.ToLower(head), []byte("charset")) {
		return "", rag.Skip(rag.ReasonEncoding, "neither UTF-8 nor a declared charset")
	}
	decoded, err := enc.NewDecoder().Bytes(p.Data)
	if err != nil || bytes.ContainsRune(decoded, utf8.RuneError) || !utf8.Valid(decoded) {
		return "", rag.Skip(rag.ReasonEncoding, "not valid "+name)
	}
	return normalise(string(decoded)), nil
}

// mainText returns the page's main content, nil if there is none to be found.
func mainText(doc *html.Node) (node *html.Node) {
	if n := find(doc, atom.Main); n != nil {
		return n
	}
	defer func() {
		if recover() != nil {
			node = nil
		}
	}()
	parser := readability.NewParser()
	parser.MaxElemsToParse = maxMainNodes
	article, err := parser.ParseDocument(doc, nil)
	if err != nil {
		return nil
	}
	return article.Node
}

// withHeading puts the page's first main heading before its main text, if that
// has none.
func withHeading(main, page rag.Parsed) rag.Parsed {
	first := func(p rag.Parsed) int {
		return slices.IndexFunc(p.Blocks, func(bl rag.Block) bool { return bl.Kind == rag.BlockHeading && bl.Level == 1 })
	}
	i := first(page)
	if i < 0 || first(main) >= 0 {
		return main
	}
	bl := page.Blocks[i]
	heading := page.Text[bl.Start:bl.End]
	bl.Start, bl.End = 0, len(heading)
	shift := len(heading) + len("\n\n")
	blocks := []rag.Block{bl}
	for _, b := range main.Blocks {
		b.Start, b.End = b.Start+shift, b.End+shift
		blocks = append(blocks, b)
	}
	main.Text, main.Blocks = heading+"\n\n"+main.Text, blocks
	return main
}

func htmlTitle(doc *html.Node, blocks []rag.Block) string {
	if n := find(doc, atom.Title); n != nil && n.FirstChild != nil {
		if t := cleanTitle(n.FirstChild.Data); t != "" {
			return t
		}
	}
	return firstTitle(blocks)
}

func declaredLanguage(doc *html.Node) string {
	n := find(doc, atom.Html)
	if n == nil {
		return ""
	}
	for _, a := range n.Attr {
		if a.Key == "lang" {
			tag, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(a.Val)), "-")
			if len(tag) == 2 && tag >= "aa" && tag <= "zz" {
				return tag
			}
		}
	}
	return ""
}

func find(n *html.Node, a atom.Atom) *html.Node {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && c.DataAtom == a && c.Namespace == "" {
			return c
		}
	}
	return nil
}
