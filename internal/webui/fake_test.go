package webui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/quarry-search/quarry/api"
)

// fakeServer speaks the API's shapes over a few documents, so that the console
// can be walked without a catalog. Spans are found by searching here, once, and
// nowhere in the console.
type fakeServer struct {
	docs     []fakeDocument
	delay    time.Duration // before each delta
	degraded []string
	break1   bool // the first stream breaks off after its first citation
	broken   atomic.Bool
}

type fakeDocument struct {
	id, uri, title, kind, text string
	pages                      []int
	lines                      bool
	version                    int
}

func (d fakeDocument) span(t testing.TB, quote string) api.Span {
	t.Helper()
	start := strings.Index(d.text, quote)
	if start < 0 {
		t.Errorf("%s does not hold %q", d.title, quote) // not Fatal: handlers ask too
		return api.Span{}
	}
	return api.Span{
		ByteStart: start, ByteEnd: start + len(quote),
		CharStart: utf8.RuneCountInString(d.text[:start]),
		CharEnd:   utf8.RuneCountInString(d.text[:start]) + utf8.RuneCountInString(quote),
	}
}

func (d fakeDocument) locator(span api.Span) api.Locator {
	var l api.Locator
	for i, start := range d.pages {
		if start <= span.ByteStart {
			l.Page = i + 1
		}
	}
	if d.lines {
		l.LineStart = 1 + strings.Count(d.text[:span.ByteStart], "\n")
		l.LineEnd = 1 + strings.Count(d.text[:span.ByteEnd], "\n")
	}
	return l
}

// quotation is a piece of a document that an answer cites.
type quotation struct {
	doc   int
	quote string
}

func (f *fakeServer) citation(t testing.TB, n int, q quotation) api.Citation {
	d := f.docs[q.doc]
	span := d.span(t, q.quote)
	return api.Citation{
		Number: n, DocumentID: d.id, Collection: "runbooks", Version: d.version, ChunkID: fmt.Sprintf("%s.%d.0", d.id, d.version),
		URI: d.uri, Title: d.title, Kind: d.kind, Span: span, Quote: q.quote, QuoteSHA256: strings.Repeat("9f2c41d8", 8), Locator: d.locator(span),
	}
}

func (f *fakeServer) searchResponse(t testing.TB, quotes []quotation) api.SearchResponse {
	r := api.SearchResponse{Hits: []api.Hit{}, Mode: "hybrid", Candidates: 38, Seq: 48213, Degraded: f.degraded, TookMS: 61}
	if r.Degraded == nil {
		r.Degraded = []string{}
	}
	for i, q := range quotes {
		c := f.citation(t, i+1, q)
		r.Hits = append(r.Hits, api.Hit{
			Rank: i + 1, Score: 0.9 - 0.1*float64(i), DocumentID: c.DocumentID, Collection: c.Collection, Version: c.Version,
			ChunkID: c.ChunkID, URI: c.URI, Title: c.Title, Kind: c.Kind, Span: c.Span, Quote: c.Quote, QuoteSHA256: c.QuoteSHA256,
			Locator: c.Locator, Attributes: map[string]any{"team": "storage"},
			Explain: &api.Explain{
				Dense: api.LegScore{Score: 0.713, Rank: 3 - i%3}, Lexical: api.LegScore{Score: 18.42, Rank: i + 1},
				DenseWeight: 0.7, DenseZ: 1.2, LexicalZ: 2.1, FusedScore: 0.9, FusedRank: i + 1,
			},
		})
	}
	return r
}

