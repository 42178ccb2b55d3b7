package pdf

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/rag"
)

var hostileDir = flag.String("hostile", "", "folder with expected.tsv and pdfs/: read every PDF in it")

// cacheDir is shared by all tests, so that pdfium is compiled once.
var cacheDir string

// TestMain runs the test binary as a worker too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case Subcommand:
			os.Exit(WorkerMain(os.Stdin, os.Stdout))
		case "hang", "die":
			misbehave(os.Args[1])
		}
	}
	var err error
	if cacheDir, err = os.MkdirTemp("", "quarry-pdf-test"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Println(err)
		code = 1
	}
	os.RemoveAll(cacheDir)
	os.Exit(code)
}

// misbehave is a worker that hangs on, or dies of, documents that say BAD.
func misbehave(how string) {
	readFrame(os.Stdin)
	writeFrame(os.Stdout, frameReady, nil)
	for {
		_, data, err := readFrame(os.Stdin)
		if err != nil {
			os.Exit(0)
		}
		if bytes.Contains(data, []byte("BAD")) {
			if how == "die" {
				os.Exit(1)
			}
			time.Sleep(time.Hour)
		}
		writeFrame(os.Stdout, framePage, data)
		writeFrame(os.Stdout, frameDone, nil)
	}
}

func newClient(t *testing.T, mode string) *Client {
	c := &Client{CacheDir: cacheDir, StartTimeout: 10 * time.Minute, Command: func() (*exec.Cmd, error) {
		path, err := os.Executable()
		return exec.Command(path, mode), err
	}}
	t.Cleanup(func() { c.Close() })
	return c
}

// makePDF writes a document with a line of text at each given place of each
// page.
func makePDF(title string, pages ...string) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(s string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), s)
	}
	b.WriteString("%PDF-1.4\n")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 4+2*i))
	}
	object("<</Type/Catalog/Pages 2 0 R>>")
	object(fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", strings.Join(kids, " "), len(pages)))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	for i, text := range pages {
		var content strings.Builder
		content.WriteString("BT /F1 12 Tf 14 TL 72 720 Td\n")
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(&content, "(%s) Tj T*\n", line)
		}
		content.WriteString("ET")
		object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>", 5+2*i))
		object(fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", content.Len(), content.String()))
	}
	object(fmt.Sprintf("<</Title(%s)>>", title))
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, len(offsets), xref)
	return b.Bytes()
}

func reason(err error) rag.Reason {
	var r *rag.Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return rag.ReasonNone
}

func TestReadPages(t *testing.T) {
	c := newClient(t, Subcommand)
	title, pages, err := c.ReadPages(context.Background(), makePDF("The Quarry", "Stone of the first page.\nIt is hard.", "", "Third \\(page\\)."))
	if err != nil {
		t.Fatal(err)
	}
	if title != "The Quarry" {
		t.Errorf("title %q", title)
	}
	if diff := cmp.Diff([]string{"Stone of the first page.\n\nIt is hard.", "", "Third (page)."}, unwrap(pages)); diff != "" {
		t.Error(diff)
	}
	for _, tc := range []struct {
		name string
		data []byte
		want rag.Reason
	}{
		{"damaged", []byte("%PDF-1.4\nrubbish"), rag.ReasonParse},
		{"no pages", makePDF("x"), rag.ReasonNone},
	} {
		if _, _, err := c.ReadPages(context.Background(), tc.data); reason(err) != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
	if len(c.idle) != 1 {
		t.Errorf("%d workers after three documents one after the other, want 1", len(c.idle))
	}
}

// unwrap makes single and double line ends between sentences alike: where
// paragraphs end is a guess.
func unwrap(pages []string) []string {
	out := make([]string, len(pages))
	for i, p := range pages {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(p, ".\n\n", ".\n"), ".\n", ".\n\n")
	}
	return out
}

func TestMemoryLimit(t *testing.T) {
	c := newClient(t, Subcommand)
	c.MemoryBytes = 24 << 20
	big := makePDF("x", "small") // and a stream that does not fit
	big = append(big, bytes.Repeat([]byte("% filler\n"), 4<<20)...)
	if _, _, err := c.ReadPages(context.Background(), big); reason(err) != rag.ReasonMemory {
		t.Errorf("got %v, want %s", err, rag.ReasonMemory)
	}
	if _, pages, err := c.ReadPages(context.Background(), makePDF("x", "small")); err != nil || len(pages) != 1 {
		t.Errorf("afterwards: %v", err)
	}
}

func TestTextLimit(t *testing.T) {
	c := newClient(t, Subcommand)
	c.MaxTextBytes = 10
	if _, _, err := c.ReadPages(context.Background(), makePDF("x", "more than ten bytes")); reason(err) != rag.ReasonTooLarge {
		t.Errorf("got %v, want %s", err, rag.ReasonTooLarge)
	}
}

