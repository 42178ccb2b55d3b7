package engine

import (
	"context"
	"slices"
	"testing"
)

// TestLanguagesInOneCollection finds, in each of several languages, a document
// by another form of one of its words, by a prefix and by a phrase, and not by
// its stop words.
func TestLanguagesInOneCollection(t *testing.T) {
	tests := []struct{ language, text, query, prefix, phrase, stop string }{
		{"en", "The gardeners were watering their roses", "gardener", "garden*", `"watering their roses"`, "their"},
		{"de", "Die Häuser der alten Städte wurden gestrichen", "Haus", "hause*", `"alten Städte"`, "die der"},
		{"fr", "Les chevaux mangeaient dans les prairies", "mangeait", "prairi*", `"dans les prairies"`, "dans les"},
		{"es", "Las informaciones llegaron con las canciones", "información", "cancion*", `"llegaron con las"`, "con las"},
		{"it", "Le biblioteche conservano i manoscritti", "biblioteca", "manoscr*", `"conservano i manoscritti"`, "le i"},
		{"pt-BR", "As nações assinaram os tratados", "assinar tratado", "tratad*", `"os tratados"`, "as os"},
		{"nl", "De schepen voeren langzaam naar de havens", "haven", "scheep* schepen", `"naar de havens"`, "naar de"},
		{"sv", "Flickorna plockade bären i skogarna", "flicka", "skog*", `"i skogarna"`, "i"},
		{"ru", "Новые книги лежали на столах", "книга", "стол*", `"на столах"`, "на"},
		{"tr", "Kitaplar masanın üstünde ve yerde", "kitap", "masa*", `"ve yerde"`, "ve"},
		{"fi", "Taloissa oli suuria ikkunoita", "talossa", "ikkun*", `"suuria ikkunoita"`, "oli"},
		{"zh", "向量检索系统的设计", "检索系统", "检索*", `"系统的设计"`, ""},
		{"go", "func parseHTTPRequest(requests []string)", "request", "parseh*", `"parse HTTP request"`, "the"},
	}
	e, err := Open(Options{KnownField: known})
	must(t, err)
	defer func() { must(t, e.Close()) }()
	changes := []Change{{Seq: 1, Kind: Create, Collection: "a"}}
	for i, test := range tests {
		changes = append(changes, Change{Seq: uint64(i + 2), Kind: Put, Collection: "a", Document: Document{
			ID: test.language, Language: test.language, Rows: []Row{{Text: test.text}},
		}})
	}
	must(t, e.Apply(changes))
	for _, test := range tests {
		for what, query := range map[string]string{"a form": test.query, "a prefix": test.prefix, "a phrase": test.phrase} {
			if got := found(t, e, query); len(got) == 0 || got[0] != test.language {
				t.Errorf("%s: %s %q finds %v", test.language, what, query, got)
			}
		}
		if got := found(t, e, test.stop); slices.Contains(got, test.language) {
			t.Errorf("%s: found by the stop words %q", test.language, test.stop)
		}
		if got := found(t, e, "lagoon "+test.query+" -"+test.phrase); slices.Contains(got, test.language) {
			t.Errorf("%s: found though %s is excluded", test.language, test.phrase)
		}
	}
}

func found(t *testing.T, e *Engine, text string) (ids []string) {
	t.Helper()
	got, err := e.Search(context.Background(), Query{Collection: "a", Text: text, Limit: 50, Scope: Scope{All: true}})
	must(t, err)
	for _, c := range got.Candidates {
		ids = append(ids, c.DocID)
	}
	return ids
}
