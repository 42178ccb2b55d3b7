package httpapi

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// guard refuses what a web page could make a browser send.
//
// SECURITY: a page on the internet can have a browser ask localhost. Two
// things keep it from reading or writing here. A request must name a loopback
// or allowed host, so that a name rebound to 127.0.0.1 is no use. And what a
// browser marks as coming from another origin may not write anywhere, nor
// reach the API or metrics at all; links into console and pages stay possible.
type guard struct {
	allowed []string
	cross   *http.CrossOriginProtection
}

func newGuard(allowed []string) *guard {
	lower := make([]string, len(allowed))
	for i, h := range allowed {
		lower[i] = strings.ToLower(h)
	}
	return &guard{allowed: lower, cross: http.NewCrossOriginProtection()}
}

func (g *guard) check(r *http.Request) error {
	if !g.hostAllowed(r.Host) {
		return &rag.Error{Code: rag.CodeOrigin, Message: "this host name is not served here; allow it with --allowed-host"}
	}
	if err := g.cross.Check(r); err != nil {
		return &rag.Error{Code: rag.CodeOrigin, Message: "requests from pages of another origin are refused", Err: err}
	}
	if !isAPI(r.URL.Path) && r.URL.Path != "/metrics" {
		return nil
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return nil
	}
	return &rag.Error{Code: rag.CodeOrigin, Message: "requests from pages of another origin are refused"}
}

func (g *guard) hostAllowed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" || slices.Contains(g.allowed, name) || slices.Contains(g.allowed, strings.ToLower(host)) {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}
