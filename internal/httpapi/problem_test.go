package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/internal/rag"
)

func TestProblems(t *testing.T) {
	f := newFake()
	open := f.add("docs", "a.txt", "text", "user:ana")
	f.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) { return rag.SearchResult{}, nil }
	f.onFolder = func(string, string) error {
		return &rag.Error{Code: rag.CodeForbidden, Field: "/path", Message: "not a folder of this server"}
	}
	h := handler(t, f)
	long := strings.Repeat("x", 9000)
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code                     rag.Code
		pointer                  string
	}{
		{"unknown route", "GET", "/v1/nowhere", "", nil, 404, rag.CodeNotFound, ""},
		{"unknown page", "GET", "/nowhere", "", nil, 404, rag.CodeNotFound, ""},
		{"wrong method", "DELETE", "/v1/search", "", nil, 405, rag.CodeMethod, ""},
		{"no body", "POST", "/v1/search", "", nil, 400, rag.CodeInvalid, ""},
		{"no JSON", "POST", "/v1/search", `{"query":`, nil, 400, rag.CodeInvalid, ""},
		{"other media type", "POST", "/v1/search", `query`, []string{"Content-Type", "text/plain"}, 415, rag.CodeUnsupported, ""},
		{"unknown member", "POST", "/v1/search", `{"query":"x","limit":3}`, nil, 422, rag.CodeInvalid, "/limit"},
		{"missing member", "POST", "/v1/search", `{}`, nil, 422, rag.CodeInvalid, ""},
		{"blank query", "POST", "/v1/search", `{"query":" \n"}`, nil, 422, rag.CodeInvalid, "/query"},
		{"long query", "POST", "/v1/search", `{"query":"` + long + `"}`, nil, 422, rag.CodeInvalid, "/query"},
		{"wrong type", "POST", "/v1/search", `{"query":7}`, nil, 422, rag.CodeInvalid, "/query"},
		{"wrong inner type", "POST", "/v1/search", `{"query":"x","collections":["a",7]}`, nil, 422, rag.CodeInvalid, "/collections/1"},
		{"as of nothing", "POST", "/v1/search", `{"query":"x","as_of":"yesterday"}`, nil, 422, rag.CodeInvalid, "/as_of"},
		{"unknown order", "POST", "/v1/search", `{"sort":[{"field":"kind","order":"up"}]}`, nil, 422, rag.CodeInvalid, "/sort/0/order"},
		{"facet without field", "POST", "/v1/search", `{"query":"x","facets":[{"limit":3}]}`, nil, 422, rag.CodeInvalid, "/facets/0"},
		{"unknown group", "POST", "/v1/search", `{"query":"x","group_by":"kind"}`, nil, 422, rag.CodeInvalid, "/group_by"},
		{"size without group", "POST", "/v1/search", `{"query":"x","group_size":2}`, nil, 422, rag.CodeInvalid, "/group_size"},
		{"sorted answer", "POST", "/v1/answers", `{"query":"x","sort":[{"field":"kind"}]}`, nil, 422, rag.CodeInvalid, "/sort"},
		{"answer to nothing", "POST", "/v1/answers", `{"facets":[{"field":"kind"}]}`, nil, 422, rag.CodeInvalid, "/query"},
		{"unknown mode", "POST", "/v1/search", `{"query":"x","mode":"fuzzy"}`, nil, 422, rag.CodeInvalid, "/mode"},
		{"unknown rerank", "POST", "/v1/answers", `{"query":"x","rerank":"llm"}`, nil, 422, rag.CodeInvalid, "/rerank"},
		{"unknown wait", "POST", "/v1/search", `{"query":"x","wait":"forever"}`, nil, 422, rag.CodeInvalid, "/wait"},
		{"top_k too large", "POST", "/v1/search", `{"query":"x","top_k":1001}`, nil, 422, rag.CodeInvalid, "/top_k"},
		{"top_k zero", "POST", "/v1/search", `{"query":"x","top_k":0}`, nil, 422, rag.CodeInvalid, "/top_k"},
		{"weight", "POST", "/v1/search", `{"query":"x","dense_weight":1.5}`, nil, 422, rag.CodeInvalid, "/dense_weight"},
		{"unknown filter operator", "POST", "/v1/search", `{"query":"x","filter":{"a":{"$near":1}}}`, nil, 422, rag.CodeFilter, "/filter/a/$near"},
		{"filter on answers", "POST", "/v1/answers", `{"query":"x","filter":{"type":"eq","key":"a"}}`, nil, 422, rag.CodeFilter, "/filter"},
		{"body too large", "POST", "/v1/search", `{"query":"` + strings.Repeat("x", maxQueryBody) + `"}`, nil, 413, rag.CodeTooLarge, ""},
		{"unknown parameter", "GET", "/v1/collections?page=2", "", nil, 422, rag.CodeInvalid, "page"},
		{"limit", "GET", "/v1/collections?limit=0", "", nil, 422, rag.CodeInvalid, "limit"},
		{"limit no number", "GET", "/v1/collections?limit=ten", "", nil, 422, rag.CodeInvalid, "limit"},
		{"made-up cursor", "GET", "/v1/collections?after=ZG9jcw", "", nil, 400, rag.CodeInvalid, "after"},
		{"collection name", "POST", "/v1/collections", `{"name":"No Spaces"}`, nil, 422, rag.CodeInvalid, "/name"},
		{"collection taken", "POST", "/v1/collections", `{"name":"docs"}`, nil, 409, rag.CodeConflict, "/name"},
		{"collection unknown", "GET", "/v1/collections/other", "", nil, 404, rag.CodeNotFound, ""},
		{"alter unknown", "PATCH", "/v1/collections/other", `{"description":"x"}`, nil, 404, rag.CodeNotFound, ""},
		{"alter stale", "PATCH", "/v1/collections/docs", `{"description":"x"}`, []string{"If-Match", `"99"`}, 412, rag.CodePrecondition, ""},
		{"alter weak etag", "PATCH", "/v1/collections/docs", `{}`, []string{"If-Match", `W/"1"`}, 400, rag.CodeInvalid, "If-Match"},
		{"drop stale", "DELETE", "/v1/collections/docs", "", []string{"If-Match", `"99"`}, 412, rag.CodePrecondition, ""},
		{"list of unknown", "GET", "/v1/collections/other/documents", "", nil, 404, rag.CodeNotFound, ""},
		{"document unknown", "GET", "/v1/documents/nope", "", nil, 404, rag.CodeNotFound, ""},
		{"version unknown", "GET", "/v1/documents/" + open.ID + "?version=9", "", nil, 404, rag.CodeNotFound, ""},
		{"version zero", "GET", "/v1/documents/" + open.ID + "?version=0", "", nil, 422, rag.CodeInvalid, "version"},
		{"window", "GET", "/v1/documents/" + open.ID + "/text?byte_start=3&byte_end=2", "", nil, 400, rag.CodeInvalid, "byte_end"},
		{"delete stale", "DELETE", "/v1/documents/" + open.ID, "", []string{"If-Match", `"99"`}, 412, rag.CodePrecondition, ""},
		{"access null", "PUT", "/v1/documents/" + open.ID + "/access", `{"access":null}`, nil, 422, rag.CodeInvalid, "/access"},
		{"access blank", "PUT", "/v1/documents/" + open.ID + "/access", `{"access":["a"," "]}`, nil, 422, rag.CodeInvalid, "/access/1"},
		{"access unknown", "PUT", "/v1/documents/nope/access", `{"access":[]}`, nil, 404, rag.CodeNotFound, ""},
		{"put no JSON", "POST", "/v1/collections/docs/documents", `{`, nil, 400, rag.CodeInvalid, ""},
		{"put trailing", "POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x"}{}`, nil, 400, rag.CodeInvalid, ""},
		{"put list", "POST", "/v1/collections/docs/documents", `[]`, nil, 400, rag.CodeInvalid, ""},
		{"put unknown member", "POST", "/v1/collections/docs/documents", `{"uri":"a","txt":"x"}`, nil, 422, rag.CodeInvalid, "/txt"},
		{"put wrong type", "POST", "/v1/collections/docs/documents", `{"uri":7,"text":"x"}`, nil, 422, rag.CodeInvalid, "/uri"},
		{"put nameless", "POST", "/v1/collections/docs/documents", `{"text":"x"}`, nil, 422, rag.CodeInvalid, "/uri"},
		{"put both contents", "POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x","content_base64":"eA=="}`, nil, 422, rag.CodeInvalid, "/text"},
		{"put base64", "POST", "/v1/collections/docs/documents", `{"uri":"a","content_base64":"%"}`, nil, 422, rag.CodeInvalid, "/content_base64"},
		{"put control character", "POST", "/v1/collections/docs/documents", `{"uri":"a\nb","text":"x"}`, nil, 422, rag.CodeInvalid, "/uri"},
		{"put id", "POST", "/v1/collections/docs/documents", `{"id":"a b","text":"x"}`, nil, 422, rag.CodeInvalid, "/id"},
		{"put media type", "POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x","media_type":"markdown"}`, nil, 422, rag.CodeInvalid, "/media_type"},
		{"put reserved attribute", "POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x","attributes":{"kind":"pdf"}}`, nil, 422, rag.CodeInvalid, "/attributes/kind"},
		{"put nested attribute", "POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x","attributes":{"a":{"b":1}}}`, nil, 422, rag.CodeInvalid, "/attributes/a"},
		{"put null attribute", "POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x","attributes":{"a":null}}`, nil, 422, rag.CodeInvalid, "/attributes/a"},
		{"put attribute key", "POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x","attributes":{"a/b":1}}`, nil, 422, rag.CodeInvalid, "/attributes/a~1b"},
		{"put empty document", "POST", "/v1/collections/docs/documents", `{"uri":"a","text":""}`, nil, 422, rag.CodeRefused, ""},
		{"put other id", "PUT", "/v1/collections/docs/documents/one", `{"id":"two","text":"x"}`, nil, 422, rag.CodeInvalid, "/id"},
		{"put existing", "POST", "/v1/collections/docs/documents", `{"uri":"a.txt","text":"x"}`, []string{"If-None-Match", "*"}, 409, rag.CodeConflict, ""},
		{"put if-none-match", "POST", "/v1/collections/docs/documents", `{"uri":"a.txt","text":"x"}`, []string{"If-None-Match", `"1"`}, 422, rag.CodeInvalid, "If-None-Match"},
		{"batch into unknown", "POST", "/v1/collections/other/batch", `{}`, nil, 404, rag.CodeNotFound, ""},
		{"job unknown", "GET", "/v1/jobs/j9", "", nil, 404, rag.CodeNotFound, ""},
		{"job items unknown", "GET", "/v1/jobs/j9/items", "", nil, 404, rag.CodeNotFound, ""},
		{"job items result", "GET", "/v1/jobs/j9/items?result=lost", "", nil, 422, rag.CodeInvalid, "result"},
		{"job items reason", "GET", "/v1/jobs/j9/items?reason=bored", "", nil, 422, rag.CodeInvalid, "reason"},
		{"job folder", "POST", "/v1/jobs", `{"collection":"docs","path":"/etc"}`, nil, 403, rag.CodeForbidden, "/path"},
		{"cancel unknown", "POST", "/v1/jobs/j9/cancel", "", nil, 404, rag.CodeNotFound, ""},
		{"rebound host", "GET", "/v1/collections", "", []string{"Host", "evil.example:8080"}, 403, rag.CodeOrigin, ""},
		{"other site reads", "GET", "/v1/collections", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, rag.CodeOrigin, ""},
		{"other port reads", "GET", "/v1/collections", "", []string{"Sec-Fetch-Site", "same-site"}, 403, rag.CodeOrigin, ""},
		{"other site writes", "POST", "/v1/search", `{"query":"x"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, rag.CodeOrigin, ""},
		{"other origin writes", "POST", "/v1/search", `{"query":"x"}`, []string{"Origin", "http://evil.example"}, 403, rag.CodeOrigin, ""},
		{"opaque origin writes", "POST", "/v1/search", `{"query":"x"}`, []string{"Origin", "null"}, 403, rag.CodeOrigin, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := do(h, tt.method, tt.path, tt.body, tt.header...)
			p := problemIn(t, w, tt.status)
			if p.Code != string(tt.code) {
				t.Errorf("code %q, want %q", p.Code, tt.code)
			}
			if tt.pointer != "" && (len(p.Errors) != 1 || p.Errors[0].Pointer != tt.pointer || p.Errors[0].Message == "") {
				t.Errorf("errors %+v, want one at %q", p.Errors, tt.pointer)
			}
			if tt.status == 415 && !strings.Contains(p.Detail, "Content-Type: application/json") {
				t.Errorf("what to send instead is not said: %s", p.Detail)
			}
			if tt.status == 405 && w.Header().Get("Allow") == "" {
				t.Error("no Allow header")
			}
		})
	}
}

