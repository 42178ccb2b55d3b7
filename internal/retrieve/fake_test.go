package retrieve

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// world is an index, a catalog and a model over a few chunks in memory, which
// a test can make lag, fail and forget.
type world struct {
	collections []rag.Collection
	stored      []rag.StoredChunk
	unindexed   map[string]bool // collections that the index does not know
	unread      map[string]bool // documents that the catalog no longer shows
	noVector    map[string]bool // documents without vectors yet
	applied     uint64
	fields      []string // attributes the index knows; nil: all

	mu       sync.Mutex
	asked    []rag.LegQuery
	embedded []string
	embedErr error
}

const (
	fakeFingerprint = "fake-1"
	fakeDim         = 512
)

func (w *world) add(collection, uri, text string, access ...string) rag.ChunkKey {
	if !slices.ContainsFunc(w.collections, func(c rag.Collection) bool { return c.Name == collection }) {
		w.collections = append(w.collections, rag.Collection{Name: collection, Fingerprint: fakeFingerprint})
	}
	if access == nil {
		access = []string{rag.Everyone}
	}
	d := rag.Document{ID: rag.DocumentID(collection, uri), Collection: collection, URI: uri, Access: access, Version: rag.Version{Number: 1}}
	key := rag.ChunkKey{DocumentID: d.ID, Version: 1}
	w.stored = append(w.stored, rag.StoredChunk{Document: d, Chunk: rag.Chunk{
		Key: key, TextHash: rag.TextHash("", text), Text: text, Span: rag.Span{ByteEnd: len(text), CharEnd: len([]rune(text))},
	}})
	return key
}

func (w *world) retriever(o Options) *Retriever {
	return New(Deps{Index: w, Catalog: w, Embedder: w, Freshness: w, Sentences: NewSentenceVectors(w, 1<<20)}, o)
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune(" .,?", r) })
}

// embed hashes words into fakeDim dimensions.
func embed(text string) []float32 {
	v := make([]float32, fakeDim)
	for _, word := range words(text) {
		h := fnv.New32a()
		h.Write([]byte(word))
		v[h.Sum32()%fakeDim]++
	}
	var norm float64
	for _, x := range v {
		norm += float64(x * x)
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(norm) + 1e-9)
	}
	return v
}

func (w *world) Fingerprint() string { return fakeFingerprint }

func (w *world) Embed(ctx context.Context, _ rag.EmbedRole, texts []string) ([][]float32, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.embedErr != nil {
		return nil, w.embedErr
	}
	var vs [][]float32
	for _, t := range texts {
		w.embedded = append(w.embedded, t)
		vs = append(vs, embed(t))
	}
	return vs, ctx.Err()
}

func (w *world) Search(_ context.Context, s rag.Scope, q rag.LegQuery) (rag.Candidates, error) {
	w.mu.Lock()
	w.asked = append(w.asked, q)
	w.mu.Unlock()
	if w.unindexed[q.Collection] {
		return rag.Candidates{}, rag.NotFound("collection")
	}
	if q.Filter.Key != "" && w.fields != nil && !slices.Contains(w.fields, q.Collection+"/"+q.Filter.Key) {
		return rag.Candidates{}, &rag.Error{Code: rag.CodeUnknownField, Field: "/filter", Message: "unknown field"}
	}
	out := rag.Candidates{Seq: w.applied}
	for _, c := range w.stored {
		if c.Document.Collection != q.Collection || !s.Allows(c.Document.Access) {
			continue
		}
		if !q.Filter.Match(func(k string) (filter.Value, bool) { v, ok := c.Document.Fields()[k]; return v, ok }) {
			continue
		}
		cand := rag.Candidate{Collection: q.Collection, Key: c.Chunk.Key, TextHash: c.Chunk.TextHash}
		if q.Vector != nil && !w.noVector[c.Document.ID] {
			cand.Dense = rag.LegScore{Score: float32(dot(q.Vector, embed(c.Chunk.Text))), Known: true}
		}
		if q.Text != "" {
			cand.Lexical.Known = true
			for _, word := range words(q.Text) {
				cand.Lexical.Score += float32(strings.Count(strings.ToLower(c.Chunk.Text), word))
			}
		}
		out.Candidates = append(out.Candidates, cand)
	}
	rankLeg(out.Candidates, q.Limit, func(c *rag.Candidate) *rag.LegScore { return &c.Dense })
	rankLeg(out.Candidates, q.Limit, func(c *rag.Candidate) *rag.LegScore { return &c.Lexical })
	if q.Vector != nil {
		out.DensePath = "scan8"
	}
	return out, nil
}

func rankLeg(cs []rag.Candidate, limit int, leg func(*rag.Candidate) *rag.LegScore) {
	slices.SortStableFunc(cs, func(a, b rag.Candidate) int { return cmp.Compare(leg(&b).Score, leg(&a).Score) })
	for i := range cs {
		if s := leg(&cs[i]); s.Known && s.Score > 0 && i < limit {
			s.Rank = i + 1
		}
	}
}

func (w *world) Head(context.Context) (uint64, error) { return w.applied, nil }

func (w *world) SeqAt(_ context.Context, at time.Time) (uint64, error) { return uint64(at.Unix()), nil }

func (w *world) Collection(_ context.Context, s rag.Scope, name string) (rag.Collection, error) {
	for _, c := range w.collections {
		if c.Name == name && !s.Empty() {
			return c, nil
		}
	}
	return rag.Collection{}, rag.NotFound("collection " + name)
}

func (w *world) ListCollections(_ context.Context, s rag.Scope) ([]rag.Collection, error) {
	if s.Empty() {
		return nil, nil
	}
	return w.collections, nil
}

func (w *world) Chunks(_ context.Context, s rag.Scope, keys []rag.ChunkKey) ([]rag.StoredChunk, error) {
	out := make([]rag.StoredChunk, len(keys))
	for i, key := range keys {
		for _, c := range w.stored {
			if c.Chunk.Key == key && s.Allows(c.Document.Access) && !w.unread[c.Document.ID] {
				out[i] = c
			}
		}
	}
	return out, nil
}

func (w *world) WaitApplied(ctx context.Context, seq uint64) error {
	if w.applied >= seq {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (w *world) WaitVectors(ctx context.Context, seq uint64) error {
	if len(w.noVector) > 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	return w.WaitApplied(ctx, seq)
}

var errModel = errors.New("model is down")

var reader = rag.Principal{Subject: "ana", Roles: []rag.Role{rag.RoleReader}}
