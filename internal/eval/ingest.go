package eval

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// putsAtATime keeps the ingestion's own workers busy.
const putsAtATime = 8

// CorpusReport balances a corpus: Entries = the sum of the results.
type CorpusReport struct {
	Entries   int            `json:"entries"`
	Indexed   int            `json:"indexed"`
	Unchanged int            `json:"unchanged"`
	Refused   map[string]int `json:"refused"` // skipped or failed, by reason
}

// collectionName makes a collection's name of a set's.
func collectionName(set string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, "eval-"+strings.ToLower(set))
	return name[:min(len(name), 63)]
}

// ingest puts the corpus and waits until all of it can be found by meaning.
func (r *runner) ingest(ctx context.Context) (CorpusReport, error) {
	_, err := r.Collections.CreateCollection(ctx, rag.Collection{
		Name: r.collection, Description: "Evaluation set " + r.set.Name, Fingerprint: r.Fingerprint,
	})
	if err != nil && rag.CodeOf(err) != rag.CodeConflict {
		return CorpusReport{}, fmt.Errorf("create collection: %w", err)
	}
	report := CorpusReport{Refused: map[string]int{}}
	var seq uint64
	var mu sync.Mutex // guards report, seq and r.uris
	group, putting := errgroup.WithContext(ctx)
	group.SetLimit(putsAtATime)
	walkErr := r.set.EachDocument(func(e Entry) error {
		group.Go(func() error {
			out, err := r.Ingest.Put(putting, r.Principal, r.incoming(e))
			if err != nil {
				return fmt.Errorf("put document %q: %w", e.ID, err)
			}
			mu.Lock()
			defer mu.Unlock()
			seq = max(seq, out.Seq)
			r.uris[out.Document.ID] = e.ID
			if n := report.count(out); n%5000 == 0 {
				r.progress("%s: %d documents", r.set.Name, n)
			}
			return nil
		})
		return putting.Err()
	})
	if err := group.Wait(); err != nil {
		return CorpusReport{}, err
	}
	if walkErr != nil {
		return CorpusReport{}, walkErr
	}
	r.progress("%s: %d documents stored, waiting for vectors", r.set.Name, report.Entries)
	if err := r.Freshness.WaitVectors(ctx, seq); err != nil {
		return CorpusReport{}, fmt.Errorf("wait for vectors: %w", err)
	}
	return report, nil
}

func (c *CorpusReport) count(out rag.Outcome) int {
	c.Entries++
	switch out.Result {
	case rag.Indexed:
		c.Indexed++
	case rag.Unchanged:
		c.Unchanged++
	default:
		c.Refused[string(out.Result)+": "+string(out.Reason)]++
	}
	return c.Entries
}

// incoming makes a document of a corpus entry: its uri is the _id, its
// attributes are the metadata's scalars and lists of strings.
func (r *runner) incoming(e Entry) rag.Incoming {
	in := rag.Incoming{
		Collection: r.collection, URI: e.ID, Title: e.Title,
		MediaType: mediaType(e), Data: []byte(e.Text), Attributes: map[string]filter.Value{},
	}
	for key, raw := range e.Metadata {
		if v, err := filter.ValueOf(raw); err == nil && raw != nil && !rag.ReservedKey(key) {
			in.Attributes[key] = v
		}
	}
	return in
}

// codeTypes are the media types of programming languages that a set may name
// in metadata.lang beside "function", which marks an entry as source code.
var codeTypes = map[string]string{
	"python": "text/x-python", "go": "text/x-go", "java": "text/x-java", "javascript": "text/javascript",
	"ruby": "text/x-ruby", "php": "text/x-php",
}

func mediaType(e Entry) string {
	lang, _ := e.Metadata["lang"].(string)
	if _, ok := e.Metadata["function"]; ok && codeTypes[lang] != "" {
		return codeTypes[lang]
	}
	return "text/plain"
}
