package webui

import (
	"net/http"
	"strings"
)

// Options say what the console tells about the process that serves it. An
// empty field is left out.
type Options struct {
	Version   string // of the binary
	Network   string // what leaves the machine
	Model     string // the embedding model, in words
	Generator string // who writes answers: "extractive" or a provider's name
	Data      string // where the catalog is kept
	Index     string // which index backend serves searches
	Access    string // who may connect
	Principal string // whom the console acts as
}

// fact is one row of the account of the process.
type fact struct{ Name, Value, Class string }

func (o Options) facts() []fact {
	answers := o.Generator
	if answers == "extractive" {
		answers = "extractive: verbatim sentences, or none"
	}
	all := []fact{
		{"Network", o.Network, ""},
		{"Embedding model", o.Model, ""},
		{"Answers", answers, ""},
		{"Catalog", o.Data, "mono"},
		{"Index", o.Index, ""},
		{"Access", o.Access, ""},
		{"Version", o.Version, "mono"},
	}
	var told []fact
	for _, f := range all {
		if f.Value != "" {
			told = append(told, f)
		}
	}
	return told
}

// New returns the console's handler. It serves its own paths and answers every
// other one with a page that says so, status 404. It panics when an embedded
// file is damaged, which only a faulty build can cause.
func New(o Options) http.Handler {
	assets, base := loadAssets()
	pages := renderPages(o, assets, base)

	mux := http.NewServeMux()
	for pattern, name := range map[string]string{
		"GET /{$}":                "ask",
		"GET /collections":        "collections",
		"GET /collections/{name}": "collections",
		"GET /jobs":               "jobs",
		"GET /jobs/{id}":          "jobs",
		"GET /d/{id}":             "document",
	} {
		mux.Handle(pattern, pages[name])
	}
	for path, asset := range assets {
		mux.Handle("GET "+base+path, asset)
	}
	missing := *pages["missing"]
	missing.status = http.StatusNotFound
	mux.Handle("/", &missing)
	return guard(mux)
}

// policy is what the pages may load and do: nothing but this server's own
// modules, styles and API.
var policy = strings.Join([]string{
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' blob:",
	"media-src 'self' blob:",
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'self'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
}, "; ")

// guard sets the headers that every answer carries.
//
// SECURITY: documents are hostile. The modules make elements only from text
// nodes; this policy holds even where they fail to.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
