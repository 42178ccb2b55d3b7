package tokenizer

import (
	"encoding/json"
	"fmt"
)

// spec is the part of Hugging Face's tokenizer.json that decides the tokens.
type spec struct {
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Model         json.RawMessage `json:"model"`
}

type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// part is any node of the file: a tagged union by "type".
type part struct {
	Type string `json:"type"`

	Normalizers   []json.RawMessage `json:"normalizers"`
	PreTokenizers []json.RawMessage `json:"pretokenizers"`
	Processors    []json.RawMessage `json:"processors"`

	CleanText          *bool `json:"clean_text"`
	HandleChineseChars *bool `json:"handle_chinese_chars"`
	StripAccents       *bool `json:"strip_accents"`
	Lowercase          *bool `json:"lowercase"`

	Charsmap   string   `json:"precompiled_charsmap"`
	Pattern    *pattern `json:"pattern"`
	Content    string   `json:"content"`
	Prepend    string   `json:"prepend"`
	StripLeft  *bool    `json:"strip_left"`
	StripRight *bool    `json:"strip_right"`

	AddPrefixSpace   *bool  `json:"add_prefix_space"`
	UseRegex         *bool  `json:"use_regex"`
	Replacement      string `json:"replacement"`
	PrependScheme    string `json:"prepend_scheme"`
	Split            *bool  `json:"split"`
	Behavior         string `json:"behavior"`
	Invert           bool   `json:"invert"`
	IndividualDigits bool   `json:"individual_digits"`

	Sep           json.RawMessage         `json:"sep"`
	CLS           json.RawMessage         `json:"cls"`
	Single        []templatePiece         `json:"single"`
	Pair          []templatePiece         `json:"pair"`
	SpecialTokens map[string]specialToken `json:"special_tokens"`
}

type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

type templatePiece struct {
	SpecialToken *struct {
		ID     string `json:"id"`
		TypeID int32  `json:"type_id"`
	} `json:"SpecialToken"`
	Sequence *struct {
		ID     string `json:"id"`
		TypeID int32  `json:"type_id"`
	} `json:"Sequence"`
}

type specialToken struct {
	IDs []int32 `json:"ids"`
}

// readPart decodes one node; ok is false for null and for an absent one.
func readPart(raw json.RawMessage) (p part, ok bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return part{}, false, nil
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return part{}, false, fmt.Errorf("tokenizer.json: %w", err)
	}
	return p, true, nil
}

// orTrue gives an option its default.
func orTrue(b *bool) bool { return b == nil || *b }

// unsupported names a part of tokenizer.json that this package cannot do.
func unsupported(role, kind string) error {
	return fmt.Errorf("tokenizer.json: %s of type %q is not supported", role, kind)
}
