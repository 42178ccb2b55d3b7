// Package clause is the query language: it splits the text of a query into
// clauses (words, phrases, prefixes, fuzzy words; required and excluded ones)
// and says which characters are operators. docs/api.md states the rules for
// users. It knows nothing of languages, terms or indexes.
package clause
