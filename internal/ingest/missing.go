package ingest

import (
	"context"
	"fmt"

	"github.com/quarry-search/quarry/internal/rag"
)

// reader reads the log for the embedder.
type reader struct {
	*Embedder
	after uint64
	// sent holds the hashes that were handed on last: they may not be stored
	// yet, and must not be embedded twice meanwhile.
	sent [2]map[rag.Hash]bool
}

// page is a piece of the log as it is read.
type page struct {
	texts     []text // missing, in the order of their entries
	fresh     map[rag.Hash]bool
	reused    int
	published bool // it holds more than the embedder's own entries
	seq       uint64
}

// next returns the batches of the following piece of the log, enough for at
// least one full batch if the log has that much. It blocks at the head.
func (r *reader) next(ctx context.Context) ([]*batch, error) {
	p := &page{seq: r.after, fresh: map[rag.Hash]bool{}}
	for len(p.texts) < embedBatch {
		changes, err := r.log.Changes(ctx, p.seq, changePage)
		if err != nil {
			return nil, fmt.Errorf("read changes after %d: %w", p.seq, err)
		}
		if len(changes) == 0 && p.seq > r.after {
			break
		}
		if len(changes) == 0 {
			if _, err := r.log.WaitHead(ctx, p.seq); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.collect(ctx, p, changes); err != nil {
			return nil, err
		}
		p.seq = changes[len(changes)-1].Seq
	}
	r.after = p.seq
	r.sent[0], r.sent[1] = p.fresh, r.sent[0]
	return p.batches(), nil
}

// batches cuts a page. Each batch moves the cursor up to the entry before the
// next batch's first text, so that readers who wait for one early document
// need not wait for the page.
func (p *page) batches() []*batch {
	var out []*batch
	for rest := p.texts; len(rest) > embedBatch; rest = rest[embedBatch:] {
		out = append(out, &batch{texts: rest[:embedBatch], seq: rest[embedBatch].seq - 1})
	}
	last := &batch{texts: p.texts[len(out)*embedBatch:], reused: p.reused, durable: p.published, seq: p.seq}
	return append(out, last)
}

// collect adds the missing texts of some entries to the page.
func (r *reader) collect(ctx context.Context, p *page, changes []rag.Change) error {
	var hashes []rag.Hash
	texts := map[rag.Hash]text{}
	for _, c := range changes {
		if c.Kind != rag.ChangeVectors {
			p.published = true
		}
		if c.Kind != rag.ChangePublished || c.Superseded || rag.GivenFingerprint(c.Fingerprint) {
			continue
		}
		for _, ch := range c.Chunks {
			if _, seen := texts[ch.TextHash]; seen || r.inWork(ch.TextHash, p) {
				p.reused++
				continue
			}
			texts[ch.TextHash] = text{ch.TextHash, ch.EmbedText(), c.Seq}
			hashes = append(hashes, ch.TextHash)
		}
	}
	if len(hashes) == 0 {
		return nil
	}
	missing, err := r.embeddings.Missing(ctx, r.model.Fingerprint(), hashes)
	if err != nil {
		return fmt.Errorf("look for missing vectors: %w", err)
	}
	for _, h := range missing {
		p.fresh[h] = true
	}
	for _, h := range hashes {
		if p.fresh[h] {
			p.texts = append(p.texts, texts[h])
		} else {
			p.reused++
		}
	}
	return nil
}

// inWork reports whether a hash is in this page or one on its way.
func (r *reader) inWork(h rag.Hash, p *page) bool {
	return p.fresh[h] || r.sent[0][h] || r.sent[1][h]
}
