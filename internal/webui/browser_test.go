package webui

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/quarry-search/quarry/internal/webui/browsertest"
)

var shots = flag.String("shots", "", "folder to save screenshots to")

// serve runs the console over a fake API.
func serve(t *testing.T, f *fakeServer, quotes []quotation) string {
	t.Helper()
	mux := http.NewServeMux()
	f.mount(t, mux, quotes)
	mux.Handle("/", New(Options{
		Version: "0.1.0", Network: "Local only. Nothing leaves this machine.", Model: "all-MiniLM-L6-v2, built in, 384 dimensions",
		Generator: "extractive", Data: "./quarry-data", Index: "embedded", Access: "No keys. Only this machine can connect.", Principal: "local administrator",
	}))
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

const runbook = `Introduction

This handbook says how the orders database is run, and by whom.

When the primary stops taking writes

Most alarms of this kind end by themselves: a long checkpoint, a full connection pool, a network that blinked. A promotion that was not needed costs more than a minute of waiting, so look before you act.

Do not promote on one failed probe. The primary counts as down when two of the three probes have failed for thirty seconds. The probes run in different racks; the panel shows which of them still get through.

If it is up but read-only, free disk space first. It returns to normal at the next checkpoint, without a promotion.

Fence, then promote

Fence the old primary before anything else: an old primary that comes back and still takes writes splits the history in two. Then promote the replica that has replayed furthest. Compare replay positions, not clocks.

Afterwards, watch the pool until every service has reconnected. Services that pin an address need a restart; they are listed in the appendix.

Rebuild the old primary as a replica on the same day. Until then the cluster runs with one copy less than it was designed for.
`

const promote = `package failover

// maxLag is how far a replica may be behind
// and still become the primary.
const maxLag = 16 << 20 // bytes

// Promote makes replica r the primary.
func (c *Controller) Promote(ctx context.Context, r Replica, o Options) error {
	lag, err := c.lag(ctx, r)
	if err != nil {
		return fmt.Errorf("measure lag of %s: %w", r, err)
	}
	if lag > maxLag && !o.AcceptLoss {
		return &BehindError{Replica: r, LagBytes: lag}
	}
	if err := c.fence(ctx, c.primary); err != nil {
		return fmt.Errorf("fence %s: %w", c.primary, err)
	}
	return c.swap(ctx, r)
}
`

const review = `# Storage review

Held on 12 March, with everyone who was on call in February.

## Decisions

If we would lose writes, two people decide,
and one of them is from storage. Nobody should have to carry that alone at night.

- The **flag** stays, but has to name the second person.
- Jonas writes it into the runbook — “before April” — and the controller asks for it. 🔒

` + "It is kept in `failover/promote.go`.\n\n```sh\nquarry ask \"who decides?\"   # runs anywhere\n```\n"

func handbook() *fakeServer {
	filler := strings.Repeat("Replication is watched from three racks, and each of them keeps its own clock and its own counsel.\n\n", 400)
	long := filler + runbook + filler
	return &fakeServer{docs: []fakeDocument{
		{id: "d1", uri: "runbooks/orders/running.pdf", title: "Running the orders database", kind: "pdf", text: long, version: 7,
			pages: []int{0, len(filler), strings.Index(long, "When the primary"), strings.Index(long, "Fence, then"), len(filler) + len(runbook)}},
		{id: "d2", uri: "services/failover/promote.go", title: "promote.go", kind: "code", text: promote, lines: true, version: 23},
		{id: "d3", uri: "meetings/storage/2026-03-12.md", title: "Storage review, 12 March", kind: "markdown", text: review, lines: true, version: 1},
	}}
}

var quotes = []quotation{
	{0, "The primary counts as down when two of the three probes have failed for thirty seconds."},
	{0, "Fence the old primary before anything else: an old primary that comes back and still takes writes splits the history in two."},
	{1, "\tif lag > maxLag && !o.AcceptLoss {\n\t\treturn &BehindError{Replica: r, LagBytes: lag}\n\t}\n"},
	{2, "If we would lose writes, two people decide,\nand one of them is from storage."},
	{2, "Jonas writes it into the runbook — “before April” — and the controller asks for it. 🔒"},
}

const question = "What do we do when the orders primary stops taking writes?"

func TestBrowserWalk(t *testing.T) {
	b := browsertest.Start(t, *shots)
	f := handbook()
	f.delay = time.Millisecond
	browsertest.Walk(t, b, serve(t, f, quotes), question, browsertest.Views[0], browsertest.Views[3])
}

func TestBrowserVerdictsDegradedAndLostLine(t *testing.T) {
	b := browsertest.Start(t, *shots)
	f := handbook()
	f.degraded, f.break1, f.delay = []string{"rerank"}, true, time.Millisecond
	base := serve(t, f, quotes)
	for _, view := range []browsertest.View{browsertest.Views[0], browsertest.Views[3]} {
		tab := b.Open(t, view)
		tab.Allow("ERR_INCOMPLETE_CHUNKED_ENCODING")
		tab.Go(base + "/#q=all+verdicts&cite=2")
		tab.Wait(`document.querySelector("#answer")?.getAttribute("aria-busy") === "false" && document.querySelector("mark.shown")`)
		if got := tab.Text(".verdicts"); got != "1 quoted1 supported1 partial1 unsupported1 uncited" {
			t.Errorf("legend %q", got)
		}
		notices := tab.Text("#notices")
		if !strings.Contains(notices, "Degraded: rerank") || view == browsertest.Views[0] && !strings.Contains(notices, "Line lost") {
			t.Errorf("notices %q, want the degraded stage, and the lost line once", notices)
		}
		if got := tab.Text(".proof nav span"); got != "2 of 4" {
			t.Errorf("the address asks for citation 2, shown is %q", got)
		}
		tab.Shot("verdicts")
	}
}

func TestBrowserAbstainsFailsAndIsEmpty(t *testing.T) {
	b := browsertest.Start(t, *shots)
	base, empty := serve(t, handbook(), quotes), serve(t, &fakeServer{}, nil)
	for _, view := range []browsertest.View{browsertest.Views[0], browsertest.Views[3]} {
		tab := b.Open(t, view)
		tab.Go(base + "/#q=what+is+for+lunch")
		tab.Wait(`document.querySelector(".abstained")`)
		if tab.Text("a.cite") != "" {
			t.Error("an abstention cites")
		}
		tab.Shot("abstained")

		tab.Allow("503 (Service Unavailable)")
		tab.Go(base + "/#q=a+problem")
		tab.Wait(`document.querySelector("[role=alert]")`)
		if got := tab.Text("[role=alert]"); !strings.Contains(got, "still being built") || !strings.Contains(got, "01jdr7s3kq") || !strings.Contains(got, "Try again") {
			t.Errorf("alert %q lacks detail, request or a way on", got)
		}
		tab.Shot("problem")

		tab.Go(empty + "/")
		tab.Wait(`document.querySelector(".ways")`)
		tab.Shot("empty")
	}
}

// A document that tries everything is shown as the text that it is.
func TestBrowserShowsHostileTextAsText(t *testing.T) {
	b := browsertest.Start(t, *shots)
	hostile := "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=1</script> \u202egpj.exe and \u0007 a bell, \U000e0041\u200b tagged.\n" +
		"[click](javascript:window.pwned=1) {{constructor.constructor('window.pwned=1')()}}\n" + strings.Repeat("a", 60_000) + "\n"
	f := &fakeServer{docs: []fakeDocument{{id: "evil", uri: "in/<b>evil</b>\u202e.txt", title: "<i>evil</i>\u202e", kind: "text", text: hostile, lines: true, version: 2}}}
	base := serve(t, f, []quotation{{0, strings.SplitAfter(hostile, "\n")[0]}})
	tab := b.Open(t, browsertest.View{Width: 1440, Height: 900})
	for _, path := range []string{"/#q=evil&cite=1", "/d/evil", "/collections", "/jobs/j_7f21?result=skipped"} {
		tab.Go(base + path)
		tab.Wait(`document.querySelector(".odd")`)
		var pwned, markup bool
		tab.Eval("Boolean(window.pwned)", &pwned)
		tab.Eval(`Boolean(document.querySelector("main :is(img, script, i:not([aria-hidden] i), iframe)"))`, &markup)
		if pwned || markup {
			t.Errorf("%s: hostile text became markup (ran: %v)", path, pwned)
		}
	}
	tab.Go(base + "/#q=evil&cite=1")
	tab.Wait(`document.querySelector("mark.shown .odd")`)
	var shown string
	tab.Eval(`[...document.querySelectorAll("mark.shown")].map((m) => m.textContent).join("")`, &shown)
	want := strings.NewReplacer("\u202e", "U+202E", "\u0007", "U+0007", "\U000e0041", "U+E0041", "\u200b", "U+200B").Replace(strings.SplitAfter(hostile, "\n")[0])
	if shown != want {
		t.Errorf("shown is %q, want %q", shown, want)
	}
	tab.Shot("hostile")
}

// While words come in nothing moves, and no one is told of each.
func TestBrowserStreamsWithoutMovingAnything(t *testing.T) {
	b := browsertest.Start(t, *shots)
	f := handbook()
	f.delay = 8 * time.Millisecond
	base := serve(t, f, []quotation{quotes[0], quotes[1], quotes[3]})
	tab := b.Open(t, browsertest.Views[0])
	tab.Go(base + "/#q=writes")
	tab.Eval(`(() => {
		window.shift = 0; window.told = [];
		new PerformanceObserver((list) => { for (const e of list.getEntries()) window.shift += e.value; }).observe({ type: "layout-shift", buffered: true });
		new MutationObserver(() => window.told.push(document.querySelector("#status").textContent)).observe(document.querySelector("#status"), { childList: true });
	})()`, nil)
	tab.Wait(`document.querySelectorAll(".sentence").length > 2`)
	tab.Shot("streaming")
	tab.Wait(`document.querySelector("#answer").getAttribute("aria-busy") === "false"`)
	var shift float64
	var told []string
	tab.Eval("window.shift", &shift)
	tab.Eval("window.told", &told)
	if len(told) > 3 {
		t.Errorf("told %d times: %q", len(told), told)
	}
	if t.Logf("layout shift %.4f", shift); shift > 0.001 {
		t.Errorf("layout shift %.4f, want at most 0.001", shift)
	}
}

func TestBrowserDocumentPage(t *testing.T) {
	b := browsertest.Start(t, *shots)
	base := serve(t, handbook(), quotes)
	span := handbook().docs[0].span(t, quotes[0].quote)
	for _, view := range []browsertest.View{browsertest.Views[0], browsertest.Views[3]} {
		tab := b.Open(t, view)
		tab.Go(base + "/d/d1#v=7&b=" + strconv.Itoa(span.ByteStart) + "-" + strconv.Itoa(span.ByteEnd))
		tab.Wait(`document.querySelector("mark.shown")`)
		if got := tab.Text("mark.shown"); got != quotes[0].quote {
			t.Errorf("highlighted %q", got)
		}
		tab.Shot("document")
		tab.Go(base + "/collections")
		tab.Wait(`document.querySelectorAll("tbody tr").length > 3`)
		tab.Shot("collections")
		tab.Go(base + "/jobs/j_7f21?result=failed&reason=timeout")
		tab.Wait(`document.querySelector(".why")`)
		if got := tab.Text(".split tbody"); !strings.Contains(got, "ledger-2019") || strings.Contains(got, "supplier-7") {
			t.Errorf("reason timeout lists %q", got)
		}
	}
}

func TestBrowserKeysAndTheme(t *testing.T) {
	b := browsertest.Start(t, *shots)
	base := serve(t, handbook(), quotes)
	tab := b.Open(t, browsertest.Views[0])
	tab.Go(base + "/#q=writes&cite=3")
	tab.Wait(`document.querySelector("mark.shown")`)
	tab.Shot("code")

	tab.Press("/")
	tab.Wait(`document.activeElement.id === "question"`)
	tab.Type("#question", "n?") // typed, not obeyed
	tab.Wait(`document.activeElement.value === "n?" && !document.querySelector("dialog[open]")`)
	tab.Eval("document.activeElement.blur()", nil)
	tab.Press("?")
	tab.Wait(`document.querySelector("#keys[open] dl").textContent.includes("next citation")`)
	tab.Shot("keys")
	tab.Click("#single-keys")
	tab.Press(kb.Escape)
	tab.Wait(`!document.querySelector("dialog[open]")`)
	tab.Press("p")
	if got := tab.Text(".proof nav span"); got != "3 of 5" {
		t.Errorf("single keys are off, but p went to %q", got)
	}

	tab.Click("#theme")
	tab.Wait(`getComputedStyle(document.body).backgroundColor === "rgb(16, 19, 18)"`)
	tab.Go(base + "/jobs")
	tab.Wait(`getComputedStyle(document.body).backgroundColor === "rgb(16, 19, 18)"`)
	tab.Go(base + "/jobs?theme=light")
	tab.Wait(`getComputedStyle(document.body).backgroundColor === "rgb(241, 243, 240)"`)

	tab.Go(base + "/#q=writes")
	tab.Wait(`document.querySelector("a.cite.quoted")`)
	tab.Eval(`document.querySelector(".skip").click()`, nil)
	tab.Wait(`document.activeElement.id === "main" && location.hash === "#q=writes"`)
}

// At 320 pixels, which is also a zoom of 400 %, nothing scrolls sideways.
func TestBrowserReflows(t *testing.T) {
	b := browsertest.Start(t, *shots)
	base := serve(t, handbook(), quotes)
	tab := b.Open(t, browsertest.View{Width: 320, Height: 640})
	for _, path := range []string{"/", "/#q=all+verdicts", "/jobs", "/collections", "/d/d3"} {
		tab.Go(base + path)
		tab.Wait(`document.querySelector("main :is(h1, h2)")?.textContent && !document.querySelector(".bars")`)
		var over int
		tab.Eval("document.documentElement.scrollWidth - innerWidth", &over)
		if over > 0 {
			t.Errorf("%s is %d pixels too wide", path, over)
		}
	}
}