func (f *fakeServer) mount(t testing.TB, mux *http.ServeMux, quotes []quotation) {
	write := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	now := time.Now()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { write(w, map[string]string{"status": "ready"}) })
	mux.HandleFunc("GET /v1/collections", func(w http.ResponseWriter, _ *http.Request) {
		list := []api.Collection{}
		if len(f.docs) > 0 {
			list = append(list, api.Collection{Name: "runbooks", Seq: 2, CreatedAt: now, UpdatedAt: now})
		}
		write(w, api.Page[api.Collection]{Data: list})
	})
	mux.HandleFunc("POST /v1/collections", func(w http.ResponseWriter, _ *http.Request) { write(w, api.Collection{Name: "main"}) })
	mux.HandleFunc("GET /v1/collections/{name}/stats", func(w http.ResponseWriter, _ *http.Request) {
		write(w, api.CollectionStats{Documents: int64(len(f.docs)), Chunks: 61, Embedded: 61, TextBytes: 91_000, Index: api.IndexStats{Chunks: 61, MemoryBytes: 4 << 20}, Seq: 48213, Applied: 48213})
	})
	mux.HandleFunc("GET /v1/collections/{name}/documents", func(w http.ResponseWriter, _ *http.Request) {
		page := api.Page[api.Document]{Data: []api.Document{}}
		for _, d := range f.docs {
			page.Data = append(page.Data, d.wire(now))
		}
		write(w, page)
	})
	find := func(w http.ResponseWriter, r *http.Request) (fakeDocument, bool) {
		i := slices.IndexFunc(f.docs, func(d fakeDocument) bool { return d.id == r.PathValue("id") })
		if i < 0 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_ = json.NewEncoder(w).Encode(api.Problem{Title: "Not found", Status: 404, Detail: "document does not exist", Code: "not_found", RequestID: "01req"})
			return fakeDocument{}, false
		}
		return f.docs[i], true
	}
	mux.HandleFunc("GET /v1/documents/{id}", func(w http.ResponseWriter, r *http.Request) {
		if d, ok := find(w, r); ok {
			write(w, d.wire(now))
		}
	})
	mux.HandleFunc("GET /v1/documents/{id}/versions", func(w http.ResponseWriter, r *http.Request) {
		if d, ok := find(w, r); ok {
			write(w, api.Page[api.Version]{Data: []api.Version{{Version: d.version, Title: d.title, CreatedAt: now}, {Version: d.version - 1, Title: d.title, CreatedAt: now.Add(-50 * time.Hour), Gone: true}}})
		}
	})
	mux.HandleFunc("GET /v1/documents/{id}/text", func(w http.ResponseWriter, r *http.Request) {
		if d, ok := find(w, r); ok {
			write(w, d.window(r))
		}
	})
	mux.HandleFunc("POST /v1/search", func(w http.ResponseWriter, _ *http.Request) { write(w, f.searchResponse(t, quotes)) })
	mux.HandleFunc("POST /v1/answers", func(w http.ResponseWriter, r *http.Request) { f.answer(t, w, r, quotes) })
	mountJobs(mux, write, now)
}

func (d fakeDocument) wire(now time.Time) api.Document {
	modified := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	return api.Document{
		ID: d.id, Collection: "runbooks", URI: d.uri, Version: d.version, Title: d.title, Kind: d.kind, SizeBytes: int64(len(d.text)), TextBytes: int64(len(d.text)),
		TextHash: strings.Repeat("51be07a3", 8), Chunks: 4, Pages: len(d.pages), ModifiedAt: &modified, CreatedAt: now, UpdatedAt: now, Access: []string{"*"}, Attributes: map[string]any{},
	}
}

func (d fakeDocument) window(r *http.Request) api.DocumentText {
	from, _ := strconv.Atoi(r.URL.Query().Get("byte_start"))
	to, _ := strconv.Atoi(r.URL.Query().Get("byte_end"))
	snap := func(i int) int {
		for i = min(i, len(d.text)); i > 0 && i < len(d.text) && !utf8.RuneStart(d.text[i]); {
			i--
		}
		return i
	}
	if from, to = snap(from), snap(to); to == 0 {
		to = len(d.text)
	}
	text := d.text[from:to]
	chars := utf8.RuneCountInString(d.text[:from])
	out := api.DocumentText{
		DocumentID: d.id, Version: d.version, Text: text, TextBytes: int64(len(d.text)), LineStart: 1 + strings.Count(d.text[:from], "\n"), HasLines: d.lines,
		Span: api.Span{ByteStart: from, ByteEnd: to, CharStart: chars, CharEnd: chars + utf8.RuneCountInString(text)},
	}
	for i, start := range d.pages {
		if start < to {
			out.Pages = append(out.Pages, api.PageAt{Page: i + 1, ByteStart: start})
		}
	}
	return out
}

