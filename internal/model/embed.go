package model

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// Role tells the prompt and the priority of texts.
type Role uint8

// The roles: a query and passages that a user waits for, and passages of
// background work.
const (
	Query Role = iota
	Passage
	Background
)

const (
	passTokens  = 512  // tokens of one pass, if a sequence alone is not longer
	windowTexts = 1024 // texts that are tokenised ahead
)

// Embed returns a unit vector for each text. Texts longer than MaxTokens are
// cut. Texts are taken a window at a time, so that memory does not grow with
// their number beyond the result.
func (m *Model) Embed(ctx context.Context, role Role, texts []string) ([][]float32, error) {
	if m.head != nil {
		return nil, fmt.Errorf("embed: %s is a reranker, not an encoder", m.spec.Name)
	}
	return m.run(ctx, role, len(texts), func(i int) sequence { return sequence{ids: m.encode(role, texts[i])} })
}

// Score returns, for each passage, the score of each label of a
// cross-encoder: with one label, its relevance to the query, higher is
// better. Pairs longer than MaxTokens are cut at the longer text.
func (m *Model) Score(ctx context.Context, query string, passages []string) ([][]float32, error) {
	if m.head == nil {
		return nil, fmt.Errorf("score: %s is an encoder, not a reranker", m.spec.Name)
	}
	return m.run(ctx, Query, len(passages), func(i int) sequence {
		ids, second := m.tok.EncodePair(query, passages[i], m.spec.MaxTokens)
		return sequence{ids: ids, second: second}
	})
}

// run takes n inputs through the network, a window at a time.
func (m *Model) run(ctx context.Context, role Role, n int, encode func(i int) sequence) ([][]float32, error) {
	out := make([][]float32, 0, n)
	for first := 0; first < n; first += windowTexts {
		var seqs []sequence
		for i := first; i < min(n, first+windowTexts); i++ {
			if i%64 == 0 && ctx.Err() != nil {
				return nil, fmt.Errorf("text %d: %w", i+1, ctx.Err())
			}
			seqs = append(seqs, encode(i))
		}
		if err := m.window(ctx, role, seqs, &out); err != nil {
			return nil, fmt.Errorf("text %d and following: %w", first+1, err)
		}
	}
	return out, nil
}

// window takes sequences through the network in passes spread over the cores.
func (m *Model) window(ctx context.Context, role Role, seqs []sequence, out *[][]float32) error {
	passes := split(seqs)
	results := make([][][]float32, len(passes))
	one := func(ctx context.Context, i int) (err error) {
		if role == Background {
			results[i], err = cores.background(ctx, m, passes[i])
		} else {
			results[i], err = cores.interactive(ctx, m, passes[i])
		}
		return err
	}
	if err := spread(ctx, len(passes), one); err != nil {
		return err
	}
	for _, r := range results {
		*out = append(*out, r...)
	}
	return nil
}

// spread calls f for 0 to n-1, as many at a time as there are cores.
func spread(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 {
		return f(ctx, 0)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cores.size())
	for i := range n {
		g.Go(func() error { return f(ctx, i) })
	}
	return g.Wait()
}

// split cuts sequences, in order, into passes.
func split(seqs []sequence) [][]sequence {
	var passes [][]sequence
	first, tokens := 0, 0
	for i, q := range seqs {
		if i > first && tokens+len(q.ids) > passTokens {
			passes = append(passes, seqs[first:i])
			first, tokens = i, 0
		}
		tokens += len(q.ids)
	}
	return append(passes, seqs[first:])
}

func (m *Model) encode(role Role, text string) []int32 {
	prompt := m.spec.PassagePrompt
	if role == Query {
		prompt = m.spec.QueryPrompt
	}
	if prompt != "" {
		text = prompt + text
	}
	return m.tok.Encode(text, m.spec.MaxTokens)
}

// CountTokens counts the tokens of text, without special tokens, prompt or
// limit.
func (m *Model) CountTokens(text string) int { return m.tok.CountTokens(text) }
