package tokenizer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites a text before it is split.
type normalizer func(string) string

// newNormalizer builds the normalizer of tokenizer.json; nil for none.
func newNormalizer(raw json.RawMessage) (normalizer, error) {
	p, ok, err := readPart(raw)
	if err != nil || !ok {
		return nil, err
	}
	switch p.Type {
	case "Sequence":
		return normalizerSequence(p.Normalizers)
	case "BertNormalizer":
		return bertNormalizer(p), nil
	case "NFC":
		return norm.NFC.String, nil
	case "NFD":
		return norm.NFD.String, nil
	case "NFKC":
		return norm.NFKC.String, nil
	case "NFKD":
		return norm.NFKD.String, nil
	case "Lowercase":
		return lowercase, nil
	case "StripAccents":
		return stripAllMarks, nil
	case "Nmt":
		return nmt, nil
	case "Strip":
		return stripper(orTrue(p.StripLeft), orTrue(p.StripRight)), nil
	case "Prepend":
		return func(s string) string {
			if s == "" {
				return s
			}
			return p.Prepend + s
		}, nil
	case "Replace":
		return replacer(p)
	case "Precompiled":
		m, err := newCharsmap(p.Charsmap)
		if err != nil {
			return nil, err
		}
		return m.normalize, nil
	}
	return nil, unsupported("normalizer", p.Type)
}

func normalizerSequence(raws []json.RawMessage) (normalizer, error) {
	var steps []normalizer
	for _, raw := range raws {
		n, err := newNormalizer(raw)
		if err != nil {
			return nil, err
		}
		if n != nil {
			steps = append(steps, n)
		}
	}
	return func(s string) string {
		for _, step := range steps {
			s = step(s)
		}
		return s
	}, nil
}

func replacer(p part) (normalizer, error) {
	switch {
	case p.Pattern == nil:
	case p.Pattern.String != nil:
		from := *p.Pattern.String
		return func(s string) string { return strings.ReplaceAll(s, from, p.Content) }, nil
	case p.Pattern.Regex != nil:
		re, err := regexp.Compile(*p.Pattern.Regex)
		if err != nil {
			return nil, fmt.Errorf("tokenizer.json: Replace pattern %q is not supported", *p.Pattern.Regex)
		}
		prefix, _ := re.LiteralPrefix()
		return func(s string) string {
			if !strings.Contains(s, prefix) {
				return s
			}
			return re.ReplaceAllLiteralString(s, p.Content)
		}, nil
	}
	return nil, fmt.Errorf("tokenizer.json: Replace without a pattern")
}

// bertNormalizer is BERT's basic cleaning: control characters dropped, white
// space made plain, CJK ideographs set apart, accents and case removed.
func bertNormalizer(p part) normalizer {
	lower := orTrue(p.Lowercase)
	accents := lower
	if p.StripAccents != nil {
		accents = *p.StripAccents
	}
	clean, apart := orTrue(p.CleanText), orTrue(p.HandleChineseChars)
	return func(s string) string {
		if clean || apart {
			s = bertClean(s, clean, apart)
		}
		if accents {
			s = stripMarks(decompose(s))
		}
		if lower {
			s = lowercase(s)
		}
		return s
	}
}

func bertClean(s string, clean, apart bool) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	for _, r := range s {
		switch {
		case clean && (r == 0 || r == unicode.ReplacementChar || isControl(r)):
		case clean && unicode.IsSpace(r):
			b.WriteByte(' ')
		case apart && unicode.Is(chinese, r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// lowercase maps every character by itself, as the reference does: U+0130
// becomes two characters, a final sigma stays σ.
func lowercase(s string) string {
	return strings.Map(lower, strings.ReplaceAll(s, "İ", "i\u0307"))
}

func stripMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if isMark(r) {
			return -1
		}
		return r
	}, s)
}

// stripAllMarks drops enclosing and spacing marks as well, as the reference's
// StripAccents does.
func stripAllMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 0x1cf2 || r == 0x1cf3 || unicode.Is(unicode.M, r) && !unicode.Is(marksLaterThan9, r) {
			return -1
		}
		return r
	}, s)
}

func stripper(left, right bool) normalizer {
	return func(s string) string {
		if left {
			s = strings.TrimLeftFunc(s, unicode.IsSpace)
		}
		if right {
			s = strings.TrimRightFunc(s, unicode.IsSpace)
		}
		return s
	}
}

// nmt drops control characters and makes separators plain spaces.
func nmt(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 1 && r <= 8, r == 11, r >= 14 && r <= 31, r == 127, r == 0x8f, r == 0x9f:
			return -1
		case r == 9, r == 10, r == 12, r == 13, r == 0x1680, r >= 0x200b && r <= 0x200f,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
			return ' '
		}
		return r
	}, s)
}
