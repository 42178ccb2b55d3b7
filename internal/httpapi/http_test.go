package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler makes the handler over f, with options changed by adjust.
func handler(t *testing.T, f *fake, adjust ...func(*Options)) http.Handler {
	t.Helper()
	o := f.options()
	for _, a := range adjust {
		a(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// do sends one request; header values come in pairs.
func do(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, "http://localhost:8080"+path, r)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// body decodes a response strictly: a member that the wire type lacks is an
// error.
func body[T any](t *testing.T, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var out T
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return out
}

// problemIn checks that a response is a whole problem.
func problemIn(t *testing.T, w *httptest.ResponseRecorder, status int) api.Problem {
	t.Helper()
	p := body[api.Problem](t, w, status)
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type %q", ct)
	}
	if p.Status != status || p.Title == "" || p.Detail == "" || p.Type != problemType+p.Code || p.RequestID == "" || p.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("incomplete problem %s", w.Body)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		if w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	return p
}
