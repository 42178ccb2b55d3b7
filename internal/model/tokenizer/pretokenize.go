package tokenizer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// preTokenizer cuts a text into the pieces that the model sees one by one.
// first says whether the text stands at the beginning of the input. It calls
// emit for each piece, in order.
type preTokenizer func(text string, first bool, emit func(string))

// newPreTokenizer builds the pre-tokenizer of tokenizer.json; nil for none.
// byteLevel reports whether pieces must be mapped to GPT-2's byte alphabet.
func newPreTokenizer(raw json.RawMessage) (pre preTokenizer, byteLevel bool, err error) {
	p, ok, err := readPart(raw)
	if err != nil || !ok {
		return nil, false, err
	}
	switch p.Type {
	case "Sequence":
		return preTokenizerSequence(p.PreTokenizers)
	case "BertPreTokenizer":
		return bertSplit, false, nil
	case "Whitespace":
		return whitespace, false, nil
	case "WhitespaceSplit":
		return whitespaceSplit, false, nil
	case "Punctuation":
		pre, err := splitBy(p.Behavior, "Isolated", singles(isPunctuation))
		return pre, false, err
	case "Digits":
		find := runsOf(unicode.IsNumber)
		if p.IndividualDigits {
			find = singles(unicode.IsNumber)
		}
		pre, err := splitBy("Isolated", "", find)
		return pre, false, err
	case "Metaspace":
		return metaspace(p), false, nil
	case "ByteLevel":
		return byteLevelSplit(orTrue(p.AddPrefixSpace), orTrue(p.UseRegex)), true, nil
	case "Split":
		pre, err := patternSplit(p)
		return pre, false, err
	}
	return nil, false, unsupported("pre_tokenizer", p.Type)
}

func preTokenizerSequence(raws []json.RawMessage) (preTokenizer, bool, error) {
	var steps []preTokenizer
	byteLevel := false
	for _, raw := range raws {
		step, isBytes, err := newPreTokenizer(raw)
		if err != nil {
			return nil, false, err
		}
		if step != nil {
			steps = append(steps, step)
		}
		byteLevel = byteLevel || isBytes
	}
	return func(text string, first bool, emit func(string)) { runSteps(steps, text, first, emit) }, byteLevel, nil
}

func runSteps(steps []preTokenizer, text string, first bool, emit func(string)) {
	if len(steps) == 0 {
		emit(text)
		return
	}
	steps[0](text, first, func(piece string) {
		runSteps(steps[1:], piece, first, emit)
		first = false
	})
}

// bertSplit cuts at white space and sets every punctuation character apart.
func bertSplit(text string, _ bool, emit func(string)) {
	start := -1
	for i, r := range text {
		space := unicode.IsSpace(r)
		if !space && !isPunctuation(r) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			emit(text[start:i])
			start = -1
		}
		if !space {
			emit(text[i : i+utf8.RuneLen(r)])
		}
	}
	if start >= 0 {
		emit(text[start:])
	}
}

func whitespaceSplit(text string, _ bool, emit func(string)) {
	for piece := range strings.FieldsFuncSeq(text, unicode.IsSpace) {
		emit(piece)
	}
}

// whitespace is the pattern \w+|[^\w\s]+.
func whitespace(text string, _ bool, emit func(string)) {
	const (
		gap = iota
		word
		other
	)
	start, class := 0, gap
	for i, r := range text {
		c := other
		switch {
		case unicode.IsSpace(r):
			c = gap
		case isWord(r):
			c = word
		}
		if c == class {
			continue
		}
		if class != gap {
			emit(text[start:i])
		}
		start, class = i, c
	}
	if class != gap {
		emit(text[start:])
	}
}

