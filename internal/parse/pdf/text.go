package pdf

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lineHyphens are what pdfium writes for a hyphen at the end of a line, in
// place of the line's end.
const lineHyphens = "\u0002\ufffe"

// readable makes prose of a page as pdfium gives it: words hyphenated over a
// line end are joined, and blank lines stand where a paragraph seems to end.
func readable(s string) string {
	s = joinHyphens(strings.ToValidUTF8(s, " "))
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsControl(r), r == 0xffff:
			return ' '
		case r == 0xad:
			return -1
		}
		return r
	}, s)
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return paragraphs(lines)
}

// joinHyphens joins "exam-" and "ple" where pdfium marks the hyphen as one of
// the line's end, and ends the line after the word. Before a capital or a
// digit, and in a word that has another hyphen, the hyphen was meant.
func joinHyphens(s string) string {
	if !strings.ContainsAny(s, lineHyphens) {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexAny(s, lineHyphens)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		before := s[:i]
		_, size := utf8.DecodeRuneInString(s[i:])
		s = strings.TrimLeft(s[i+size:], "\r\n")
		b.WriteString(before)
		word := before[strings.LastIndexAny(before, " \r\n")+1:]
		if r, _ := utf8.DecodeRuneInString(s); !unicode.IsLower(r) || strings.Contains(word, "-") {
			b.WriteByte('-')
		}
		if end := strings.IndexAny(s, " \r\n"+lineHyphens); end > 0 && s[end] == ' ' {
			b.WriteString(s[:end] + "\n")
			s = s[end+1:]
		}
	}
}

// paragraphs writes lines with a blank line after each that ends a paragraph:
// it is clearly shorter than the page's long lines and the next one does not
// go on in lower case.
func paragraphs(lines []string) string {
	full := fullLength(lines)
	var b strings.Builder
	for i, line := range lines {
		b.WriteString(line)
		if i+1 == len(lines) {
			break
		}
		b.WriteByte('\n')
		next, _ := utf8.DecodeRuneInString(lines[i+1])
		if line != "" && utf8.RuneCountInString(line) < full*3/4 && !unicode.IsLower(next) && !strings.HasSuffix(line, ",") {
			b.WriteByte('\n')
		}
	}
	return strings.Trim(b.String(), "\n")
}

// fullLength estimates the length of a full line of the page: nine of ten
// lines are no longer.
func fullLength(lines []string) int {
	var counts [256]int
	total := 0
	for _, line := range lines {
		if n := utf8.RuneCountInString(line); n > 0 {
			counts[min(n, 255)]++
			total++
		}
	}
	seen := 0
	for n, c := range counts {
		if seen += c; seen*10 >= total*9 {
			return n
		}
	}
	return 255
}

// cleanTitle drops titles that programs write by themselves.
func cleanTitle(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	s = strings.TrimPrefix(s, "Microsoft Word - ")
	s = strings.TrimPrefix(s, "Microsoft PowerPoint - ")
	lower := strings.ToLower(s)
	for _, ext := range []string{".doc", ".docx", ".pdf", ".tex", ".dvi", ".ps", ".indd", ".qxd", ".ppt", ".pptx", ".rtf", ".odt", ".fm"} {
		if strings.HasSuffix(lower, ext) {
			return ""
		}
	}
	if strings.HasPrefix(lower, "untitled") || !strings.ContainsFunc(s, unicode.IsLetter) {
		return ""
	}
	return s
}
