package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/eval"
	"github.com/quarry-search/quarry/internal/rag"
)

const benchCollection = "bench"

func (c *cli) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed and memory on this machine",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return misuse("say search or model; see quarry bench --help") },
	}
	var seconds int
	var limit int
	search := &cobra.Command{
		Use:   "search SET",
		Short: "Ingestion against the encoder alone, then searches of 1 and 16 clients over HTTP",
		Long: "Ingests the folder SET (corpus.jsonl, queries.jsonl) and prints chunks per second\n" +
			"beside those of the encoder alone on the same chunks, then the latency and the\n" +
			"throughput of hybrid searches over HTTP, and resident memory. Without --data it\n" +
			"works in a temporary directory.",
		Example: "  quarry bench search ./sets/scifact",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withScratch(cmd.Context(), cmd.Flags().Changed("data"), func(conn *connection) error {
				b := &bench{cli: c, conn: conn, limit: limit, each: time.Duration(seconds) * time.Second}
				return b.run(cmd.Context(), args[0])
			})
		},
	}
	search.Flags().IntVar(&seconds, "seconds", 10, "how long each number of clients searches")
	search.Flags().IntVar(&limit, "documents", 0, "ingest only this many documents (0: all)")
	cmd.AddCommand(search, c.benchModel(), c.benchEngine())
	return cmd
}

type bench struct {
	*cli
	conn  *connection
	limit int
	each  time.Duration
}

func (b *bench) run(ctx context.Context, dir string) error {
	fmt.Fprintf(b.out, "%s on %s, %d cores\n", dir, runtime.GOOS+"/"+runtime.GOARCH, runtime.GOMAXPROCS(0))
	queries, _, err := eval.ReadEntries(filepath.Join(dir, "queries.jsonl"))
	if err != nil {
		return err
	}
	if len(queries) == 0 {
		return fmt.Errorf("%s holds no queries", dir)
	}
	if err := b.ingestion(ctx, dir); err != nil {
		return err
	}
	table := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "hybrid search\tper second\tp50 ms\tp99 ms")
	for _, clients := range []int{1, 16} {
		took, whole, err := b.search(ctx, queries, clients)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%.0f\t%.2f\t%.2f\n", plural(int64(clients), "client"),
			float64(len(took))/whole.Seconds(), percentile(took, 0.50), percentile(took, 0.99))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "resident memory after the searches: %s\n", resident())
	return nil
}

// ingestion puts the whole corpus, waits for its vectors, and compares with
// the encoder alone on the same texts.
func (b *bench) ingestion(ctx context.Context, dir string) error {
	entries, _, err := eval.ReadEntries(filepath.Join(dir, "corpus.jsonl"))
	if err != nil {
		return err
	}
	if b.limit > 0 {
		entries = entries[:min(b.limit, len(entries))]
	}
	began := time.Now()
	var group errgroup.Group
	var mu sync.Mutex
	refused := map[rag.Reason]int{}
	group.SetLimit(max(8, 2*runtime.GOMAXPROCS(0)))
	for _, e := range entries {
		group.Go(func() error {
			out, err := b.conn.app.Put(ctx, rag.Incoming{
				Collection: benchCollection, URI: "bench:" + e.ID, MediaType: "text/plain", Title: e.Title,
				Data: []byte(strings.TrimSpace(e.Title + "\n\n" + e.Text)),
			})
			if out.Reason != rag.ReasonNone {
				mu.Lock()
				refused[out.Reason]++
				mu.Unlock()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	committed := time.Since(began)
	if err := b.conn.app.WaitVectors(ctx); err != nil {
		return err
	}
	whole := time.Since(began)
	stats, err := b.conn.CollectionStats(ctx, benchCollection)
	if err != nil {
		return err
	}
	alone, err := b.encoder(ctx, min(stats.Chunks, 4000))
	if err != nil {
		return err
	}
	rate := float64(stats.Chunks) / whole.Seconds()
	fmt.Fprintf(b.out, "ingestion: %s, %s; all committed after %.1f s, all embedded after %.1f s\n",
		plural(stats.Documents, "document"), plural(stats.Chunks, "chunk"), committed.Seconds(), whole.Seconds())
	for _, reason := range slices.Sorted(maps.Keys(refused)) {
		fmt.Fprintf(b.out, "           %d refused: %s\n", refused[reason], reason)
	}
	fmt.Fprintf(b.out, "           %.1f chunks/s; the encoder alone %.1f chunks/s; share %.2f\n", rate, alone, rate/alone)
	fmt.Fprintf(b.out, "resident memory after ingestion: %s\n", resident())
	return nil
}

// encoder embeds stored chunks again, without storing anything, and returns
// chunks per second.
func (b *bench) encoder(ctx context.Context, n int64) (float64, error) {
	texts, err := b.conn.app.ChunkTexts(ctx, benchCollection, int(n))
	if err != nil {
		return 0, err
	}
	began := time.Now()
	for part := range slices.Chunk(texts, 128) {
		if _, err := b.conn.app.Embed(ctx, part); err != nil {
			return 0, err
		}
	}
	return float64(len(texts)) / time.Since(began).Seconds(), nil
}

// search has clients ask queries over HTTP for a while. It returns the sorted
// latencies in milliseconds.
func (b *bench) search(ctx context.Context, queries []eval.Entry, clients int) ([]float64, time.Duration, error) {
	var next atomic.Int64
	var mu sync.Mutex
	var all []float64
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range clients {
		group.Go(func() error {
			var took []float64
			for time.Since(began) < b.each && ctx.Err() == nil {
				q := queries[int(next.Add(1))%len(queries)]
				started := time.Now()
				_, err := b.conn.Search(ctx, api.SearchRequest{Query: q.Text, Collections: []string{benchCollection}, TopK: 10})
				if err != nil {
					return err
				}
				took = append(took, float64(time.Since(started).Microseconds())/1000)
			}
			mu.Lock()
			all = append(all, took...)
			mu.Unlock()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	whole := time.Since(began)
	if len(all) == 0 {
		return nil, 0, errors.Join(errors.New("no search was made"), ctx.Err())
	}
	slices.Sort(all)
	return all, whole, nil
}

func percentile(sorted []float64, p float64) float64 {
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

// resident is the process's resident memory where the system tells it.
func resident() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown on this system"
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		rest, ok := strings.CutPrefix(line, "VmRSS:")
		if !ok {
			continue
		}
		if kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB")); err == nil {
			return fmt.Sprintf("%d MB", kb>>10)
		}
	}
	return "unknown on this system"
}
