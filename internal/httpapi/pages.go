package httpapi

import (
	"net/http"
	"sync"
)

// registerPages serves the API's description and the page made of it.
func (s *server) registerPages() {
	description := sync.OnceValues(func() ([]byte, error) { return indentOpenAPI(s.api.OpenAPI()) })
	s.serveRaw("/openapi.json", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := description()
		if err != nil {
			writeProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(b)
	}))
	page := sync.OnceValues(func() ([]byte, error) { return docsPage(s.api.OpenAPI()) })
	s.serveRaw("/docs", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := page()
		if err != nil {
			writeProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		w.Write(b)
	}))
}
