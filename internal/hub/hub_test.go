package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const commit = "0123456789abcdef0123456789abcdef01234567"

// fakeHub speaks the hub's paths: the API and small files on one host, large
// files on another, to which it redirects.
type fakeHub struct {
	t        *testing.T
	hub, cdn *httptest.Server
	small    map[string][]byte
	large    map[string][]byte
	extra    []string // listed only

	mu     sync.Mutex
	faults []func(w http.ResponseWriter, r *http.Request) bool // of the hub's files; each is used once
	cuts   []int                                               // bytes after which the CDN cuts, one per request
	ranges []string                                            // of requests to the CDN
	auth   map[string][]string                                 // Authorization by host kind
	etag   func() string                                       // of large files, in place of their hash
	bytes  func(path string) []byte                            // of large files, in place of their own
	quiet  bool                                                // the listing knows only paths
}

func newFakeHub(t *testing.T) *fakeHub {
	h := &fakeHub{t: t, auth: map[string][]string{},
		small: map[string][]byte{"config.json": []byte(`{"model_type":"bert"}`), "1_Pooling/config.json": []byte("{}")},
		large: map[string][]byte{"model.safetensors": []byte(strings.Repeat("weights ", 100_000))},
	}
	h.hub = httptest.NewServer(http.HandlerFunc(h.serveHub))
	h.cdn = httptest.NewServer(http.HandlerFunc(h.serveCDN))
	t.Cleanup(h.hub.Close)
	t.Cleanup(h.cdn.Close)
	return h
}

func hexSum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

func (h *fakeHub) serveHub(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.auth["hub"] = append(h.auth["hub"], r.Header.Get("Authorization"))
	if len(h.faults) > 0 {
		f := h.faults[0]
		h.faults = h.faults[1:]
		if f != nil && f(w, r) {
			return
		}
	}
	if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/models/org/name/revision/"); ok {
		if rest != "main" && rest != commit && rest != "refs%2Fpr%2F1" {
			w.Header().Set("X-Error-Code", "RevisionNotFound")
			w.WriteHeader(http.StatusNotFound)
			return
		}
		h.list(w)
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/org/name/resolve/"+commit+"/")
	if !ok {
		w.Header().Set("X-Error-Code", "RepoNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if body, ok := h.small[path]; ok {
		sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(body)), body...))
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(body)))
		return
	}
	body, ok := h.large[path]
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	tag := hexSum(body)
	if h.etag != nil {
		tag = h.etag()
	}
	w.Header().Set("X-Linked-Etag", `"`+tag+`"`)
	w.Header().Set("X-Linked-Size", strconv.Itoa(len(body)))
	w.Header().Set("Location", h.cdn.URL+"/repos/"+path+"?signature=x")
	w.WriteHeader(http.StatusFound)
}