// TestEchoesNoValue: a refusal names the place and never the value.
func TestEchoesNoValue(t *testing.T) {
	h := handler(t, newFake())
	for _, in := range []string{`{"query":"x","mode":"marker"}`, `{"query":{"marker":1}}`, `marker`, `{"query":"x","filter":{"type":"eq","key":"a","value":["marker"]}}`} {
		if w := do(h, "POST", "/v1/search", in); w.Code < 400 || strings.Contains(w.Body.String(), "marker") {
			t.Errorf("%s: %s", in, w.Body)
		}
	}
}

func TestErrorsOfUseCases(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   rag.Code
	}{
		{&rag.Error{Code: rag.CodeUnknownField, Field: "/filter/a", Message: "no document has it"}, 422, rag.CodeUnknownField},
		{&rag.Error{Code: rag.CodeStale, Message: "not there yet"}, 503, rag.CodeStale},
		{&rag.Error{Code: rag.CodeUnavailable, Message: "later"}, 503, rag.CodeUnavailable},
		{&rag.Error{Code: rag.CodeLimited, Message: "slower"}, 429, rag.CodeLimited},
		{rag.NotFound("collection x"), 404, rag.CodeNotFound},
		{context.DeadlineExceeded, 504, rag.CodeTimeout},
		{context.Canceled, 499, rag.CodeCanceled},
		{errors.New("secret: disk /dev/sda broke"), 500, rag.CodeInternal},
		{&rag.Error{Code: "made_up", Message: "x"}, 500, "made_up"},
	} {
		f := newFake()
		f.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) { return rag.SearchResult{}, tt.err }
		f.onAnswer = func(context.Context, rag.Question, func(rag.Event) error) (rag.Answer, error) {
			return rag.Answer{}, tt.err
		}
		h := handler(t, f)
		for _, path := range []string{"/v1/search", "/v1/answers"} {
			for _, body := range []string{`{"query":"x"}`, `{"query":"x","stream":true}`} {
				if path == "/v1/search" && strings.Contains(body, "stream") {
					continue
				}
				w := do(h, "POST", path, body)
				p := problemIn(t, w, tt.status)
				if p.Code != string(tt.code) || strings.Contains(w.Body.String(), "secret") {
					t.Errorf("%s: %v became %s", path, tt.err, w.Body)
				}
			}
		}
	}
}

