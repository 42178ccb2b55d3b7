package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/api"
)

// maxTopK is the most hits that the API returns.
const maxTopK = 1000

// queryFlags are what search and ask have in common.
type queryFlags struct {
	collections []string
	filter      string
	topK        int
	mode        string
	rerank      string
	asOf        string
}

func (q *queryFlags) register(cmd *cobra.Command, topK int) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&q.collections, "collection", "c", nil, "search only this collection (repeatable)")
	flags.StringVarP(&q.filter, "filter", "f", "", `JSON filter, as in {"type":"eq","key":"ext","value":"md"}`)
	flags.IntVarP(&q.topK, "top-k", "k", topK, "hits wanted, 1 to 1000")
	flags.StringVar(&q.mode, "mode", "hybrid", "hybrid, dense, lexical or exact")
	flags.StringVar(&q.asOf, "as-of", "", "the documents as they stood after this change, or at this RFC 3339 time (needs retention)")
	flags.StringVar(&q.rerank, "rerank", "", "none, sentences or model (default: model where a reranker is configured, else none)")
}

func (q *queryFlags) request(text string) (api.SearchRequest, error) {
	if q.topK < 1 || q.topK > maxTopK {
		return api.SearchRequest{}, misuse("--top-k %d: 1 to %d hits can be wanted", q.topK, maxTopK)
	}
	r := api.SearchRequest{Query: text, Collections: q.collections, TopK: q.topK, Mode: q.mode, Rerank: q.rerank, AsOf: q.asOf}
	if q.filter == "" {
		return r, nil
	}
	if !json.Valid([]byte(q.filter)) {
		return r, misuse(`--filter is not JSON, as in --filter '{"type":"eq","key":"ext","value":"md"}'`)
	}
	r.Filter = json.RawMessage(q.filter)
	return r, nil
}

func (c *cli) searchCommand() *cobra.Command {
	var q queryFlags
	var a attributeFlags
	var explain bool
	var vector string
	cmd := &cobra.Command{
		Use:   `search ["QUERY"]`,
		Short: "Find passages by meaning and by words, count and sort by attributes",
		Long: "Finds passages, best first. --facet counts the values of an attribute among all\n" +
			"documents that pass the filter. --sort orders by attributes instead of by score:\n" +
			"without a query it lists what passes, with one what holds any of its words.\n\n" +
			"A query is a question in plain words. Signs make it stricter or looser:\n\n" +
			"  \"data directory\"     these words side by side, in one field\n" +
			"  +backup -tape        with the word, without it; also before a phrase or prefix\n" +
			"  replic*              words that begin so (two letters at least)\n" +
			"  recieve~1, ~2        words at most one or two edits away\n\n" +
			"They are signs at a word's start or end only: e-mail, -5, -m and C++ are text. What\n" +
			"is required or excluded holds for the search by meaning too. A query that begins\n" +
			"with a hyphen comes after --.",
		Example: `  quarry search "how is the index rebuilt"
  quarry search "retention" --top-k 3 --filter '{"type":"eq","key":"folder","value":"policies"}'
  quarry search "segment" --mode lexical --explain
  quarry search 'backup "data directory" -tape'
  quarry search "segment" --json | jq '.hits[0].quote'
  quarry search "restore" --facet kind --facet language:3
  quarry search --sort -modified_at --group --group-size 1
  quarry search --collection images --vector query.json      # vectors given with the documents`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := q.request(strings.Join(args, " "))
			if err == nil && vector != "" {
				request.Vector, err = c.readVector(vector)
			}
			if err != nil {
				return err
			}
			if err := a.apply(&request); err != nil {
				return err
			}
			request.Explain = explain
			return c.withServer(cmd.Context(), func(conn *connection) error {
				var found api.SearchResponse
				err := c.verbatim(conn, func() (err error) {
					found, err = conn.Search(cmd.Context(), request)
					return err
				})
				if err != nil || c.json {
					return err
				}
				c.printHits(found)
				c.printFacets(found)
				return nil
			})
		},
	}
	q.register(cmd, 10)
	a.register(cmd)
	cmd.Flags().StringVar(&vector, "vector", "", "search by the vector in this `FILE`, a JSON list of numbers (- for standard input)")
	cmd.Flags().BoolVar(&explain, "explain", false, "show each stage's rank and score")
	c.jsonFlag(cmd)
	return cmd
}

// readVector reads a JSON list of numbers.
func (c *cli) readVector(name string) (v api.Vector, err error) {
	in := c.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read --vector: %w", err)
		}
		defer f.Close()
		in = f
	}
	const most = 1 << 20 // many times 4096 numbers
	b, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		return nil, fmt.Errorf("read --vector: %w", err)
	}
	if err := json.Unmarshal(b, &v); err != nil || len(v) == 0 {
		return nil, misuse("--vector %s does not hold a JSON list of numbers, as in [0.1, -0.2, 0.3]", name)
	}
	return v, nil
}

func (c *cli) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.json, "json", false, "print the API's response body")
}

// withServer connects, calls f, and stops what connect started.
func (c *cli) withServer(ctx context.Context, f func(*connection) error) error {
	conn, err := c.connect(ctx, false)
	if err != nil {
		return err
	}
	return errors.Join(f(conn), conn.stop())
}

func (c *cli) printHits(r api.SearchResponse) {
	if len(r.Hits) == 0 {
		fmt.Fprintln(c.err, "nothing found")
	}
	tty := terminal(c.out)
	for _, h := range r.Hits {
		place := placeOf(h.URI, h.Locator)
		if !tty {
			fmt.Fprintf(c.out, "%d\t%.4f\t%s\t%s\t%s\n", h.Rank, h.Score, place, plain(h.Title), oneLine(h.Quote, 200))
		} else {
			fmt.Fprintf(c.out, "%2d  %.3f  %s  %s\n", h.Rank, h.Score, bold(place), plain(h.Title))
			fmt.Fprintf(c.out, "           %s\n", dim(oneLine(h.Quote, width()-12)))
		}
		if e := h.Explain; e != nil {
			fmt.Fprintf(c.out, "           dense %s  lexical %s  weight %.2f  z %.2f / %.2f  fused %.3f (#%d)%s\n",
				legOf(e.Dense), legOf(e.Lexical), e.DenseWeight, e.DenseZ, e.LexicalZ, e.FusedScore, e.FusedRank, rerankOf(e))
		}
	}
	if len(r.Degraded) > 0 {
		fmt.Fprintf(c.err, "left out: %s\n", strings.Join(r.Degraded, ", "))
	}
	if tty {
		fmt.Fprintf(c.out, "%s\n", dim(fmt.Sprintf("%d hits of %d candidates, %s, %.1f ms; %s pass, %s", len(r.Hits), r.Candidates, r.Mode, r.TookMS,
			plural(int64(r.Total.Documents), "document"), plural(int64(r.Total.Chunks), "chunk"))))
	}
}

func legOf(l api.LegScore) string {
	if l.Rank == 0 {
		return fmt.Sprintf("%.3f (–)", l.Score)
	}
	return fmt.Sprintf("%.3f (#%d)", l.Score, l.Rank)
}

func rerankOf(e *api.Explain) string {
	if e.RerankScore == nil {
		return ""
	}
	return fmt.Sprintf("  reranked %.3f (#%d)", *e.RerankScore, e.RerankRank)
}
