package webui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
)

//go:embed assets pages
var embedded embed.FS

var mediaTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".html": "text/html; charset=utf-8",
}

// loadAssets returns every asset by path, and the path that they stand under.
// That path holds one hash over all of them, so that modules can import each
// other by relative name and each may still be cached for ever.
func loadAssets() (map[string]*blob, string) {
	bodies := map[string][]byte{}
	err := fs.WalkDir(embedded, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := embedded.ReadFile(name)
		bodies[name[len("assets/"):]] = body
		return err
	})
	if err != nil {
		panic(fmt.Sprintf("read embedded console: %v", err))
	}

	sum := sha256.New()
	assets := map[string]*blob{}
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		fmt.Fprintf(sum, "%s\x00%d\x00", name, len(bodies[name]))
		sum.Write(bodies[name])
		assets[name] = newBlob(mediaTypes[path.Ext(name)], "public, max-age=31536000, immutable", bodies[name])
	}
	return assets, "/assets/" + hex.EncodeToString(sum.Sum(nil)[:8]) + "/"
}

// page is what a page's template is given.
type page struct {
	Name      string // of the module, and of the item in the bar that is current
	Title     string
	Styles    []string
	Modules   []string // to fetch early: all that the page's module imports
	Base      string   // of the assets
	Principal string
	Generator string
	Facts     []fact
}

// pages lists them. Their bodies are the templates of the same name.
var pages = []page{
	{Name: "ask", Title: "Ask", Styles: []string{"ask", "answer", "document", "welcome"}},
	{Name: "document", Title: "Document", Styles: []string{"document"}},
	{Name: "collections", Title: "Collections", Styles: []string{"jobs"}},
	{Name: "jobs", Title: "Jobs", Styles: []string{"jobs"}},
	{Name: "missing", Title: "Not found"},
}

var importLine = regexp.MustCompile(`(?m)^(?:import|export) .*from "\./(\w+)\.js";$`)

// imports adds to seen the module name and all that it imports, so that a page
// can fetch them at once instead of one level after the other.
func imports(assets map[string]*blob, name string, seen map[string]bool) {
	asset := assets["js/"+name+".js"]
	if asset == nil || seen[name] {
		return
	}
	seen[name] = true
	for _, found := range importLine.FindAllSubmatch(asset.plain, -1) {
		imports(assets, string(found[1]), seen)
	}
}

// renderPages returns every page by name.
func renderPages(o Options, assets map[string]*blob, base string) map[string]*blob {
	rendered := map[string]*blob{}
	for _, p := range pages {
		p.Base, p.Principal, p.Generator, p.Facts = base, o.Principal, o.Generator, o.facts()
		p.Styles = append([]string{"tokens", "base", "controls"}, p.Styles...)
		modules := map[string]bool{}
		imports(assets, "console", modules)
		imports(assets, p.Name, modules)
		p.Modules = slices.Sorted(maps.Keys(modules))

		t, err := template.ParseFS(embedded, "pages/layout.html", "pages/"+p.Name+".html")
		if err != nil {
			panic(fmt.Sprintf("parse page %s: %v", p.Name, err))
		}
		var buf bytes.Buffer
		if err := t.ExecuteTemplate(&buf, "layout", p); err != nil {
			panic(fmt.Sprintf("render page %s: %v", p.Name, err))
		}
		rendered[p.Name] = newBlob(mediaTypes[".html"], "no-cache", buf.Bytes())
	}
	return rendered
}