func TestUnknownFieldPointsAtTheFilter(t *testing.T) {
	f := newFake()
	f.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) {
		return rag.SearchResult{}, &rag.Error{Code: rag.CodeUnknownField, Field: "colour", Message: "no document has the field colour"}
	}
	p := problemIn(t, do(handler(t, f), "POST", "/v1/search", `{"query":"x","filter":{"colour":"red"}}`), 422)
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "/filter" {
		t.Errorf("%+v", p.Errors)
	}
}

func TestRefusedDocuments(t *testing.T) {
	for reason, want := range map[rag.Reason]struct {
		status int
		code   rag.Code
	}{
		rag.ReasonTooLarge:    {413, rag.CodeTooLarge},
		rag.ReasonUnsupported: {415, rag.CodeUnsupported},
		rag.ReasonParse:       {422, rag.CodeRefused},
		rag.ReasonEncrypted:   {422, rag.CodeRefused},
		rag.ReasonInternal:    {500, rag.CodeInternal},
	} {
		f := newFake()
		f.onPut = func(context.Context, rag.Incoming) (rag.Outcome, error) {
			return rag.Outcome{Result: rag.Failed, Reason: reason, Detail: "why"}, nil
		}
		w := do(handler(t, f), "POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x"}`)
		p := problemIn(t, w, want.status)
		if p.Code != string(want.code) || p.Reason != string(reason) || !strings.Contains(p.Detail, "why") {
			t.Errorf("%s became %s", reason, w.Body)
		}
	}
}

func TestPanicIsAProblem(t *testing.T) {
	f := newFake()
	f.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) { panic("secret") }
	o := &observer{}
	h := handler(t, f, func(opts *Options) { opts.Observer = o })
	w := do(h, "POST", "/v1/search", `{"query":"x"}`)
	if p := problemIn(t, w, 500); p.Code != string(rag.CodeInternal) || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%s", w.Body)
	}
	if o.panics != 1 || o.last().outcome != "error" {
		t.Errorf("the observer heard %+v", o)
	}
}

func TestPanicAfterFirstByteCutsTheConnection(t *testing.T) {
	f := newFake()
	f.onAnswer = func(_ context.Context, _ rag.Question, send func(rag.Event) error) (rag.Answer, error) {
		_ = send(rag.Event{Type: rag.EventDelta, Delta: "x"})
		panic("secret")
	}
	w := httptest.NewRecorder()
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", v)
		}
		if strings.Contains(w.Body.String(), "problem") {
			t.Errorf("a problem is written into the stream: %s", w.Body)
		}
	}()
	handler(t, f).ServeHTTP(w, httptest.NewRequest("POST", "http://localhost/v1/answers", strings.NewReader(`{"query":"x","stream":true}`)))
	t.Error("the response ended as if it were whole")
}

func TestRoles(t *testing.T) {
	f := newFake()
	f.onSearch = func(context.Context, rag.Query) (rag.SearchResult, error) { return rag.SearchResult{}, nil }
	h := handler(t, f, func(o *Options) { o.Metrics = http.NotFoundHandler() })
	f.principal = rag.Principal{Subject: "ana", Roles: []rag.Role{rag.RoleReader}}
	if w := do(h, "POST", "/v1/search", `{"query":"x"}`); w.Code != 200 {
		t.Errorf("a reader's search: %s", w.Body)
	}
	for _, r := range [][3]string{
		{"POST", "/v1/collections", `{"name":"x"}`}, {"DELETE", "/v1/collections/docs", ""},
		{"POST", "/v1/collections/docs/documents", `{"uri":"a","text":"x"}`}, {"POST", "/v1/collections/docs/batch", `{}`},
		{"DELETE", "/v1/documents/x", ""}, {"DELETE", "/v1/documents/x?purge=true", ""}, {"DELETE", "/v1/documents/x/versions", ""}, {"PUT", "/v1/documents/x/access", `{"access":[]}`}, {"GET", "/v1/jobs", ""}, {"GET", "/metrics", ""},
	} {
		if p := problemIn(t, do(h, r[0], r[1], r[2]), 403); p.Code != string(rag.CodeForbidden) {
			t.Errorf("%s %s: %s", r[0], r[1], p.Code)
		}
	}
	f.principal = rag.Principal{}
	problemIn(t, do(h, "POST", "/v1/search", `{"query":"x"}`), 403)
	f.authErr = &rag.Error{Code: rag.CodeUnauthorized, Message: "no key"}
	w := do(h, "POST", "/v1/search", `{"query":"x"}`)
	if problemIn(t, w, 401); w.Header().Get("WWW-Authenticate") == "" {
		t.Error("no WWW-Authenticate")
	}
	if w := do(h, "GET", "/healthz", ""); w.Code != 200 {
		t.Error("health asks for a key")
	}
	if w := do(h, "GET", "/readyz", ""); w.Code != 200 || strings.Contains(w.Body.String(), "checks") {
		t.Errorf("a stranger's readiness: %s", w.Body)
	}
}

// TestInvisibleIsAbsent: what a caller may not see answers exactly as what
// does not exist.
func TestInvisibleIsAbsent(t *testing.T) {
	f := newFake()
	hidden := f.add("docs", "a.txt", "text", "user:ben")
	f.principal = rag.Principal{Subject: "ana", Roles: []rag.Role{rag.RoleWriter, rag.RoleReader}}
	h := handler(t, f)
	for _, r := range [][3]string{
		{"GET", "", ""}, {"GET", "/text", ""}, {"GET", "/source", ""}, {"GET", "/versions", ""}, {"GET", "/chunks", ""},
		{"DELETE", "", ""}, {"PUT", "/access", `{"access":["user:ana"]}`},
	} {
		there := problemIn(t, do(h, r[0], "/v1/documents/"+hidden.ID+r[1], r[2], "X-Request-Id", "same"), 404)
		absent := problemIn(t, do(h, r[0], "/v1/documents/nope"+r[1], r[2], "X-Request-Id", "same"), 404)
		if strings.ReplaceAll(there.Detail, hidden.ID, "nope") != absent.Detail || there.Code != absent.Code {
			t.Errorf("%s %s tells the two apart: %q and %q", r[0], r[1], there.Detail, absent.Detail)
		}
	}
	if d, _ := f.find(rag.SystemScope("test"), hidden.ID, 0); d.Access[0] != "user:ben" {
		t.Error("the access list was changed by who cannot see the document")
	}
}
