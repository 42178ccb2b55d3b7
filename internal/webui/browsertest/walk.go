package browsertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// Views are the sizes and themes that are looked at.
var Views = []View{{1440, 900, false}, {1440, 900, true}, {390, 844, false}, {390, 844, true}}

// Walk goes the way of a reader, once in each view: asks a question that the
// server must answer with citations, reads the answer, opens each citation
// and finds the quoted words highlighted, looks at the hits and at the jobs.
func Walk(t *testing.T, b *Browser, base string, question string, views ...View) {
	for _, view := range views {
		t.Run(view.String(), func(t *testing.T) {
			tab := b.Open(t, view)
			ask(t, tab, base, question)
			citations(t, tab, view)
			hits(t, tab, view)
			fits(t, tab)
			jobs(t, tab, base)
			fits(t, tab)
		})
	}
}

func ask(t *testing.T, tab *Tab, base string, question string) {
	t.Helper()
	tab.Go(base + "/")
	tab.Wait("document.querySelector('#start h2')")
	tab.Shot("start")
	tab.Type("#question", question)
	tab.Press(kb.Enter)
	tab.Wait("document.querySelector('#answer')?.getAttribute('aria-busy') === 'false' && document.querySelector('a.cite.quoted')")
	var address string
	tab.Eval("location.pathname + location.search", &address)
	if address != "/" {
		t.Errorf("the question must stand in the fragment only, the address sends %q", address)
	}
	var policy string
	tab.Eval(`fetch("/").then((page) => page.headers.get("content-security-policy") ?? "")`, &policy)
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "trusted-types 'none'") {
		t.Errorf("the page runs under the policy %q", policy)
	}
	if got := tab.Text("#status"); !strings.Contains(got, "Answer complete") {
		t.Errorf("status %q, want it to say that the answer is complete", got)
	}
	tab.Shot("answer")
}

// shownWords are the words highlighted in the open document.
const shownWords = `[...document.querySelectorAll("mark.shown")].map((m) => m.textContent).join("")`

// citations opens every citation and compares what is highlighted with the
// stored text at the citation's bytes, as the API gives it.
func citations(t *testing.T, tab *Tab, view View) {
	t.Helper()
	var links []string
	tab.Eval(`[...new Set([...document.querySelectorAll(".answer-text a.cite")].map((a) => a.getAttribute("href")))]`, &links)
	if len(links) == 0 {
		t.Fatal("the answer cites nothing")
	}
	sheet := view.Width < 832
	for i, link := range links {
		chip := fmt.Sprintf(".answer-text a.cite[href=%q]", link)
		switch {
		case i == 0:
			tab.Click(chip)
		case sheet:
			tab.Eval(fmt.Sprintf("document.querySelector(%q).focus()", chip), nil)
			tab.Enter()
		default:
			tab.Press("n")
		}
		tab.Wait(fmt.Sprintf("document.querySelector('.proof nav span')?.textContent.startsWith('%d of')", i+1))
		tab.Wait(`document.querySelector("mark.shown")`)
		var stored, shown string
		tab.Eval(storedAt(link), &stored)
		tab.Eval(shownWords, &shown)
		if shown != stored || stored == "" {
			t.Errorf("citation %d highlights %q, its bytes hold %q", i+1, shown, stored)
		}
		tab.Wait(inView)
		if fault := tab.Text(".proof .state.bad"); fault != "" {
			t.Errorf("citation %d: %s", i+1, fault)
		}
		if i == min(1, len(links)-1) {
			tab.Shot("citation")
		}
		if sheet {
			tab.Wait(`document.activeElement?.classList.contains("close")`)
			tab.Press(kb.Escape)
			tab.Wait(`!document.querySelector(".evidence.open")`)
			var focus string
			tab.Eval(`document.activeElement?.getAttribute("href") ?? ""`, &focus)
			if focus != link {
				t.Errorf("closing the sheet left the focus at %q, want the chip %q", focus, link)
			}
		}
	}
	if sheet {
		return
	}
	tab.Press(kb.Escape)
	tab.Wait(`document.activeElement?.matches("a.cite")`)
	tab.Shot("preview")
}

// storedAt is an expression for the stored text at a chip's address.
func storedAt(link string) string {
	return fmt.Sprintf(`(async (link) => {
		const [, id, v, from, to] = /^\/d\/([^#]+)#v=(\d+)&b=(\d+)-(\d+)$/.exec(link);
		const answer = await fetch("/v1/documents/" + id + "/text?version=" + v + "&byte_start=" + from + "&byte_end=" + to);
		return (await answer.json()).text;
	})(%q)`, link)
}

// inView says that the highlighted words can be seen.
const inView = `(() => {
	const mark = document.querySelector("mark.shown").getBoundingClientRect();
	const frame = document.querySelector(".evidence .document").getBoundingClientRect();
	return mark.top >= frame.top && mark.top < frame.bottom && mark.left < frame.right;
})()`

func hits(t *testing.T, tab *Tab, view View) {
	t.Helper()
	tab.Press("j")
	tab.Wait(`document.querySelector(".hit.chosen[data-rank='1'] a") === document.activeElement`)
	tab.Press("e")
	tab.Wait(`document.querySelector("#explain[open] tbody tr")`)
	tab.Shot("explain")
	tab.Press(kb.Escape)
	tab.Wait(`!document.querySelector("#explain[open]")`)
	tab.Enter()
	tab.Wait(`document.querySelector("mark.shown") && document.querySelector(".proof .state").textContent === "Hit 1"`)
	if view.Width < 832 {
		tab.Wait(`document.activeElement?.classList.contains("close")`)
	}
	tab.Press(kb.Escape)
	tab.Wait(`document.querySelector(".hit.chosen a") === document.activeElement`)
}

func jobs(t *testing.T, tab *Tab, base string) {
	t.Helper()
	tab.Go(base + "/jobs")
	tab.Wait(`document.querySelector("#list [data-job]") && document.querySelector(".balance .sum")`)
	tab.Shot("jobs")
}

// fits checks that nothing makes the page scroll sideways.
func fits(t *testing.T, tab *Tab) {
	t.Helper()
	var over int
	tab.Eval("document.documentElement.scrollWidth - document.documentElement.clientWidth", &over)
	if over > 0 {
		t.Errorf("the page is %d pixels wider than the window", over)
	}
}
