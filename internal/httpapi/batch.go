package httpapi

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/sync/semaphore"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

type batchInput struct {
	CollectionPath
}

func (s *server) registerBatch() {
	register(s, operation{
		id: "put-batch", method: http.MethodPost, path: "/v1/collections/{name}/batch", tag: "Documents", kind: "ingest", role: rag.RoleWriter,
		summary: "Put many documents",
		detail:  "NDJSON in, NDJSON out: each line of the request is a document as in POST documents (at most 64 MiB), each line of the response what became of one, with its line number, as soon as it is done. Lines of one document are carried out in their order. A bad line is a failed result and the batch goes on. The last line is the balance. Reading goes no faster than ingestion; a client that leaves cancels what has not begun.",
		errors:  []int{400, 404, 415},
		adjust: func(op *huma.Operation) {
			schemas := s.api.OpenAPI().Components.Schemas
			op.Responses["200"] = &huma.Response{Description: "A result for each line, then the balance", Content: map[string]*huma.MediaType{
				ndjson: {Schema: &huma.Schema{OneOf: []*huma.Schema{
					schemas.Schema(reflect.TypeFor[api.PutResult](), true, ""),
					schemas.Schema(reflect.TypeFor[api.BatchEnd](), true, ""),
				}}},
			}}
		},
	}, s.putBatch)
	// Described only now: huma reads a body that it knows of, and this one is
	// a stream.
	o := s.api.OpenAPI()
	o.Paths["/v1/collections/{name}/batch"].Post.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		ndjson: {Schema: o.Components.Schemas.Schema(reflect.TypeFor[api.PutDocument](), true, "")},
	}}
}

const ndjson = "application/x-ndjson"

func (s *server) putBatch(ctx context.Context, p rag.Principal, in *batchInput) (*streamOutput, error) {
	if _, err := s.Catalog.Collection(ctx, s.Scope(p), in.Name); err != nil {
		return nil, err
	}
	job, err := s.Jobs.StartBatch(ctx, p, in.Name)
	if err != nil {
		return nil, err
	}
	return &streamOutput{func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		b := &batch{
			server: s, principal: p, job: job, cancel: cancel,
			w: w, control: http.NewResponseController(w),
			slots: semaphore.NewWeighted(int64(s.BatchSlots)), memory: semaphore.NewWeighted(2 * int64(s.LineBytes)),
			last: map[string]chan struct{}{}, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{},
		}
		b.run(ctx, r)
	}}, nil
}

// batch carries out one batch. Its goroutines are owned by run.
type batch struct {
	*server
	principal rag.Principal
	job       rag.Job
	cancel    context.CancelFunc
	control   *http.ResponseController
	slots     *semaphore.Weighted // documents at once
	memory    *semaphore.Weighted // bytes of lines at once
	work      sync.WaitGroup
	seed      maphash.Seed
	seen      map[uint64]struct{} // hashes of the item names given

	order sync.Mutex
	last  map[string]chan struct{} // by document: closed when its last line so far is done

	mu      sync.Mutex // guards w and failure
	w       http.ResponseWriter
	failure error // that ends the whole batch
}

// entry is one line.
type entry struct {
	line  int
	bytes int64
	item  string // name in the job
	key   string // of the document, "" when the line has none
	doc   api.PutDocument
	err   error // why the line is no document
}

// run reads, works and writes until the end of the lines.
func (b *batch) run(ctx context.Context, r *http.Request) {
	// Writing starts while the request is still being read.
	_ = b.control.EnableFullDuplex() // HTTP/2 and tests need no such thing
	b.w.Header().Set("Content-Type", ndjson)
	b.w.Header().Set("Cache-Control", "no-store")
	b.w.Header().Set("X-Accel-Buffering", "no")
	lines := newLineReader(&deadlineReader{r.Body, b.control, b.UploadTimeout}, b.LineBytes)
	for ctx.Err() == nil {
		group, err := b.readGroup(lines)
		if len(group) > 0 {
			b.accept(ctx, group)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			b.fail(&rag.Error{Code: rag.CodeCanceled, Message: "the batch could not be read to its end", Err: err})
		}
	}
	b.work.Wait()
	b.end(r.Context())
}

// deadlineReader gives every read its own deadline: a batch may last as long as
// its bytes keep coming, and time spent waiting for ingestion does not count.
type deadlineReader struct {
	r       io.Reader
	control *http.ResponseController
	timeout time.Duration
}

func (d *deadlineReader) Read(p []byte) (int, error) {
	_ = d.control.SetReadDeadline(time.Now().Add(d.timeout)) // not every writer has deadlines
	n, err := d.r.Read(p)
	_ = d.control.SetReadDeadline(time.Time{})
	return n, err
}

// maxGroup is how many lines are accepted in one transaction.
const maxGroup = 64

// readGroup reads the lines that are there: at least one, up to maxGroup, and
// none beyond half a longest line.
func (b *batch) readGroup(lines *lineReader) (group []entry, err error) {
	var total int
	for len(group) == 0 || len(group) < maxGroup && total < b.LineBytes/2 && lines.pending() {
		line, tooLong, err := lines.next()
		if err != nil {
			return group, err
		}
		e := entry{line: lines.line, bytes: int64(len(line))}
		if tooLong {
			e.err = &rag.Error{Code: rag.CodeTooLarge, Message: fmt.Sprintf("the line is longer than %d bytes", b.LineBytes)}
		} else {
			e.doc, e.err = decodePut(line)
		}
		e.key = documentKey(b.job.Collection, e.doc)
		e.item = b.itemName(e)
		group = append(group, e)
		total += len(line)
	}
	return group, nil
}

// documentKey is the id that the line's document has or will get.
func documentKey(collection string, doc api.PutDocument) string {
	if doc.ID != "" || doc.URI == "" {
		return doc.ID
	}
	return rag.DocumentID(collection, doc.URI)
}

// itemName names a line in the job: by uri or id, and by its number where that
// is no name or was given before, so that every line has an item of its own.
func (b *batch) itemName(e entry) string {
	number := "line " + strconv.Itoa(e.line)
	name := e.doc.URI
	if name == "" {
		name = e.doc.ID
	}
	if e.err != nil || name == "" {
		return number
	}
	hash := maphash.String(b.seed, name)
	if _, again := b.seen[hash]; again {
		return name + " (" + number + ")"
	}
	b.seen[hash] = struct{}{}
	return name
}
