package parse

import (
	"regexp"
	"strings"
)

// definitions recognise the first line of a definition. Group 1 of the first
// says what it defines; the last group is its name. may is a cheap test, of the
// line and its first words, that spares most lines the expression.
var definitions = []struct {
	may func(line string, words []string) bool
	re  *regexp.Regexp
}{
	{func(_ string, words []string) bool { return anyIn(words, keywords) },
		regexp.MustCompile(`^\s*(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|sealed|open|override|virtual|async|inline|unsafe|extern|local|pub(?:\([^)]*\))?|partial|data|suspend|const|readonly)\s+)*` +
			`(class|interface|struct|enum|trait|record|object|protocol|extension|namespace|module|mod|impl|defmodule|func|fun|fn|function\*?|def|defp|sub|proc|macro_rules!|type)\s+(?:self\.)?([A-Za-z_$][\w$.:]*)`)},
	{func(line string, words []string) bool {
		return anyIn(words, bindings) && strings.Contains(line, "=")
	},
		regexp.MustCompile(`^(?:export\s+)?(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::[^=]+)?=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*(?::[^=]+)?=>|[\w$]+\s*=>)`)},
	{func(line string, words []string) bool {
		return anyIn(words[:1], modifiers) && strings.Contains(line, "(")
	},
		regexp.MustCompile(`^\s*(?:(?:public|private|protected|internal|static|final|abstract|override|virtual|async|synchronized|sealed|native|readonly)\s+)+(?:[\w<>\[\],.?]+\s+)*([A-Za-z_]\w*)\s*\([^;]*$`)},
	{func(line string, _ []string) bool { return strings.Contains(line, "()") },
		regexp.MustCompile(`^(?:function\s+)?([A-Za-z_][\w:-]*)\s*\(\)\s*\{`)},
	{func(line string, _ []string) bool {
		return line[0] != ' ' && line[0] != '\t' && strings.Contains(line, "(") && !strings.ContainsAny(line, ";=")
	},
		regexp.MustCompile(`^[A-Za-z_][\w:<>,*&\[\] ]*[ *&]([A-Za-z_~][\w:~]*)\s*\([^;=]*(?:\)|,|\{)\s*(?:const)?\s*\{?$`)},
	{func(_ string, words []string) bool { return strings.EqualFold(words[0], "create") },
		regexp.MustCompile(`(?i)^create\s+(?:or\s+replace\s+)?(?:unique\s+|materialized\s+|temporary\s+)?(?:table|view|function|procedure|trigger|index|type)\s+(?:if\s+not\s+exists\s+)?([\w."]+)`)},
}

var (
	keywords = wordSet("class interface struct enum trait record object protocol extension namespace module mod impl defmodule " +
		"func fun fn function def defp sub proc macro_rules type")
	bindings  = wordSet("const let var")
	modifiers = wordSet("public private protected internal static final abstract override virtual async synchronized sealed native readonly")
)

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

func anyIn(words []string, set map[string]bool) bool {
	for _, w := range words {
		if set[w] {
			return true
		}
	}
	return false
}

// firstWords returns the words with which a line begins, at most six: they end
// at the first character that no modifier or keyword has after it.
func firstWords(line string, buf []string) []string {
	words := buf[:0]
	rest := strings.TrimLeft(line, " \t")
	for len(words) < 6 {
		n := 0
		for n < len(rest) && (rest[n] == '_' || rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z') {
			n++
		}
		if n == 0 {
			break
		}
		words = append(words, rest[:n])
		rest = rest[n:]
		if strings.HasPrefix(rest, "(") { // pub(crate)
			if i := strings.IndexByte(rest, ')'); i >= 0 {
				rest = rest[i+1:]
			}
		}
		rest = strings.TrimLeft(rest, " \t*!")
	}
	return words
}

var containers = wordSet("class interface struct enum trait record object protocol extension namespace module mod impl defmodule")

// notNames are words that some language lets stand before "(" where a name
// would.
var notNames = wordSet("if for while switch catch return else new in of is and or with from")

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
	var buf [6]string
	words := firstWords(line, buf[:])
	if len(words) == 0 {
		return "", false, false
	}
	for i, d := range definitions {
		if !d.may(line, words) {
			continue
		}
		m := d.re.FindStringSubmatch(line)
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