func TestHang(t *testing.T) {
	c := newClient(t, "hang")
	c.Timeout = 200 * time.Millisecond
	if _, _, err := c.ReadPages(context.Background(), []byte("BAD")); reason(err) != rag.ReasonTimeout {
		t.Errorf("got %v, want %s", err, rag.ReasonTimeout)
	}
	if _, pages, err := c.ReadPages(context.Background(), []byte("good")); err != nil || len(pages) != 1 {
		t.Errorf("afterwards: %q, %v", pages, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	c.Timeout = time.Hour
	if _, _, err := c.ReadPages(ctx, []byte("BAD")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestDeath(t *testing.T) {
	c := newClient(t, "die")
	if _, _, err := c.ReadPages(context.Background(), []byte("BAD")); reason(err) != rag.ReasonParse {
		t.Errorf("got %v, want %s", err, rag.ReasonParse)
	}
	for range 2 {
		if _, _, err := c.ReadPages(context.Background(), []byte("good")); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
	c.idle[0].cmd.Process.Kill()
	if _, _, err := c.ReadPages(context.Background(), []byte("good")); err != nil {
		t.Errorf("after the idle worker was killed: %v", err)
	}
}

func TestNoWorker(t *testing.T) {
	c := &Client{Command: func() (*exec.Cmd, error) { return exec.Command(filepath.Join(cacheDir, "absent")), nil }}
	if _, _, err := c.ReadPages(context.Background(), []byte("x")); reason(err) != rag.ReasonInternal {
		t.Errorf("got %v, want %s", err, rag.ReasonInternal)
	}
}

func TestIdleWorkersEnd(t *testing.T) {
	c := newClient(t, "die")
	c.IdleTimeout = time.Millisecond
	if _, _, err := c.ReadPages(context.Background(), []byte("good")); err != nil {
		t.Fatal(err)
	}
	for {
		c.mu.Lock()
		n := len(c.idle)
		c.mu.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestConcurrent(t *testing.T) {
	c := newClient(t, "die")
	c.MaxWorkers = 3
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			content := fmt.Sprint("good ", i)
			if i%5 == 0 {
				content = "BAD"
			}
			_, pages, err := c.ReadPages(context.Background(), []byte(content))
			if i%5 == 0 && reason(err) != rag.ReasonParse {
				t.Errorf("%d: %v, want %s", i, err, rag.ReasonParse)
			}
			if i%5 != 0 && (err != nil || pages[0] != content) {
				t.Errorf("%d: %q, %v", i, pages, err)
			}
		})
	}
	wg.Wait()
	if len(c.idle) > 3 {
		t.Errorf("%d workers, want at most 3", len(c.idle))
	}
}

func TestReadable(t *testing.T) {
	got := readable("The exam\u0002\r\nple of a long line that fills the width of the page.\r\nIt goes on here and has\r\nlower case.\r\n" +
		"Section Two\r\nX\u0002Ray and year-on\ufffeyear, soft\u00adhyphen\u0000 and volup\ufffetua with a line that is long enough to count.")
	want := "The example\nof a long line that fills the width of the page.\nIt goes on here and has\nlower case.\n\nSection Two\n\n" +
		"X-Ray\nand year-on-year,\nsofthyphen and voluptua\nwith a line that is long enough to count."
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := cleanTitle("Microsoft Word - report.doc"); got != "" {
		t.Errorf("title %q", got)
	}
}

func FuzzReadable(f *testing.F) {
	f.Add("exam\u0002\r\nple X\ufffe\n")
	f.Add("\ufffe\u0002 a\xff\r\u00ad")
	f.Fuzz(func(t *testing.T, s string) {
		got := readable(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, lineHyphens+"\r\t\x00") {
			t.Fatalf("%q becomes %q", s, got)
		}
	})
}

// TestHostile reads a folder of damaged PDFs: each ends as text or a reason.
func TestHostile(t *testing.T) {
	if *hostileDir == "" {
		t.Skip("no folder of hostile PDFs given (-hostile)")
	}
	table, err := os.ReadFile(filepath.Join(*hostileDir, "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Subcommand)
	c.Timeout = 20 * time.Second
	reasons := map[rag.Reason]int{}
	files, agree, ours, theirs := 0, 0, 0, 0
	began := time.Now()
	for i, row := range strings.Split(strings.TrimSpace(string(table)), "\n") {
		cells := strings.Split(row, "\t")
		if i == 0 || len(cells) < 5 {
			continue
		}
		data, err := os.ReadFile(filepath.Join(*hostileDir, "pdfs", cells[0]))
		if err != nil {
			t.Fatal(err)
		}
		_, pages, err := c.ReadPages(context.Background(), data)
		if err != nil && reason(err) == rag.ReasonNone {
			t.Errorf("%s: %v", cells[0], err)
		}
		reasons[reason(err)]++
		text := strings.Join(pages, "\n")
		if !utf8.ValidString(text) {
			t.Errorf("%s: not valid UTF-8", cells[0])
		}
		chars, _ := strconv.Atoi(cells[4])
		has, expected := strings.TrimSpace(text) != "", cells[2] == "0" && chars > 1
		files++
		if has {
			ours++
		}
		if expected {
			theirs++
		}
		if has == expected {
			agree++
		} else {
			t.Logf("%s: text here %v (%d chars, %v), poppler %s chars (rc %s)", cells[0], has, utf8.RuneCountInString(text), err, cells[4], cells[2])
		}
	}
	t.Logf("%d files in %s: %d agree on having text; %d have text here, %d for poppler; reasons %v",
		files, time.Since(began).Round(time.Millisecond), agree, ours, theirs, reasons)
}

func BenchmarkPages(b *testing.B) {
	path, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	c := &Client{CacheDir: cacheDir, StartTimeout: 10 * time.Minute, Command: func() (*exec.Cmd, error) { return exec.Command(path, Subcommand), nil }}
	defer c.Close()
	page := strings.TrimSuffix(strings.Repeat("The quarry gives limestone of a pale colour, which masons cut.\n", 45), "\n")
	pages := make([]string, 100)
	for i := range pages {
		pages[i] = page
	}
	data := makePDF("x", pages...)
	began := time.Now()
	if _, _, err := c.ReadPages(context.Background(), makePDF("x", "warm")); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-start")
	for b.Loop() {
		if _, _, err := c.ReadPages(context.Background(), data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*len(pages)), "ms/page")
}
