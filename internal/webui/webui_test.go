package webui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPagesAndTheirAssetsAreServed(t *testing.T) {
	h := New(Options{Model: "all-MiniLM-L6-v2", Principal: "local <admin>"})
	link := regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`)
	seen := map[string]bool{}
	for _, path := range []string{"/", "/jobs", "/jobs/j_1", "/collections", "/collections/main", "/d/doc1"} {
		w := get(t, h, path)
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("GET %s: status %d, type %q", path, w.Code, w.Header().Get("Content-Type"))
		}
		if got := w.Header().Get("Cache-Control"); got != "no-cache" {
			t.Errorf("GET %s: Cache-Control %q, want no-cache", path, got)
		}
		if strings.Contains(w.Body.String(), "<admin>") {
			t.Errorf("GET %s: an option was written as markup", path)
		}
		for _, found := range link.FindAllStringSubmatch(w.Body.String(), -1) {
			seen[found[1]] = true
		}
	}
	for path := range seen {
		w := get(t, h, path)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("GET %s: status %d, Cache-Control %q", path, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if len(seen) < 20 {
		t.Errorf("pages name %d assets, too few to be true", len(seen))
	}
}

func TestEveryModuleIsOnSomePage(t *testing.T) {
	assets, base := loadAssets()
	var all strings.Builder
	for _, page := range renderPages(Options{}, assets, base) {
		all.Write(page.plain)
	}
	for path := range assets {
		if !strings.Contains(all.String(), base+path) {
			t.Errorf("%s is embedded but no page names it", path)
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	h := New(Options{})
	for _, path := range []string{"/quality", "/v1/search", "/jobs/a/b", "/assets/0/js/ask.js", "/d/"} {
		if w := get(t, h, path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", path, w.Code)
		}
	}
	if body := get(t, h, "/quality").Body.String(); !strings.Contains(body, "There is no such page") {
		t.Error("the 404 page does not say so")
	}
}

func TestSecurityHeaders(t *testing.T) {
	h := New(Options{})
	inline := regexp.MustCompile(`(?i)<script(?: [^>]*)?>[^<]|<style|\sstyle=|\son\w+=|javascript:`)
	for _, path := range []string{"/", "/jobs", "/collections", "/d/x", "/nothing"} {
		w := get(t, h, path)
		csp := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("GET %s: policy %q lacks %q", path, csp, want)
			}
		}
		if w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: headers %v", path, w.Header())
		}
		if found := inline.FindString(w.Body.String()); found != "" {
			t.Errorf("GET %s: inline %q, which the policy forbids", path, found)
		}
	}
}

func TestModulesNeverMakeMarkupFromText(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|setHTML|https?://(?:[^w]|w[^w])`)
	assets, _ := loadAssets()
	for path, asset := range assets {
		if found := forbidden.Find(asset.plain); found != nil && strings.HasPrefix(path, "js/") {
			t.Errorf("%s uses %s", path, found)
		}
	}
}

func TestCompressionAndRevalidation(t *testing.T) {
	h := New(Options{})
	plain := get(t, h, "/")
	zipped := get(t, h, "/", "Accept-Encoding", "br, gzip;q=0.8")
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", zipped.Header())
	}
	zr, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(zr)
	if err != nil || !bytes.Equal(body, plain.Body.Bytes()) {
		t.Errorf("unzipped %d bytes, %v; plain has %d", len(body), err, plain.Body.Len())
	}
	if got := get(t, h, "/", "Accept-Encoding", "gzip;q=0").Header().Get("Content-Encoding"); got != "" {
		t.Errorf("refused gzip, got %q", got)
	}
	again := get(t, h, "/", "Accept-Encoding", "gzip", "If-None-Match", zipped.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("revalidation: status %d with %d bytes", again.Code, again.Body.Len())
	}
}

// The console may weigh 100 kB in all, and its first page 60 kB, compressed.
func TestBudget(t *testing.T) {
	assets, base := loadAssets()
	pages := renderPages(Options{}, assets, base)
	total, first := 0, len(pages["ask"].zipped)
	for path, asset := range assets {
		total += len(asset.zipped)
		if strings.Contains(string(pages["ask"].plain), base+path) {
			first += len(asset.zipped)
		}
	}
	for _, page := range pages {
		total += len(page.zipped)
	}
	t.Logf("all %d bytes, ask %d bytes, compressed", total, first)
	if total > 100_000 || first > 60_000 {
		t.Errorf("all %d bytes, ask %d bytes, compressed: over the budget", total, first)
	}
}
