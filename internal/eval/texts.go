package eval

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/quarry-search/quarry/internal/chunk"
)

// Texts cuts the corpora of all sets in the folder root into sentences and
// paragraphs of 20 to 1,000 bytes, each text once, and draws so many at random:
// sentences, and paragraphs where these are not enough. Queries come from each
// set in turn. The draw is the same every time.
func Texts(root string, wanted, queries int) (texts, asked []string, err error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, nil, err
	}
	cut := textCutter{seen: map[string]bool{}}
	var turns [][]string
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		if _, err := os.Stat(filepath.Join(dir, "corpus.jsonl")); err != nil {
			continue
		}
		if _, err := eachEntry(filepath.Join(dir, "corpus.jsonl"), cut.add); err != nil {
			return nil, nil, err
		}
		found, _, err := ReadEntries(filepath.Join(dir, "queries.jsonl"))
		if err != nil {
			return nil, nil, err
		}
		var list []string
		for _, q := range found {
			list = append(list, q.Text)
		}
		turns = append(turns, list)
	}
	r := rand.New(rand.NewPCG(7, 7))
	texts = draw(r, cut.sentences, wanted)
	texts = append(texts, draw(r, cut.paragraphs, wanted-len(texts))...)
	return draw(r, texts, len(texts)), inTurn(r, turns, queries), nil
}

type textCutter struct {
	seen                  map[string]bool
	sentences, paragraphs []string
}

func (c *textCutter) add(e Entry) error {
	for paragraph := range strings.SplitSeq(e.Text, "\n\n") {
		c.keep(&c.paragraphs, paragraph)
		for _, s := range chunk.Sentences(paragraph) {
			c.keep(&c.sentences, paragraph[s[0]:s[1]])
		}
	}
	return nil
}

func (c *textCutter) keep(list *[]string, text string) {
	text = strings.TrimSpace(text)
	if len(text) < 20 || len(text) > 1000 || c.seen[text] {
		return
	}
	c.seen[text] = true
	*list = append(*list, text)
}

func draw(r *rand.Rand, list []string, n int) []string {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(n, len(list))]
}

// inTurn takes n texts, one of each list after the other.
func inTurn(r *rand.Rand, lists [][]string, n int) (out []string) {
	longest := 0
	for i := range lists {
		lists[i] = draw(r, lists[i], len(lists[i]))
		longest = max(longest, len(lists[i]))
	}
	for i := range longest {
		for _, list := range lists {
			if i < len(list) && len(out) < n {
				out = append(out, list[i])
			}
		}
	}
	return out
}
