package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/quarry-search/quarry/api"
)

// bold and dim mark text on a terminal; callers ask whether it is one.
func bold(s string) string { return "\x1b[1m" + s + "\x1b[0m" }
func dim(s string) string  { return "\x1b[2m" + s + "\x1b[0m" }

// width is the terminal's width, within reason.
func width() int {
	w, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || w < 40 {
		return 80
	}
	return min(w, 160)
}

// plain makes text safe for a terminal.
//
// SECURITY: documents choose this text; control characters in it could move
// the cursor or retitle the window, and bidirectional marks could show it in
// another order.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

// oneLine is the beginning of a text on one line of at most n characters.
func oneLine(s string, n int) string {
	s = strings.Join(strings.Fields(plain(strings.ReplaceAll(s, "\n", " "))), " ")
	if runes := []rune(s); len(runes) > n {
		return string(runes[:max(1, n-1)]) + "…"
	}
	return s
}

// placeOf tells where a span stands: a path with lines, or with a page.
func placeOf(uri string, l api.Locator) string {
	place := pathOf(uri)
	switch {
	case l.LineStart > 0 && l.LineEnd > l.LineStart:
		return place + ":" + strconv.Itoa(l.LineStart) + "-" + strconv.Itoa(l.LineEnd)
	case l.LineStart > 0:
		return place + ":" + strconv.Itoa(l.LineStart)
	case l.Page > 0 && l.PageEnd > l.Page:
		return fmt.Sprintf("%s, pages %d-%d", place, l.Page, l.PageEnd)
	case l.Page > 0:
		return fmt.Sprintf("%s, page %d", place, l.Page)
	}
	return place
}

// pathOf is the path of a file uri, relative to the working directory when it
// lies below; any other uri stays as it is.
func pathOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return plain(uri)
	}
	path := u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	path = filepath.FromSlash(path)
	if dir, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
			path = rel
		}
	}
	return plain(path)
}

// plural writes a count with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}
