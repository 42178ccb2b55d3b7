package sqlite

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/catalog/catalogtest"
	"github.com/quarry-search/quarry/internal/rag"
)

var (
	long     = flag.Bool("long", false, "run the long forms of tests")
	crashDir = flag.String("crash-dir", "", "be the process that publishes into this directory until it is killed")
)

// crashText is the text of a document at its revision: what the survivor must
// hold can be computed from its name.
func crashText(uri string, revision int) string {
	return fmt.Sprintf("Document %s.\n\nRevision %d.\n\n%s", uri, revision, strings.Repeat(uri+" ", 50))
}

// publishUntilKilled publishes from several goroutines and prints a line for
// each acknowledged version: uri, revision, seq.
func publishUntilKilled(dir string) {
	c, err := Open(dir, Options{})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	ctx := context.Background()
	if _, err := c.CreateCollection(ctx, rag.Collection{Name: "notes"}); err != nil && rag.CodeOf(err) != rag.CodeConflict {
		fmt.Println("create:", err)
		os.Exit(1)
	}
	j, err := c.CreateJob(ctx, rag.Job{Collection: "notes"})
	if err != nil {
		fmt.Println("job:", err)
		os.Exit(1)
	}
	fmt.Println("ready")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				uri := fmt.Sprintf("w%d/%d", w, i%7)
				p := catalogtest.Doc("notes", uri, crashText(uri, i))
				p.Job, p.Item = j.ID, fmt.Sprintf("%s@%d", uri, i)
				out, err := c.Publish(ctx, p)
				if err != nil {
					fmt.Println("publish:", err)
					os.Exit(1)
				}
				fmt.Printf("ack %s %d %d %d\n", uri, i, out.Seq, out.Document.Version.Number)
			}
		})
	}
	wg.Wait()
}

// acked is the last acknowledged version of a document.
type acked struct {
	revision, number int
	seq              uint64
}

func TestKill(t *testing.T) {
	rounds := 20
	if *long {
		rounds = 200
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	total := 0
	for round := range rounds {
		acks := killedRun(t, self, dir)
		total += len(acks)
		survived(t, dir, acks)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d kills, %d documents acknowledged in all", rounds, total)
}

// killedRun starts the publishing process, kills it at a random moment, and
// returns what it had acknowledged.
func killedRun(t *testing.T, self, dir string) map[string]acked {
	t.Helper()
	cmd := exec.Command(self, "-crash-dir="+dir)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acks := map[string]acked{}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) == 1 && f[0] == "ready":
			time.AfterFunc(time.Duration(rand.IntN(120_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		case len(f) == 5 && f[0] == "ack":
			revision, _ := strconv.Atoi(f[2])
			seq, _ := strconv.ParseUint(f[3], 10, 64)
			number, _ := strconv.Atoi(f[4])
			acks[f[1]] = acked{revision, number, seq}
		case !strings.HasPrefix(f[0], "ack"): // the last line may be cut
			t.Errorf("child: %s", lines.Text())
		}
	}
	_ = cmd.Wait() // killed
	return acks
}

// survived opens what the killed process left and looks for every
// acknowledged version: current, or replaced by one that was still on its way.
func survived(t *testing.T, dir string, acks map[string]acked) {
	t.Helper()
	c := openTest(t, dir)
	defer c.Close()
	report, err := c.Check(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("check: %+v", p)
	}
	scope := rag.SystemScope("the test looks at what survived")
	for uri, a := range acks {
		id := rag.DocumentID("notes", uri)
		text, err := c.Text(t.Context(), scope, id, a.number)
		if err != nil || text != crashText(uri, a.revision) {
			t.Errorf("%s at version %d: %.40q, %v; want revision %d", uri, a.number, text, err, a.revision)
		}
		d, err := c.Document(t.Context(), scope, id, 0)
		if err != nil || d.Version.Number > a.number+1 || d.Version.Number < a.number {
			t.Errorf("%s is at version %d, %v; version %d was acknowledged", uri, d.Version.Number, err, a.number)
		}
	}
	seen := map[string]uint64{}
	for after := uint64(0); ; {
		changes, err := c.Changes(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) == 0 {
			break
		}
		for _, ch := range changes {
			after = ch.Seq
			if ch.Kind != rag.ChangePublished {
				continue
			}
			key := fmt.Sprintf("%s.%d", ch.Document.ID, ch.Document.Version.Number)
			if seen[key] != 0 {
				t.Errorf("%s was published twice, at %d and %d", key, seen[key], ch.Seq)
			}
			seen[key] = ch.Seq
		}
	}
	for uri, a := range acks {
		if got := seen[fmt.Sprintf("%s.%d", rag.DocumentID("notes", uri), a.number)]; got != a.seq {
			t.Errorf("%s was acknowledged at %d, the log has it at %d", uri, a.seq, got)
		}
	}
}
