package parse

import (
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// plain parses text without markup: its paragraphs stand between blank lines.
func plain(_ probe, s string) rag.Parsed {
	return rag.Parsed{Kind: rag.KindText, Blocks: paragraphs(nil, s, 0, len(s))}
}

// paragraphs appends a block for each stretch of lines that are not blank.
func paragraphs(blocks []rag.Block, s string, from, to int) []rag.Block {
	start, stop := -1, 0
	for at := from; at < to; {
		end := min(lineEnd(s, at), to)
		if strings.TrimSpace(s[at:end]) == "" {
			if start >= 0 {
				blocks = append(blocks, rag.Block{Start: start, End: stop})
			}
			start = -1
		} else {
			if start < 0 {
				start = at
			}
			stop = end
		}
		at = end + 1
	}
	if start >= 0 {
		blocks = append(blocks, rag.Block{Start: start, End: stop})
	}
	return blocks
}

func lineEnd(s string, at int) int {
	if i := strings.IndexByte(s[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(s)
}

func lineStart(s string, at int) int {
	return strings.LastIndexByte(s[:at], '\n') + 1
}

// whole is one block of all that is not white space, from the start of its
// first line.
func whole(s string, kind rag.BlockKind) []rag.Block {
	end := len(strings.TrimRight(s, " \t\n"))
	start := len(s) - len(strings.TrimLeft(s, " \t\n"))
	if start >= end {
		return nil
	}
	return []rag.Block{{Kind: kind, Start: lineStart(s, start), End: end}}
}

// table parses rows of separated values as they stand.
func table(_ probe, s string) rag.Parsed {
	return rag.Parsed{Kind: rag.KindTable, Blocks: whole(s, rag.BlockTable)}
}

// data parses JSON, YAML, TOML and XML as they stand.
func data(_ probe, s string) rag.Parsed {
	return rag.Parsed{Kind: rag.KindData, Blocks: whole(s, rag.BlockCode)}
}
