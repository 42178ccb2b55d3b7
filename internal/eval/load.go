package eval

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Entry is one line of a corpus or of a list of questions.
type Entry struct {
	ID       string         `json:"_id"`
	Title    string         `json:"title"`
	Text     string         `json:"text"`
	Metadata map[string]any `json:"metadata"`
}

// Set is a labelled set without its corpus, which is streamed (EachDocument).
type Set struct {
	Name      string
	Dir       string
	Questions []Entry                   // with at least one judgement
	Judged    map[string]map[string]int // question id → document id → grade
	Malformed []Malformed
}

// Malformed is a line that was left out.
type Malformed struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

func (m Malformed) String() string { return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Reason) }

// maxLine bounds a line of a set: longer ones are damage, not documents.
const maxLine = 64 << 20

// Load reads questions and judgements of the set in dir. Lines that cannot be
// used are listed in Malformed with their number; a file that cannot be read
// is an error.
func Load(dir string) (Set, error) {
	s := Set{Name: filepath.Base(filepath.Clean(dir)), Dir: dir, Judged: map[string]map[string]int{}}
	if err := s.loadJudgements(filepath.Join(dir, "qrels.tsv")); err != nil {
		return s, err
	}
	all, bad, err := ReadEntries(filepath.Join(dir, "queries.jsonl"))
	if err != nil {
		return s, err
	}
	s.Malformed = append(s.Malformed, bad...)
	for _, q := range all {
		if len(s.Judged[q.ID]) > 0 {
			s.Questions = append(s.Questions, q)
		}
	}
	return s, nil
}

// ReadEntries reads a whole .jsonl file.
func ReadEntries(path string) (entries []Entry, bad []Malformed, err error) {
	bad, err = eachEntry(path, func(e Entry) error {
		entries = append(entries, e)
		return nil
	})
	return entries, bad, err
}

// EachDocument calls f for each entry of the corpus. An error of f ends it.
func (s *Set) EachDocument(f func(Entry) error) error {
	bad, err := eachEntry(filepath.Join(s.Dir, "corpus.jsonl"), f)
	s.Malformed = append(s.Malformed, bad...)
	return err
}

func eachEntry(path string, f func(Entry) error) (bad []Malformed, err error) {
	seen := map[string]bool{}
	err = eachLine(path, func(n int, line string) error {
		var e Entry
		reason := ""
		switch err := json.Unmarshal([]byte(line), &e); {
		case err != nil:
			reason = "not a JSON object with _id, title, text and metadata"
		case e.ID == "":
			reason = "no _id"
		case seen[e.ID]:
			reason = "_id " + strconv.Quote(e.ID) + " stands on an earlier line"
		}
		if reason != "" {
			bad = append(bad, Malformed{filepath.Base(path), n, reason})
			return nil
		}
		seen[e.ID] = true
		return f(e)
	})
	return bad, err
}

func (s *Set) loadJudgements(path string) error {
	return eachLine(path, func(n int, line string) error {
		fields := strings.Split(line, "\t")
		if n == 1 && len(fields) == 3 && fields[2] == "score" {
			return nil
		}
		reason := ""
		var grade int
		var err error
		if len(fields) != 3 {
			reason = fmt.Sprintf("%d fields instead of 3, divided by tabs", len(fields))
		} else if grade, err = strconv.Atoi(fields[2]); err != nil {
			reason = "the score is not a whole number"
		}
		if reason != "" {
			s.Malformed = append(s.Malformed, Malformed{filepath.Base(path), n, reason})
			return nil
		}
		if grade <= 0 {
			return nil
		}
		if s.Judged[fields[0]] == nil {
			s.Judged[fields[0]] = map[string]int{}
		}
		s.Judged[fields[0]][fields[1]] = grade
		return nil
	})
}

// eachLine calls f for each line that is not blank, numbered from 1.
func eachLine(path string, f func(n int, line string) error) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read set: %s is missing: a set is a folder with corpus.jsonl, queries.jsonl and qrels.tsv", path)
	}
	if err != nil {
		return fmt.Errorf("read set: %w", err)
	}
	defer file.Close()
	return scanLines(file, filepath.Base(path), f)
}

func scanLines(r io.Reader, name string, f func(n int, line string) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		if err := f(n, lines.Text()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s after line %d: %w", name, n, err)
	}
	return nil
}

// sample takes n entries spread evenly over all; n 0 or beyond takes all.
func sample(entries []Entry, n int) []Entry {
	if n <= 0 || n >= len(entries) {
		return entries
	}
	out := make([]Entry, 0, n)
	for i := range n {
		out = append(out, entries[i*len(entries)/n])
	}
	return slices.Clip(out)
}
