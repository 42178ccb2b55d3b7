package clause

import (
	"fmt"
	"strings"
)

// Kind is what a clause looks for.
type Kind uint8

// The kinds.
const (
	Words  Kind = iota // any of the words of Text
	Phrase             // the words of Text side by side, in order, in one field
	Prefix             // words that begin with Text
	Fuzzy              // words at most Edits edits from Text
)

// Occur says what a clause asks of a match.
type Occur uint8

// The occurrences. A phrase is required unless it is excluded.
const (
	Should  Occur = iota // it counts for the score
	Must                 // it must hold, and counts for the score
	MustNot              // it must not hold
)

// Clause is one part of a query, without its operators.
type Clause struct {
	Kind  Kind
	Occur Occur
	Text  string
	Edits int // of Fuzzy: 1 or 2
}

// Limits of a query.
const (
	MaxBytes   = 64 << 10 // of its text
	MaxClauses = 64       // that an operator made
)

// Error says what is wrong with a query, in words for who wrote it.
type Error struct{ Message string }

func (e *Error) Error() string { return "query: " + e.Message }

// Query is a parsed query. A text without operators is one Words clause.
type Query struct{ Clauses []Clause }

// Constrained reports whether a clause is required or excluded: whether some
// rows that hold its words are no match.
func (q Query) Constrained() bool {
	for _, c := range q.Clauses {
		if c.Occur != Should {
			return true
		}
	}
	return false
}

// Parse reads a query. Errors are of type *Error: the text is longer than
// MaxBytes, it has more than MaxClauses clauses with operators, or all of them
// exclude.
func Parse(text string) (Query, error) {
	if len(text) > MaxBytes {
		return Query{}, &Error{fmt.Sprintf("it has %d bytes; at most %d are allowed", len(text), MaxBytes)}
	}
	s := scanner{text: text}
	s.scan()
	operators, excluded := 0, 0
	for _, c := range s.clauses {
		if c != (Clause{Text: c.Text}) {
			operators++
		}
		if c.Occur == MustNot {
			excluded++
		}
	}
	switch {
	case operators > MaxClauses:
		return Query{}, &Error{fmt.Sprintf("it has %d phrases, signs, prefixes and fuzzy words; at most %d are allowed", operators, MaxClauses)}
	case excluded > 0 && excluded == len(s.clauses):
		return Query{}, &Error{"it only excludes; add what to look for, or put a word that begins with a hyphen in quotes"}
	}
	return Query{s.clauses}, nil
}

// Plain returns the words that a query looks for, without operators and
// without what it excludes: what a model reads. A text that uses no operator,
// or that Parse refuses, is returned as it is.
func Plain(text string) string {
	q, err := Parse(text)
	if err != nil || len(q.Clauses) == 0 || len(q.Clauses) == 1 && q.Clauses[0] == (Clause{Text: q.Clauses[0].Text}) {
		return text
	}
	var words []string
	for _, c := range q.Clauses {
		if c.Occur != MustNot {
			words = append(words, c.Text)
		}
	}
	return strings.Join(words, " ")
}
