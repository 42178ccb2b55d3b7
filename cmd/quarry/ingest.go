package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/connect/folder"
	"github.com/quarry-search/quarry/internal/rag"
)

func (c *cli) ingestCommand() *cobra.Command {
	collection := defaultCollection
	cmd := &cobra.Command{
		Use:   "ingest PATH…",
		Short: "Bring files and folders in, once",
		Long: "Sends files and folders to a running server (--server, or the one that works\n" +
			"on the data directory), or stores them in the data directory itself. Nothing is\n" +
			"deleted: quarry up keeps a folder in step. The exit code is 1 when a document\n" +
			"failed; skipped documents are counted with their reasons.",
		Example: "  quarry ingest report.pdf notes/\n  quarry ingest ./policies --collection legal --server http://127.0.0.1:8080 --json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, path := range args {
				if _, err := os.Stat(path); err != nil {
					return misuse("%s cannot be read: %w", path, errors.Unwrap(err))
				}
			}
			conn, err := c.connect(cmd.Context(), true)
			if err != nil {
				return err
			}
			return errors.Join(c.ingest(cmd.Context(), conn, collection, args), conn.stop())
		},
	}
	cmd.Flags().StringVarP(&collection, "collection", "c", defaultCollection, "collection that the documents go into")
	c.jsonFlag(cmd)
	return cmd
}

// upload is one run of quarry ingest.
type upload struct {
	*cli
	mu      sync.Mutex    // documents are read while results come
	counts  api.JobCounts // of the results so far
	sources []*folder.Folder
	bar     *progressLine
	begun   time.Time
	failure error // of reading a source
}

func (c *cli) ingest(ctx context.Context, conn *connection, collection string, paths []string) error {
	u := &upload{cli: c, begun: time.Now(), bar: &progressLine{w: c.err, tty: terminal(c.err) && !c.json}}
	defer u.close()
	for _, path := range paths {
		f, err := folder.Open(path, folder.Options{MaxBytes: int64(c.config.MaxDocumentBytes), Exclude: []string{c.config.Data}})
		if err != nil {
			return err
		}
		u.sources = append(u.sources, f)
	}
	if _, err := conn.CreateCollection(ctx, api.CreateCollection{Name: collection}); err != nil && client.Code(err) != string(rag.CodeConflict) {
		return err
	}
	end, err := conn.Batch(ctx, collection, u.documents(ctx), u.result)
	u.bar.clear()
	if err = errors.Join(u.failure, err); err != nil {
		return err
	}
	if conn.app != nil {
		if err := u.awaitVectors(ctx, conn, collection); err != nil {
			return err
		}
	}
	return u.end(end)
}

func (u *upload) close() {
	for _, f := range u.sources {
		_ = f.Close() // only read
	}
}

// documents reads every file of every source. What is not a document is sent
// as the reason why, so that the job's balance holds it.
func (u *upload) documents(ctx context.Context) iter.Seq2[api.PutDocument, error] {
	return func(yield func(api.PutDocument, error) bool) {
		errStopped := errors.New("stopped")
		for _, f := range u.sources {
			err := f.List(ctx, func(item string, refusal error) error {
				doc, err := read(ctx, f, item, refusal)
				if err != nil {
					return err
				}
				if !yield(doc, nil) {
					return errStopped
				}
				return nil
			})
			if errors.Is(err, errStopped) {
				return
			}
			if err != nil {
				u.failure = err
				yield(api.PutDocument{}, err)
				return
			}
		}
	}
}

// read returns an item as it is sent. The error is of the source as a whole.
func read(ctx context.Context, f *folder.Folder, item string, refusal error) (api.PutDocument, error) {
	if refusal == nil {
		in, err := f.Read(ctx, item)
		switch {
		case err == nil:
			return putOf(in), nil
		case errors.Is(err, fs.ErrNotExist):
			err = rag.Skip(rag.ReasonUnreadable, "it is gone")
		}
		refusal = err
	}
	var r *rag.Refusal
	if !errors.As(refusal, &r) {
		return api.PutDocument{}, refusal
	}
	return api.PutDocument{URI: item, Refused: &api.Refused{
		Result: string(r.Result), Reason: string(r.Reason), Detail: r.Detail,
	}}, nil
}

func putOf(in rag.Incoming) api.PutDocument {
	content := base64.StdEncoding.EncodeToString(in.Data)
	d := api.PutDocument{URI: in.URI, ContentBase64: &content, MediaType: in.MediaType, Attributes: map[string]any{}}
	for key, v := range in.Attributes {
		d.Attributes[key] = v.Any()
	}
	if !in.ModifiedAt.IsZero() {
		d.ModifiedAt = &in.ModifiedAt
	}
	return d
}

// result counts what became of one document, and prints it in its way.
func (u *upload) result(r api.PutResult) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.counts.Accepted++
	switch rag.Result(r.Result) {
	case rag.Indexed:
		u.counts.Indexed++
	case rag.Unchanged:
		u.counts.Unchanged++
	case rag.Skipped:
		u.counts.Skipped++
	case rag.Failed:
		u.counts.Failed++
	}
	if u.json {
		return u.line(r)
	}
	if rag.Result(r.Result) == rag.Failed {
		u.bar.clear()
		fmt.Fprintf(u.err, "failed: %s: %s %s\n", pathOf(r.URI), r.Reason, plain(r.Detail))
	}
	u.bar.show(fmt.Sprintf("%s (%.0f/s)", plural(u.counts.Accepted, "file"), float64(u.counts.Accepted)/max(time.Since(u.begun).Seconds(), 0.001)))
	return nil
}

func (u *upload) line(v any) error {
	e := json.NewEncoder(u.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// awaitVectors lets the embedder of a server inside this process finish, since
// it ends with the command.
func (u *upload) awaitVectors(ctx context.Context, conn *connection, collection string) error {
	done := make(chan error, 1)
	go func() { done <- conn.app.WaitVectors(ctx) }()
	for {
		select {
		case err := <-done:
			u.bar.clear()
			return err
		case <-time.After(200 * time.Millisecond):
			stats, err := conn.CollectionStats(ctx, collection)
			if err == nil {
				u.bar.show(fmt.Sprintf("%d of %s embedded", stats.Embedded, plural(stats.Chunks, "passage")))
			}
		}
	}
}

// end prints the balance.
func (u *upload) end(end api.BatchEnd) error {
	if u.json {
		if err := u.line(end); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(u.out, balance(rag.JobCounts{
			Accepted: u.counts.Accepted, Indexed: u.counts.Indexed, Unchanged: u.counts.Unchanged,
			Skipped: u.counts.Skipped, Failed: u.counts.Failed,
		}))
	}
	if u.counts.Failed > 0 {
		return errSaid
	}
	return nil
}