// isWord is \w of Unicode regular expressions (UTS 18).
func isWord(r rune) bool {
	if r < 0x80 {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}

// metaspace writes spaces as "▁" (or another mark), puts one in front, and
// cuts before each.
func metaspace(p part) preTokenizer {
	mark := p.Replacement
	scheme := p.PrependScheme
	if scheme == "" {
		scheme = "always"
		if p.AddPrefixSpace != nil && !*p.AddPrefixSpace {
			scheme = "never"
		}
	}
	split := orTrue(p.Split)
	return func(text string, first bool, emit func(string)) {
		text = strings.ReplaceAll(text, " ", mark)
		if (scheme == "always" || scheme == "first" && first) && !strings.HasPrefix(text, mark) {
			text = mark + text
		}
		if !split {
			emit(text)
			return
		}
		for len(text) > 0 {
			next := strings.Index(text[1:], mark)
			if next < 0 {
				emit(text)
				return
			}
			emit(text[:next+1])
			text = text[next+1:]
		}
	}
}

// patternSplit cuts at a literal or at a regular expression.
func patternSplit(p part) (preTokenizer, error) {
	switch {
	case p.Pattern == nil:
		return nil, fmt.Errorf("tokenizer.json: Split without a pattern")
	case p.Pattern.String != nil:
		re := regexp.MustCompile(regexp.QuoteMeta(*p.Pattern.String))
		return splitMatches(p, re)
	case *p.Pattern.Regex == gpt2Pattern:
		return invertible(p, gpt2Words)
	}
	re, err := regexp.Compile(*p.Pattern.Regex)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: Split pattern %q is not supported", *p.Pattern.Regex)
	}
	return splitMatches(p, re)
}

func splitMatches(p part, re *regexp.Regexp) (preTokenizer, error) {
	find := func(text string, match func(start, end int)) {
		for _, m := range re.FindAllStringIndex(text, -1) {
			match(m[0], m[1])
		}
	}
	return invertible(p, find)
}

// invertible applies Split's invert: what lies between matches is the match.
func invertible(p part, find finder) (preTokenizer, error) {
	if p.Invert {
		inner := find
		find = func(text string, match func(start, end int)) {
			last := 0
			inner(text, func(start, end int) {
				if start > last {
					match(last, start)
				}
				last = end
			})
			if last < len(text) {
				match(last, len(text))
			}
		}
	}
	return splitBy(p.Behavior, "", find)
}

// finder calls match for each non-overlapping match in text, in order.
type finder func(text string, match func(start, end int))

func singles(is func(rune) bool) finder {
	return func(text string, match func(start, end int)) {
		for i, r := range text {
			if is(r) {
				match(i, i+runeLen(text[i:], r))
			}
		}
	}
}

func runsOf(is func(rune) bool) finder {
	return func(text string, match func(start, end int)) {
		start := -1
		for i, r := range text {
			if in := is(r); in && start < 0 {
				start = i
			} else if !in && start >= 0 {
				match(start, i)
				start = -1
			}
		}
		if start >= 0 {
			match(start, len(text))
		}
	}
}

// splitBy turns matches into pieces by the behaviour's rule.
func splitBy(behavior, def string, find finder) (preTokenizer, error) {
	if behavior == "" {
		behavior = def
	}
	switch behavior {
	case "Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous":
	default:
		return nil, fmt.Errorf("tokenizer.json: split behavior %q is not supported", behavior)
	}
	return func(text string, _ bool, emit func(string)) {
		last := 0 // where the piece that is being gathered starts
		run := -1 // where a contiguous run of matches ends
		cut := func(to int) {
			if to > last {
				emit(text[last:to])
			}
			last = to
		}
		find(text, func(start, end int) {
			switch behavior {
			case "Isolated":
				cut(start)
				cut(end)
			case "Removed":
				cut(start)
				last = end
			case "MergedWithPrevious":
				cut(end)
			case "MergedWithNext":
				cut(start)
			case "Contiguous":
				if start != run {
					cut(max(run, last))
					cut(start)
				}
				run = end
			}
		})
		cut(max(run, last))
		cut(len(text))
	}, nil
}

func runeLen(s string, r rune) int {
	if r == utf8.RuneError {
		_, n := utf8.DecodeRuneInString(s)
		return n
	}
	return utf8.RuneLen(r)
}
