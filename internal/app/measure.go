package app

import (
	"context"

	"github.com/quarry-search/quarry/internal/eval"
	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
)

// Eval measures search and answers of this running process on labelled sets.
func (a *App) Eval(ctx context.Context, o eval.Options, progress func(message string)) (eval.Report, error) {
	return eval.Run(ctx, o, eval.Deps{
		Collections: a.catalog,
		Ingest:      a.service,
		Freshness:   a.freshness(),
		Search:      a.retriever,
		Answer:      a.answerer,
		Principal:   a.principal,
		Fingerprint: a.embedder.Fingerprint(),
		Progress:    progress,
	})
}

func (a *App) freshness() ingest.Freshness {
	return ingest.Freshness{Log: a.catalog, Embedder: a.follower, Indexer: a.indexer}
}

// Embed computes vectors for texts as ingestion does, for measuring the
// encoder alone.
func (a *App) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	return a.embedder.Embed(ctx, rag.EmbedBackground, texts)
}

// Search runs a query as the local principal, without HTTP between.
func (a *App) Search(ctx context.Context, q rag.Query) (rag.SearchResult, error) {
	return a.retriever.Search(ctx, a.principal, q)
}

// Put brings one document in as the local principal. The collection is made
// when it is not there.
func (a *App) Put(ctx context.Context, in rag.Incoming) (rag.Outcome, error) {
	out, err := a.service.Put(ctx, a.principal, in)
	if rag.CodeOf(err) != rag.CodeNotFound {
		return out, err
	}
	if err := a.ensureCollection(ctx, in.Collection); err != nil {
		return out, err
	}
	return a.service.Put(ctx, a.principal, in)
}

// WaitVectors returns when everything stored by now can be found by meaning.
func (a *App) WaitVectors(ctx context.Context) error {
	head, err := a.catalog.Head(ctx)
	if err != nil {
		return err
	}
	return a.freshness().WaitVectors(ctx, head)
}

// ChunkTexts returns what is embedded for up to n chunks of a collection.
func (a *App) ChunkTexts(ctx context.Context, collection string, n int) ([]string, error) {
	scope := system("the encoder is measured on stored chunks")
	list := rag.DocumentList{Collection: collection, Limit: 500}
	var texts []string
	for {
		docs, err := a.catalog.ListDocuments(ctx, scope, list)
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			chunks, err := a.catalog.DocumentChunks(ctx, scope, d.ID, d.Version.Number)
			if err != nil {
				return nil, err
			}
			for _, ch := range chunks {
				if len(texts) == n {
					return texts, nil
				}
				texts = append(texts, ch.EmbedText())
			}
		}
		if len(docs) < list.Limit {
			return texts, nil
		}
		list.After = docs[len(docs)-1].ID
	}
}
