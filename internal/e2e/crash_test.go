package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/app"
)

var (
	crashRounds = flag.Int("crash.rounds", 8, "how often TestCrash kills the server")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of TestCrash; 0: from the clock")
)

// crash is the state of TestCrash.
type crash struct {
	*testing.T
	rand   *rand.Rand
	data   string
	folder string

	mu    sync.Mutex
	acked map[string]string   // uri → text that the server acknowledged last
	doubt map[string][]string // uri → texts sent since, without an answer
}

// TestCrash kills the real process at random points while it ingests a folder
// and takes documents over HTTP, and checks that nothing acknowledged is lost
// and nothing is there twice.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-crash.seed=%d", seed)
	c := &crash{
		T: t, rand: rand.New(rand.NewPCG(seed, 1)), data: t.TempDir(), folder: t.TempDir(),
		acked: map[string]string{}, doubt: map[string][]string{},
	}
	for i := range 60 {
		c.file(i)
	}
	for round := range *crashRounds {
		c.round(round)
		report, err := app.Fsck(t.Context(), configOf(c.data), false)
		if err != nil || len(report.Problems) > 0 {
			t.Fatalf("round %d: fsck: %+v, %v", round, report.Problems, err)
		}
	}
	c.survivors()
}

// file writes file i of the folder with text of its own.
func (c *crash) file(i int) {
	write(c.T, c.folder, fmt.Sprintf("f%03d.md", i), c.text(fmt.Sprintf("file%03d", i)))
}

func (c *crash) text(word string) string {
	return fmt.Sprintf("# About %s\n\nThe state %d of %s is recorded here. It was written at random.\n", word, c.rand.IntN(1e9), word)
}

// round starts the server, writes to it, and kills it after a random time.
func (c *crash) round(round int) {
	for range 20 {
		c.file(c.rand.IntN(60))
	}
	var log bytes.Buffer
	child := exec.Command(os.Args[0], childCommand, c.data, c.folder)
	child.Stderr = &log
	if err := child.Start(); err != nil {
		c.Fatal(err)
	}
	life := time.Duration(c.rand.Int64N(int64(1200 * time.Millisecond)))
	texts := make([]string, 200)
	for i := range texts {
		texts[i] = c.text(fmt.Sprintf("put%03d", i%40))
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() { c.write(w, texts, stop) })
	}
	time.Sleep(life)
	if err := child.Process.Kill(); err != nil {
		c.Fatalf("round %d: the server had ended: %v\n%s", round, err, log.String())
	}
	close(stop)
	_ = child.Wait() // killed
	writers.Wait()
	if log.Len() > 0 {
		c.Logf("round %d: %s", round, log.String())
	}
}

// write puts documents until the server dies. Writer w has uris of its own, so
// that the last acknowledged text of each is known.
func (c *crash) write(w int, texts []string, stop <-chan struct{}) {
	var cl *client.Client
	for i := w; i < len(texts); {
		select {
		case <-stop:
			return
		default:
		}
		if cl == nil {
			if holder, held, err := app.HolderOf(c.data); err == nil && held && holder.Address != "" {
				cl, _ = client.New(holder.Address)
				_, _ = cl.CreateCollection(c.Context(), api.CreateCollection{Name: "puts"})
			}
			time.Sleep(5 * time.Millisecond)
			continue
		}
		uri := fmt.Sprintf("put:%03d", i%40)
		c.sent(uri, texts[i])
		_, err := cl.PutDocument(c.Context(), "puts", api.PutDocument{URI: uri, Text: &texts[i], MediaType: "text/markdown"})
		if err == nil {
			c.acknowledged(uri, texts[i])
		}
		i += 4
	}
}

func (c *crash) sent(uri, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubt[uri] = append(c.doubt[uri], text)
}

func (c *crash) acknowledged(uri, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acked[uri] = text
	delete(c.doubt, uri)
}

// survivors starts the server once more and reads everything back.
func (c *crash) survivors() {
	s := start(c.T, c.data, app.Folder{Path: c.folder, Collection: "docs"})
	job := s.ingested(c.T)
	if !job.Counts.Balanced() || job.Counts.Accepted != 60 {
		c.Errorf("job %+v", job)
	}
	for uri, want := range c.acked {
		got := c.stored(s, "puts", uri)
		if got != want && !slices.Contains(c.doubt[uri], got) {
			c.Errorf("%s holds %q; acknowledged was %q, in doubt %q", uri, got, want, c.doubt[uri])
		}
	}
	files := s.documents(c.T, "docs")
	if len(files) != 60 {
		c.Errorf("%d documents of 60 files", len(files))
	}
	for i := range 60 {
		name := fmt.Sprintf("f%03d.md", i)
		raw, err := os.ReadFile(filepath.Join(c.folder, name))
		if err != nil {
			c.Fatal(err)
		}
		if got := c.stored(s, "docs", "file://"+filepath.ToSlash(filepath.Join(c.folder, name))); got != string(raw) {
			c.Errorf("%s holds %q, the file %q", name, got, raw)
		}
		word := fmt.Sprintf("file%03d", i)
		found := s.uris(c.T, api.SearchRequest{Query: word, Mode: "lexical", Collections: []string{"docs"}})
		if len(found) != 1 {
			c.Errorf("%s is found %d times", word, len(found))
		}
	}
	c.Logf("%d documents acknowledged over HTTP, %d files", len(c.acked), len(files))
	s.stop()
	report, err := app.Fsck(c.Context(), configOf(c.data), false)
	if err != nil || len(report.Problems) > 0 {
		c.Errorf("fsck: %+v, %v", report.Problems, err)
	}
}

// documents lists the ids of a collection's documents by uri; one uri twice is
// an error.
func (s *server) documents(t *testing.T, collection string) map[string]string {
	t.Helper()
	ids := map[string]string{}
	list := client.List{Limit: 50}
	for {
		page, err := s.Documents(t.Context(), collection, "", list)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Data {
			if _, twice := ids[d.URI]; twice {
				t.Errorf("%s is there twice", d.URI)
			}
			ids[d.URI] = d.ID
		}
		if page.Next == nil {
			return ids
		}
		list.After = *page.Next
	}
}

func (c *crash) stored(s *server, collection, uri string) string {
	c.Helper()
	id, ok := s.documents(c.T, collection)[uri]
	if !ok {
		return ""
	}
	text, err := s.DocumentText(c.Context(), id, client.Window{})
	if err != nil {
		c.Fatal(err)
	}
	return text.Text
}
