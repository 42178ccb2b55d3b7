package answer

import (
	"strings"
	"unicode"
)

// prosePieces makes pieces of sentences. The lines of a fenced block are one
// piece. A sentence that ends in a colon is joined with the block or list that
// it leads to; the items of the list stand for themselves too.
func prosePieces(text string, sentences [][2]int) []piece {
	single := joinFences(text, sentences)
	pieces := make([]piece, 0, len(single))
	for i, p := range single {
		if end := ledTo(text, single[i:]); end > p.end {
			p = piece{start: p.start, end: end, block: true}
		}
		pieces = append(pieces, p)
	}
	return pieces
}

// joinFences makes one piece of everything between two fences.
func joinFences(text string, sentences [][2]int) []piece {
	var pieces []piece
	fence := "" // that is open
	for _, s := range sentences {
		p := piece{start: s[0], end: s[1]}
		mark := fenceOf(text[p.start:p.end])
		switch {
		case fence != "":
			pieces[len(pieces)-1].end = p.end
			if mark == fence {
				fence = ""
			}
		default:
			p.block = mark != ""
			fence = mark
			pieces = append(pieces, p)
		}
	}
	return pieces
}

func fenceOf(s string) string {
	for _, fence := range []string{"```", "~~~"} {
		if strings.HasPrefix(s, fence) {
			return fence
		}
	}
	return ""
}

// ledTo returns the end of what ps[0] leads to with its colon: the fenced
// block that follows, or as many items of the list as a quote may hold. It
// returns 0 when it leads to nothing.
func ledTo(text string, ps []piece) int {
	lead := ps[0]
	if lead.block || !strings.HasSuffix(strings.TrimRight(text[lead.start:lead.end], "*_ "), ":") {
		return 0
	}
	end := 0
	for _, p := range ps[1:] {
		if p.end-lead.start > maxUnitBytes {
			break
		}
		if p.block {
			if end == 0 {
				end = p.end
			}
			break
		}
		if !isItem(text[p.start:p.end]) && !sameItem(text, p) {
			break
		}
		end = p.end
	}
	return end
}

// isItem reports whether s begins with a list mark.
func isItem(s string) bool {
	mark, rest, ok := strings.Cut(s, " ")
	if !ok || strings.TrimSpace(rest) == "" {
		return false
	}
	switch mark {
	case "-", "*", "+", "•":
		return true
	}
	number := strings.TrimRight(mark, ".)")
	return number != mark && number != "" && len(number) <= 3 && strings.Trim(number, "0123456789") == ""
}

// sameItem reports whether p goes on with the line before it: a further
// sentence of an item.
func sameItem(text string, p piece) bool {
	line := text[strings.LastIndexByte(text[:p.start], '\n')+1 : p.start]
	return strings.TrimSpace(line) != ""
}

// codePieces cuts source code at blank lines into pieces of at most codeLines
// lines. A comment stays with the code below it, since no blank line divides
// them; a passage that is short enough is quoted whole.
func codePieces(text string) []piece {
	if strings.Count(text, "\n") < codeLines {
		return trimmed(text, 0, len(text))
	}
	var pieces []piece
	start, lines := 0, 0
	for at := 0; at < len(text); {
		end := len(text)
		if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		blank := strings.TrimSpace(text[at:end]) == ""
		if blank || lines == codeLines {
			pieces = append(pieces, trimmed(text, start, at)...)
			start, lines = at, 0
		}
		if !blank {
			lines++
		}
		at = end
	}
	return append(pieces, trimmed(text, start, len(text))...)
}

// trimmed returns the range as a piece of whole lines without blank lines
// around it, or none. Indentation stays: in code it carries meaning.
func trimmed(text string, start, end int) []piece {
	part := text[start:end]
	body := strings.TrimLeftFunc(part, unicode.IsSpace)
	if body == "" {
		return nil
	}
	lead := part[:len(part)-len(body)]
	start += strings.LastIndexByte(lead, '\n') + 1
	end = start + len(strings.TrimRightFunc(text[start:end], unicode.IsSpace))
	return []piece{{start: start, end: end, block: true}}
}

// flawOf judges a sentence by its form. alone says that the passage holds
// nothing else.
func flawOf(s string, alone bool) flaw {
	body := strings.TrimSpace(strings.Trim(s, "*_`>"))
	words := len(strings.Fields(body))
	last := body[max(0, len(body)-1):]
	switch {
	case strings.HasPrefix(s, "#"):
		return heading
	case linkShare(s) > 0.5:
		return links
	case last == "?" || strings.HasSuffix(body, "？"):
		return question
	case strings.HasPrefix(s, "|"), strings.Count(s, "|") > 2, !strings.ContainsFunc(s, unicode.IsLetter):
		return fragment
	case words < 4 && !alone && !strings.ContainsFunc(s, unicode.IsNumber) && !isDense(s):
		return fragment
	}
	return sound
}

// isDense reports text in a script written without spaces, whose sentences
// are one "word".
func isDense(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
	})
}

// linkShare is the share of s that addresses and link texts take up.
func linkShare(s string) float64 {
	linked := 0
	for _, word := range strings.Fields(s) {
		if strings.Contains(word, "://") || strings.Contains(word, "](") {
			linked += len(word)
		}
	}
	return float64(linked) / float64(max(len(s), 1))
}
