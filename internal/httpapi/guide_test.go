package httpapi

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/internal/filter"
)

// TestGuideIsComplete: the guide shows a command for every route, and a row for
// every code.
func TestGuideIsComplete(t *testing.T) {
	b, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(b)
	for path := range newServer(Options{}.withDefaults()).api.OpenAPI().Paths {
		shown := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/\s"?]+`)
		if !regexp.MustCompile(`127\.0\.0\.1:8080`+shown+`[\s?"]`).MatchString(guide) && path != "/v1/collections/{name}/documents/{id}" {
			t.Errorf("no command for %s", path)
		}
	}
	src, err := os.ReadFile("../rag/error.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`Code = "([a-z_]+)"`).FindAllStringSubmatch(string(src), -1) {
		if !strings.Contains(guide, "| `"+m[1]+"` |") {
			t.Errorf("no row for the code %s", m[1])
		}
	}
}

// TestGuideFilters: the guide's three filters are accepted and mean the same.
func TestGuideFilters(t *testing.T) {
	b, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var printed []string
	for _, name := range []string{"Native (also that of OpenAI's vector stores)", "Qdrant", "Mongo"} {
		_, rest, ok := strings.Cut(string(b), "\n"+name+":\n\n")
		block, _, _ := strings.Cut(rest, "\n\n")
		f, err := filter.Parse([]byte(block))
		if !ok || err != nil {
			t.Fatalf("%s: %v: %s", name, err, block)
		}
		printed = append(printed, f.Simplify().String())
	}
	if printed[0] != printed[1] || printed[1] != printed[2] {
		t.Errorf("they differ:\n%s", strings.Join(printed, "\n"))
	}
}