// answer streams what the extractive answerer streams: for each sentence its
// words and mark, its citation, its verdict.
func (f *fakeServer) answer(t testing.TB, w http.ResponseWriter, r *http.Request, quotes []quotation) {
	var asked api.AnswerRequest
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	search := f.searchResponse(t, quotes)
	if strings.Contains(asked.Query, "problem") {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(api.Problem{Title: "Unavailable", Status: 503, Detail: "The index is still being built.", Code: "unavailable", RequestID: "01jdr7s3kq"})
		return
	}
	id := 0
	send := func(event string, v any) {
		id++
		data, _ := json.Marshal(v)
		fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", id, event, data)
		w.(http.Flusher).Flush()
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send("retrieval", api.RetrievalEvent{Search: search})
	full := api.AnswerResponse{Result: "answered", Generator: "extractive", Search: search, Sentences: []api.Sentence{}, Citations: []api.Citation{}, Confidence: 0.9}
	if strings.Contains(asked.Query, "lunch") {
		full.Result, full.Reason, full.Answer = "abstained", "weak", "No passage answers this. The nearest hits are shown."
		send("delta", api.DeltaEvent{Text: full.Answer})
		send("done", api.DoneEvent{Answer: full})
		return
	}
	verdicts := []string{"quoted"}
	if strings.Contains(asked.Query, "verdicts") {
		verdicts = []string{"quoted", "supported", "partial", "unsupported", "uncited"}
		full.Generator = "other"
	}
	for i, q := range quotes {
		c := f.citation(t, i+1, q)
		verdict, cited := verdicts[i%len(verdicts)], []int{i + 1}
		mark, separator := fmt.Sprintf(" [%d]", i+1), " "
		if strings.Contains(c.Quote, "\n\t") { // a block stands by itself
			mark, separator = fmt.Sprintf("\n[%d]", i+1), "\n\n"
		} else if i > 0 && strings.Contains(quotes[i-1].quote, "\n\t") {
			separator = "\n\n"
		}
		words := strings.SplitAfter(c.Quote+mark, " ")
		if i > 0 {
			words[0] = separator + words[0]
		}
		if verdict == "uncited" {
			words, cited = words[:len(words)-1], []int{}
		}
		for _, word := range words {
			time.Sleep(f.delay)
			send("delta", api.DeltaEvent{Text: word})
		}
		if verdict != "uncited" {
			full.Citations = append(full.Citations, c)
			send("citation", api.CitationEvent{Citation: c})
			if f.break1 && f.broken.CompareAndSwap(false, true) {
				panic(http.ErrAbortHandler)
			}
		}
		full.Sentences = append(full.Sentences, api.Sentence{Text: c.Quote, Citations: cited, Verdict: verdict})
		send("verdict", api.VerdictEvent{Index: i, Verdict: verdict, Citations: cited})
	}
	send("usage", api.UsageEvent{})
	send("done", api.DoneEvent{Answer: full})
}

func mountJobs(mux *http.ServeMux, write func(http.ResponseWriter, any), now time.Time) {
	eta := 5.0
	jobs := []api.Job{
		{
			ID: "j_7f21", Collection: "runbooks", Source: "folder", Path: "/srv/handbook", State: "running", Listed: true, Balanced: true, Rate: 212, ETASeconds: &eta,
			Counts:    api.JobCounts{Accepted: 12480, Queued: 1120, Indexed: 10886, Unchanged: 198, Skipped: 241, Failed: 35, Bytes: 4_100_000_000},
			Reasons:   []api.ReasonCount{{Result: "failed", Reason: "encrypted", Count: 14}, {Result: "failed", Reason: "timeout", Count: 11}, {Result: "failed", Reason: "parse", Count: 10}, {Result: "skipped", Reason: "policy", Count: 229}, {Result: "skipped", Reason: "unsupported", Count: 12}},
			CreatedAt: now, UpdatedAt: now,
		},
		{ID: "j_7f20", Collection: "services", Source: "batch", State: "done", Listed: true, Balanced: true, Counts: api.JobCounts{Accepted: 3318, Indexed: 3318}, CreatedAt: now.Add(-time.Hour), UpdatedAt: now},
		{ID: "j_7f1e", Collection: "meetings", Source: "upload", State: "failed", Error: "disk full", Listed: true, Balanced: true, Counts: api.JobCounts{Accepted: 14, Indexed: 13, Failed: 1}, CreatedAt: now.Add(-26 * time.Hour), UpdatedAt: now},
	}
	mux.HandleFunc("GET /v1/jobs", func(w http.ResponseWriter, _ *http.Request) { write(w, api.Page[api.Job]{Data: jobs}) })
	mux.HandleFunc("GET /v1/jobs/{id}", func(w http.ResponseWriter, r *http.Request) {
		write(w, jobs[slices.IndexFunc(jobs, func(j api.Job) bool { return j.ID == r.PathValue("id") })])
	})
	mux.HandleFunc("GET /v1/jobs/{id}/items", func(w http.ResponseWriter, r *http.Request) {
		page := api.Page[api.JobItem]{Data: []api.JobItem{
			{Item: "hr/contracts/2025-supplier-7.pdf", Result: "failed", Reason: "encrypted", UpdatedAt: now},
			{Item: "finance/ledger-2019-full.csv", Result: "failed", Reason: "timeout", Detail: "stopped after 60 s", UpdatedAt: now},
			{Item: "slides/onboarding/day-1.pdf", Result: "failed", Reason: "parse", UpdatedAt: now},
			{Item: "mail/archive/\u202egpj.exe", Result: "skipped", Reason: "unsupported", UpdatedAt: now},
			{Item: "tmp/.git", Result: "skipped", Reason: "policy", UpdatedAt: now},
		}}
		query := r.URL.Query()
		page.Data = slices.DeleteFunc(page.Data, func(i api.JobItem) bool {
			return i.Result != query.Get("result") || query.Get("reason") != "" && i.Reason != query.Get("reason")
		})
		write(w, page)
	})
}
