package tokenizer

import (
	"encoding/json"
	"fmt"
)

// newTemplate reads where special tokens stand around one segment and around
// two.
func newTemplate(raw json.RawMessage, ids map[string]int32) (single, pair []templateStep, err error) {
	single = []templateStep{{segment: 1}}
	pair = []templateStep{{segment: 1}, {segment: 2, typeID: 1}}
	p, ok, err := readPart(raw)
	if err != nil || !ok {
		return single, pair, err
	}
	switch p.Type {
	case "ByteLevel":
		return single, pair, nil
	case "Sequence":
		for _, inner := range p.Processors {
			q, ok, err := readPart(inner)
			if err != nil {
				return nil, nil, err
			}
			if ok && q.Type != "ByteLevel" {
				return newTemplate(inner, ids)
			}
		}
		return single, pair, nil
	case "TemplateProcessing":
		if single, err = templateSteps(p.Single, p.SpecialTokens, ids); err != nil {
			return nil, nil, err
		}
		pair, err = templateSteps(p.Pair, p.SpecialTokens, ids)
		return single, pair, err
	case "BertProcessing", "RobertaProcessing":
		cls, err1 := namedToken(p.CLS)
		sep, err2 := namedToken(p.Sep)
		if err1 != nil || err2 != nil {
			return nil, nil, fmt.Errorf("tokenizer.json: %s needs cls and sep as [token, id]", p.Type)
		}
		start, end := templateStep{ids: []int32{cls}}, templateStep{ids: []int32{sep}}
		single = []templateStep{start, {segment: 1}, end}
		if p.Type == "RobertaProcessing" {
			return single, []templateStep{start, {segment: 1}, end, end, {segment: 2}, end}, nil
		}
		return single, []templateStep{start, {segment: 1}, end, {segment: 2, typeID: 1}, {ids: []int32{sep}, typeID: 1}}, nil
	}
	return nil, nil, unsupported("post_processor", p.Type)
}

func templateSteps(pieces []templatePiece, specials map[string]specialToken, ids map[string]int32) ([]templateStep, error) {
	var steps []templateStep
	for _, piece := range pieces {
		switch {
		case piece.Sequence != nil && piece.Sequence.ID == "A":
			steps = append(steps, templateStep{segment: 1, typeID: piece.Sequence.TypeID})
		case piece.Sequence != nil && piece.Sequence.ID == "B":
			steps = append(steps, templateStep{segment: 2, typeID: piece.Sequence.TypeID})
		case piece.SpecialToken != nil:
			step := templateStep{ids: specials[piece.SpecialToken.ID].IDs, typeID: piece.SpecialToken.TypeID}
			if len(step.ids) == 0 {
				id, ok := ids[piece.SpecialToken.ID]
				if !ok {
					return nil, fmt.Errorf("tokenizer.json: the template names the unknown token %q", piece.SpecialToken.ID)
				}
				step.ids = []int32{id}
			}
			steps = append(steps, step)
		default:
			return nil, fmt.Errorf("tokenizer.json: the template has a piece that is neither a token nor a segment")
		}
	}
	return steps, nil
}

// namedToken reads ["[CLS]", 101].
func namedToken(raw json.RawMessage) (int32, error) {
	var pair [2]json.RawMessage
	var id int32
	if err := json.Unmarshal(raw, &pair); err != nil {
		return 0, err
	}
	err := json.Unmarshal(pair[1], &id)
	return id, err
}
