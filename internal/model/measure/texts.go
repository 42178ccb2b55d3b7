package measure

import (
	_ "embed" // the texts
	"strings"
)

//go:embed texts.txt
var texts string

// Sentences are questions, prose, code and odd strings in several languages.
func Sentences() []string { return strings.Split(strings.TrimSuffix(texts, "\n"), "\n") }

// Passages are 32 texts of about the length of a scientific abstract.
func Passages() []string {
	var out []string
	prose := Sentences()[15:36]
	for i := range 32 {
		var p []string
		for j := range 10 {
			p = append(p, prose[(i*3+j*2)%len(prose)])
		}
		out = append(out, strings.Join(p, " "))
	}
	return out
}

// query is a question of twelve words.
const query = "which drug lowers blood pressure in older patients without many side effects"
