package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Browser is a running headless browser.
type Browser struct {
	ctx   context.Context
	shots string
}

// names of the browsers that are looked for, in this order.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// Start starts a browser with an empty profile, or skips the test where there
// is none. Screenshots go to the folder shots; "" takes none.
func Start(t *testing.T, shots string) *Browser {
	t.Helper()
	path := ""
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skipf("no browser: none of %s is on the PATH", strings.Join(names, ", "))
	}
	if shots != "" {
		if err := os.MkdirAll(shots, 0o755); err != nil {
			t.Fatalf("make folder for screenshots: %v", err)
		}
	}
	flags := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.UserDataDir(t.TempDir()), chromedp.Headless,
	}
	for _, flag := range []string{
		"disable-gpu", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
		"disable-dev-shm-usage", "hide-scrollbars", "disable-default-apps", "disable-extensions", "metrics-recording-only",
	} {
		flags = append(flags, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(closeBrowser)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx: ctx, shots: shots}
}

// View is the size and theme of a tab.
type View struct {
	Width, Height int64
	Dark          bool
}

func (v View) String() string {
	theme := "light"
	if v.Dark {
		theme = "dark"
	}
	return fmt.Sprintf("%d-%s", v.Width, theme)
}

// Tab is one page. Whatever its console reports as an error, an exception or a
// breach of the content security policy fails the test, unless it was allowed.
type Tab struct {
	t     *testing.T
	ctx   context.Context
	shots string
	view  View

	mu      sync.Mutex
	faults  []string
	allowed []string
}

// Open opens an empty tab.
func (b *Browser) Open(t *testing.T, view View) *Tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(b.ctx)
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	tab := &Tab{t: t, ctx: ctx, shots: b.shots, view: view}
	scheme := "light"
	if view.Dark {
		scheme = "dark"
	}
	features := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	tab.do(
		chromedp.EmulateViewport(view.Width, view.Height),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, features)
			return err
		}),
	)
	messages := chromedp.Console(ctx)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for message, err := range messages {
			if err != nil {
				return // the tab was closed
			}
			tab.hear(message)
		}
	}()
	t.Cleanup(func() { <-read })
	t.Cleanup(func() {
		for _, fault := range tab.Faults() {
			t.Errorf("the page reported: %s", fault)
		}
		stop()
		closeTab()
	})
	return tab
}

// hear keeps what is a fault.
func (tab *Tab) hear(m chromedp.ConsoleMessage) {
	if m.Type != chromedp.ConsoleError && m.Type != chromedp.ConsoleWarning && m.Type != chromedp.ConsoleException {
		return
	}
	fault := fmt.Sprintf("%s: %s (%s:%d)", m.Type, m.Text, m.URL, m.Line)
	tab.mu.Lock()
	defer tab.mu.Unlock()
	for _, allowed := range tab.allowed {
		if strings.Contains(fault, allowed) {
			return
		}
	}
	tab.faults = append(tab.faults, fault)
}

// Allow says that reports which contain text are expected from now on.
func (tab *Tab) Allow(text string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.allowed = append(tab.allowed, text)
}

// Faults returns what the page has reported so far.
func (tab *Tab) Faults() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string(nil), tab.faults...)
}

func (tab *Tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	if err := chromedp.Do(tab.ctx, steps...); err != nil {
		tab.t.Fatalf("drive the browser: %v", err)
	}
}

// Go opens an address, also where only its fragment differs.
func (tab *Tab) Go(url string) {
	tab.t.Helper()
	tab.do(chromedp.Navigate("about:blank"), chromedp.Navigate(url))
}

// Eval evaluates an expression, waits for its promise, and decodes its value
// into out, which may be nil.
func (tab *Tab) Eval(expression string, out any) {
	tab.t.Helper()
	wrapped := "(async () => JSON.stringify(await (" + expression + ")) ?? 'null')()"
	value, err := chromedp.Run(tab.ctx, chromedp.Evaluate[string](wrapped, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("evaluate %s: %v", expression, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(value), out); err != nil {
		tab.t.Fatalf("evaluate %s: %v", expression, err)
	}
}

// Text returns the text of the first element that the selector finds, "" for
// none.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	var text string
	tab.Eval(fmt.Sprintf("document.querySelector(%q)?.textContent ?? ''", selector), &text)
	return text
}

// Wait waits until an expression is true.
func (tab *Tab) Wait(expression string) {
	tab.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		var is bool
		tab.Eval("Boolean("+expression+")", &is)
		if is {
			return
		}
		if time.Now().After(deadline) {
			tab.Shot("failed")
			tab.t.Fatalf("the page never came to %s\nit reads: %.600s", expression, tab.Text("main"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Click clicks the first element that the selector finds.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.Wait(fmt.Sprintf("document.querySelector(%q)", selector))
	tab.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Press presses a key, wherever the focus is.
func (tab *Tab) Press(key string) {
	tab.t.Helper()
	tab.do(chromedp.KeyEvent(key))
}

// Enter presses enter on a link that has the focus. Unlike Press it sends no
// character: the protocol would deliver that one later, to whatever has got the
// focus by then.
func (tab *Tab) Enter() {
	tab.t.Helper()
	tab.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
			key := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
			if _, err := cdp.Call(ctx, target, input.DispatchKeyEvent, key); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Type replaces the text in the field that the selector finds.
func (tab *Tab) Type(selector, text string) {
	tab.t.Helper()
	tab.Eval(fmt.Sprintf("((field) => { field.focus(); field.select(); })(document.querySelector(%q))", selector), nil)
	tab.Press(text)
}

// Upload chooses files in the field that the selector finds.
func (tab *Tab) Upload(selector string, files ...string) {
	tab.t.Helper()
	tab.do(chromedp.SetUploadFiles(chromedp.CSS(selector), files))
}

// Shot saves a screenshot, named for the view.
func (tab *Tab) Shot(name string) {
	tab.t.Helper()
	if tab.shots == "" {
		return
	}
	png, err := chromedp.Run(tab.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		tab.t.Fatalf("take screenshot: %v", err)
	}
	path := filepath.Join(tab.shots, name+"-"+tab.view.String()+".png")
	if err := os.WriteFile(path, png, 0o644); err != nil {
		tab.t.Fatalf("save screenshot: %v", err)
	}
}