func (h *fakeHub) list(w http.ResponseWriter) {
	type sibling map[string]any
	var siblings []sibling
	for p, b := range h.small {
		siblings = append(siblings, sibling{"rfilename": p, "size": len(b), "blobId": "x"})
	}
	for p, b := range h.large {
		siblings = append(siblings, sibling{"rfilename": p, "size": len(b), "lfs": map[string]any{"sha256": hexSum(b), "size": len(b)}})
	}
	for _, p := range h.extra {
		siblings = append(siblings, sibling{"rfilename": p})
	}
	if h.quiet {
		for _, s := range siblings {
			delete(s, "size")
			delete(s, "lfs")
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": siblings})
}

func (h *fakeHub) serveCDN(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.auth["cdn"] = append(h.auth["cdn"], r.Header.Get("Authorization"))
	h.ranges = append(h.ranges, r.Header.Get("Range"))
	path := strings.TrimPrefix(r.URL.Path, "/repos/")
	body := h.large[path]
	if h.bytes != nil {
		body = h.bytes(path)
	}
	if len(h.cuts) == 0 {
		w.Header().Set("ETag", `"of-the-cdn"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(body)))
		return
	}
	var from int
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); n == 1 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _ = w.Write(body[from:min(len(body), from+h.cuts[0])])
	h.cuts = h.cuts[1:]
	panic(http.ErrAbortHandler) // cuts the connection
}

// client returns a client whose waits take no time; they are recorded.
func (h *fakeHub) client(token string) (*Client, *[]time.Duration) {
	var waits []time.Duration
	c, err := New(Options{Endpoint: h.hub.URL, Token: token, MaxBytes: 1 << 20, Sleep: func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(c.Close)
	return c, &waits
}

// pull resolves and downloads everything.
func (h *fakeHub) pull(c *Client, dir string, pinned map[string]string) ([]File, error) {
	l, err := c.Resolve(h.t.Context(), Ref{ID: "org/name"})
	if err != nil {
		return nil, err
	}
	return c.Download(h.t.Context(), l, []string{"1_Pooling/config.json", "config.json", "model.safetensors"}, dir, pinned)
}

func (h *fakeHub) check(dir string) {
	h.t.Helper()
	for _, files := range []map[string][]byte{h.small, h.large} {
		for p, want := range files {
			got, err := os.ReadFile(filepath.Join(dir, p))
			if err != nil || string(got) != string(want) {
				h.t.Errorf("%s: %d bytes of %d, %v", p, len(got), len(want), err)
			}
		}
	}
	if parts, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(parts) > 0 {
		h.t.Errorf("left over: %v", parts)
	}
}

func TestPull(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		h := newFakeHub(t)
		h.quiet = quiet
		dir := t.TempDir()
		c, _ := h.client("secret")
		var last Progress
		c.o.Progress = func(p Progress) { last = p }
		files, err := h.pull(c, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.check(dir)
		if len(files) != 3 || files[2].SHA256 != hexSum(h.large["model.safetensors"]) || files[2].Size != 800_000 {
			t.Errorf("files %+v", files)
		}
		if last != (Progress{Path: "model.safetensors", Done: 800_000, Total: 800_000}) {
			t.Errorf("progress %+v", last)
		}
		for _, a := range h.auth["hub"] {
			if a != "Bearer secret" {
				t.Errorf("the hub was asked with %q", a)
			}
		}
		for _, a := range h.auth["cdn"] {
			if a != "" {
				t.Errorf("the token went to another host")
			}
		}
		// A second time nothing is read again.
		n := len(h.auth["cdn"])
		if _, err := h.pull(c, dir, nil); err != nil || len(h.auth["cdn"]) != n {
			t.Errorf("again: %v, %d requests", err, len(h.auth["cdn"])-n)
		}
	}
}

func TestResume(t *testing.T) {
	h := newFakeHub(t)
	dir := t.TempDir()
	h.cuts = []int{300_000, 200_000}
	c, waits := h.client("")
	if _, err := h.pull(c, dir, nil); err != nil {
		t.Fatal(err)
	}
	h.check(dir)
	if len(h.ranges) != 3 || h.ranges[0] != "" || !strings.HasPrefix(h.ranges[1], "bytes=") || h.ranges[1] == "bytes=0-" {
		t.Errorf("ranges %q", h.ranges)
	}
	if len(*waits) != 2 || (*waits)[0] <= 0 {
		t.Errorf("waits %v", *waits)
	}

	// A process that was stopped leaves a part, which another goes on with.
	h2, dir2 := newFakeHub(t), t.TempDir()
	h2.cuts = []int{400_000}
	c2, _ := h2.client("")
	c2.o.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
	if _, err := h2.pull(c2, dir2, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	c3, _ := h2.client("")
	if _, err := h2.pull(c3, dir2, nil); err != nil {
		t.Fatal(err)
	}
	h2.check(dir2)
	if last := h2.ranges[len(h2.ranges)-1]; last == "" {
		t.Error("the second process began anew")
	}
}

func TestServerNeverGetsAnywhere(t *testing.T) {
	h := newFakeHub(t)
	h.cuts = make([]int, 50)
	c, waits := h.client("")
	if _, err := h.pull(c, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("got %v", err)
	}
	if len(*waits) != maxAttempts-1 {
		t.Errorf("%d waits", len(*waits))
	}
}

func TestWrongBytes(t *testing.T) {
	h := newFakeHub(t)
	h.bytes = func(string) []byte { return []byte(strings.Repeat("Weights ", 100_000)) }
	dir := t.TempDir()
	c, _ := h.client("")
	if _, err := h.pull(c, dir, nil); !errors.Is(err, errWrong) || !strings.Contains(err.Error(), "model.safetensors") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); err == nil {
		t.Error("the wrong file was kept")
	}
	// Once wrong, then right: it is read again.
	h2, dir2 := newFakeHub(t), t.TempDir()
	n := 0
	h2.bytes = func(p string) []byte {
		if n++; n == 1 {
			return make([]byte, 800_000)
		}
		return h2.large[p]
	}
	c2, _ := h2.client("")
	if _, err := h2.pull(c2, dir2, nil); err != nil {
		t.Error(err)
	}
	h2.check(dir2)

	// A small file whose bytes are not those of its git hash.
	h3 := newFakeHub(t)
	h3.small["1_Pooling/config.json"] = []byte("other")
	wrong := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("ETag", `"1b5ab2d2c7e9b6a1c7a2f2f1e3c4b5a697887766"`)
		fmt.Fprint(w, "other")
		return true
	}
	h3.faults = []func(http.ResponseWriter, *http.Request) bool{nil, wrong, wrong, wrong, wrong}
	c3, _ := h3.client("")
	if _, err := h3.pull(c3, t.TempDir(), nil); !errors.Is(err, errWrong) || !strings.Contains(err.Error(), "git's hash") {
		t.Errorf("a wrong small file: %v", err)
	}
	h3.quiet = true
	if _, err := h3.pull(c3, t.TempDir(), map[string]string{"config.json": strings.Repeat("0", 64)}); !errors.Is(err, errWrong) {
		t.Errorf("a pin was not held: %v", err)
	}
	if _, err := h3.pull(c3, t.TempDir(), map[string]string{"model.safetensors": strings.Repeat("0", 64)}); !errors.Is(err, errWrong) || len(h3.ranges) != 0 {
		t.Errorf("a pin of a large file: %v after %d requests", err, len(h3.ranges))
	}
}

func TestEtagChangesBetweenRanges(t *testing.T) {
	h := newFakeHub(t)
	h.quiet = true
	h.cuts = []int{300_000}
	n := 0
	h.etag = func() string { n++; return fmt.Sprintf("v%d", min(n, 3)/3) } // the third request sees another file
	dir := t.TempDir()
	c, _ := h.client("")
	if _, err := h.pull(c, dir, nil); err != nil {
		t.Fatal(err)
	}
	h.check(dir)
	if last := h.ranges[len(h.ranges)-1]; last != "" {
		t.Errorf("bytes of two files were joined: the last range is %q", last)
	}

	h2 := newFakeHub(t)
	h2.quiet = true
	n2 := 0
	h2.etag = func() string { n2++; return strconv.Itoa(n2) }
	c2, _ := h2.client("")
	if _, err := h2.pull(c2, t.TempDir(), nil); !errors.Is(err, errChanged) {
		t.Errorf("a file that always changes: %v", err)
	}
}

func status(code int, header ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		return true
	}
}

func TestAnswers(t *testing.T) {
	type faults = []func(http.ResponseWriter, *http.Request) bool
	for name, c := range map[string]struct {
		token  string
		faults faults
		want   string // in the error; "" for success
		wait   time.Duration
	}{
		"gone":               {faults: faults{status(404, "X-Error-Code", "RepoNotFound")}, want: "there is no hf:org/name"},
		"gated":              {token: "t", faults: faults{status(401, "X-Error-Code", "GatedRepo")}, want: "accept its conditions"},
		"forbidden":          {faults: faults{nil, status(403)}, want: "HF_TOKEN"},
		"private":            {faults: faults{status(401)}, want: "set HF_TOKEN"},
		"bad token":          {token: "t", faults: faults{status(401)}, want: "token in HF_TOKEN is not accepted"},
		"busy, then fine":    {faults: faults{status(429, "Retry-After", "7"), status(503)}, wait: 7 * time.Second},
		"busy for an hour":   {faults: faults{status(429, "Retry-After", "3600")}, want: "asks to wait 1h0m0s"},
		"down":               {faults: faults{status(500), status(500), status(500), status(500), status(500), status(500)}, want: "500"},
		"file down, then up": {faults: faults{nil, status(502), status(504)}},
		"loop":               {faults: faults{redirects, redirects, redirects, redirects, redirects, redirects, redirects, redirects}, want: "more than 8 redirects"},
		"to a file":          {faults: faults{status(302, "Location", "file:///etc/passwd")}, want: "refused"},
		"no commit":          {faults: faults{func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, `{"sha":"../x"}`); return true }}, want: "names no commit"},
		"a login page":       {faults: faults{func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, `<html>`); return true }}, want: "no listing"},
		"other commit":       {faults: faults{nil, status(200, "X-Repo-Commit", strings.Repeat("f", 40), "Content-Length", "2")}, want: "answers with commit"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub(t)
			h.faults = c.faults
			client, waits := h.client(c.token)
			dir := t.TempDir()
			_, err := h.pull(client, dir, nil)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				h.check(dir)
				if c.wait > 0 && (*waits)[0] < c.wait {
					t.Errorf("waited %v", *waits)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func redirects(w http.ResponseWriter, r *http.Request) bool {
	http.Redirect(w, r, r.URL.Path, http.StatusFound)
	return true
}

func TestListingWithPathsOutside(t *testing.T) {
	for _, p := range []string{"../../etc/passwd", "/etc/passwd", "a/../../b", `..\x`, "", "c:x", "a//b"} {
		h := newFakeHub(t)
		h.extra = []string{p}
		c, _ := h.client("")
		if _, err := h.pull(c, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "no path inside") {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestHugeAndLyingSizes(t *testing.T) {
	h := newFakeHub(t)
	h.faults = []func(http.ResponseWriter, *http.Request) bool{nil, nil, nil, nil, nil,
		status(302, "X-Linked-Size", "99999999999999", "X-Linked-Etag", "x", "Location", "http://127.0.0.1:1/")}
	h.quiet = true
	c, _ := h.client("")
	if _, err := h.pull(c, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "99999999999999") || len(h.ranges) != 0 {
		t.Errorf("a huge file: %v", err)
	}
	// More bytes than were said.
	h2 := newFakeHub(t)
	h2.quiet = true
	h2.bytes = func(string) []byte { return make([]byte, 900_000) }
	c2, _ := h2.client("")
	if _, err := h2.pull(c2, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "more than the 800000 bytes") {
		t.Errorf("too many bytes: %v", err)
	}
}

func TestOffline(t *testing.T) {
	h := newFakeHub(t)
	h.hub.Close()
	c, waits := h.client("")
	_, err := h.pull(c, t.TempDir(), nil)
	if err == nil || !strings.Contains(err.Error(), "quarry model import") || !strings.Contains(err.Error(), "HF_ENDPOINT") {
		t.Errorf("got %v", err)
	}
	if len(*waits) != maxUnreachable-1 {
		t.Errorf("%d waits", len(*waits))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Resolve(ctx, Ref{ID: "org/name"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestStall(t *testing.T) {
	h := newFakeHub(t)
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "800000")
		if r.Method == http.MethodGet {
			_, _ = w.Write(make([]byte, 1000))
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	}))
	defer slow.Close()
	defer close(release)
	h.cdn.Config.Handler = nil // the hub sends to the slow one
	h.cdn.URL = slow.URL
	c, _ := h.client("")
	c.o.Stall = 20 * time.Millisecond
	c.o.Sleep = func(context.Context, time.Duration) error { return errors.New("enough") }
	l, err := c.Resolve(t.Context(), Ref{ID: "org/name"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Download(t.Context(), l, []string{"model.safetensors"}, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("got %v", err)
	}
}

func TestParseRef(t *testing.T) {
	for s, want := range map[string]Ref{
		"hf:org/name":             {ID: "org/name"},
		"hf:org/na.me@v1.0":       {ID: "org/na.me", Revision: "v1.0"},
		"hf:org/name@refs/pr/1":   {ID: "org/name", Revision: "refs/pr/1"},
		"hf:org/name@" + commit:   {ID: "org/name", Revision: commit},
		"org/name":                {},
		"hf:name":                 {},
		"hf:org/name/more":        {},
		"hf:../name":              {},
		"hf:org/na..me":           {},
		"hf:org/name@":            {},
		"hf:org/name@a b":         {},
		"hf:org/name@../../x":     {},
		"hf:org/name?x=1":         {},
		"hf:org/name@main?x=true": {},
	} {
		got, err := ParseRef(s)
		if got != want || (err == nil) != (want.ID != "") {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
		if err == nil && got.String() != s {
			t.Errorf("%q is printed as %q", s, got)
		}
	}
}
