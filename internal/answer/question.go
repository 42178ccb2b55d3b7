package answer

import (
	"math"
	"strings"
	"unicode"

	"github.com/quarry-search/quarry/internal/rag"
)

// questionWords ask without saying of what. They carry no weight when a
// sentence is compared with the question.
const questionWords = `what when where who whom whose which why how did do does done doing is are was were am be been being
	has have had having can could may might must shall should will would a an the this that these those it its they their
	he she his her we our you your i my me us them him of in on at by for from to with into about as and or but not no if
	then than so such there here any some many much kind type name tell show give list find explain describe please
	was old long often far there also being during between through`

// kindOfAnswer is what a question asks for, by its opening words.
type kindOfAnswer uint8

const (
	anyAnswer kindOfAnswer = iota
	dateAnswer
	numberAnswer
	nameAnswer
)

// analysed is a question ready for comparison with sentences.
type analysed struct {
	terms  map[string]float64 // inverse document frequency
	total  float64            // sum over terms
	words  map[string]bool    // lower-case words as they stand
	expect kindOfAnswer
	vector []float32 // nil without a model
}

// analyse reads the question. Terms are weighed by how rare they are in what
// the scope sees, or, when the index does not tell, among the hits.
func (a *Answerer) analyse(text string, found rag.SearchResult) analysed {
	q := analysed{terms: map[string]float64{}, words: map[string]bool{}, expect: expected(text)}
	stats := map[string]rag.TermStat{}
	for _, t := range found.Terms {
		stats[t.Term] = t
	}
	if len(stats) == 0 {
		stats = a.statsOfHits(found.Hits)
	}
	all := a.deps.Analyze(text)
	for _, term := range all {
		if !a.stop[term] {
			q.terms[term] = idf(stats[term], found)
		}
	}
	if len(q.terms) == 0 { // nothing but question words: better than nothing
		for _, term := range all {
			q.terms[term] = 1
		}
	}
	for _, weight := range q.terms {
		q.total += weight
	}
	for _, w := range plainWords(text) {
		q.words[strings.ToLower(w)] = true
	}
	return q
}

// idf is BM25's, with the number of hits for a corpus that is unknown.
func idf(t rag.TermStat, found rag.SearchResult) float64 {
	of := float64(max(t.Of, t.Chunks, len(found.Hits)))
	n := float64(t.Chunks)
	return math.Log(1 + (of-n+0.5)/(n+0.5))
}

func (a *Answerer) statsOfHits(hits []rag.Hit) map[string]rag.TermStat {
	stats := map[string]rag.TermStat{}
	for _, h := range hits {
		for term := range a.termSet(h.Chunk.EmbedText()) {
			s := stats[term]
			stats[term] = rag.TermStat{Term: term, Chunks: s.Chunks + 1, Of: len(hits)}
		}
	}
	return stats
}

func (a *Answerer) termSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, term := range a.deps.Analyze(text) {
		set[term] = true
	}
	return set
}

// expected guesses the kind of answer from the question's words.
func expected(text string) kindOfAnswer {
	s := " " + strings.ToLower(strings.Join(plainWords(text), " ")) + " "
	for _, cue := range cues {
		if strings.Contains(s, cue.words) {
			return cue.kind
		}
	}
	return anyAnswer
}

var cues = []struct {
	words string
	kind  kindOfAnswer
}{
	{" when ", dateAnswer}, {" what year ", dateAnswer}, {" which year ", dateAnswer}, {" what date ", dateAnswer},
	{" what month ", dateAnswer}, {" what day ", dateAnswer}, {" what century ", dateAnswer}, {" what decade ", dateAnswer},
	{" how many ", numberAnswer}, {" how much ", numberAnswer}, {" how long ", numberAnswer}, {" how old ", numberAnswer},
	{" how far ", numberAnswer}, {" how high ", numberAnswer}, {" how tall ", numberAnswer}, {" how large ", numberAnswer},
	{" how big ", numberAnswer}, {" how fast ", numberAnswer}, {" how often ", numberAnswer}, {" what percent", numberAnswer},
	{" what number ", numberAnswer}, {" what is the number ", numberAnswer}, {" what was the number ", numberAnswer},
	{" who ", nameAnswer}, {" whom ", nameAnswer}, {" whose ", nameAnswer}, {" where ", nameAnswer},
	{" what city ", nameAnswer}, {" what country ", nameAnswer}, {" which country ", nameAnswer}, {" which city ", nameAnswer},
}

// plainWords are the runs of letters, digits and the signs inside them.
func plainWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '\'' && r != '-' && r != '$' && r != '%'
	})
}

// offers reports whether the sentence holds something of the expected kind
// that the question does not hold already.
func (q *analysed) offers(sentence string) bool {
	words := plainWords(sentence)
	for i, w := range words {
		lower := strings.ToLower(w)
		if q.words[lower] {
			continue
		}
		switch q.expect {
		case dateAnswer:
			if isYear(w) || dateWords[lower] {
				return true
			}
		case numberAnswer:
			if strings.ContainsFunc(w, unicode.IsNumber) || numberWords[lower] {
				return true
			}
		case nameAnswer:
			if i > 0 && unicode.IsUpper([]rune(w)[0]) {
				return true
			}
		}
	}
	return false
}

func isYear(w string) bool {
	digits := strings.TrimRight(w, "s")
	if len(digits) < 3 || len(digits) > 4 {
		return strings.HasSuffix(w, "th") && strings.ContainsFunc(w, unicode.IsNumber)
	}
	return strings.Trim(digits, "0123456789") == ""
}

var (
	dateWords = setOf(`january february march april may june july august september october november december
		monday tuesday wednesday thursday friday saturday sunday century decade today yesterday daily weekly`)
	numberWords = setOf(`one two three four five six seven eight nine ten eleven twelve dozen twenty thirty forty fifty
		sixty seventy eighty ninety hundred thousand million billion trillion half third quarter twice once double zero none`)
)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
