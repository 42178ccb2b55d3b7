package archtest

import (
	"strings"
	"testing"
)

// rule says what the packages of a layer may import of this module. A name
// ending in "/..." stands for everything below it too.
type rule struct {
	layer []string
	may   []string
	why   string
}

var core = []string{"internal/rag", "internal/filter", "internal/clause"}

var steps = []string{
	"internal/parse/...", "internal/chunk", "internal/fuse", "internal/verify", "internal/policy",
}

func with(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// rules are searched in order; the first that names a package holds.
var rules = []rule{
	{[]string{"api"}, nil, "the wire types are public and stand alone"},
	{[]string{"client"}, []string{"api"}, "the public client knows the wire and nothing of the server"},
	{[]string{"internal/filter"}, nil, "the filter tree is a core that knows no document"},
	{[]string{"internal/clause"}, nil, "the query language is a core that knows no index"},
	{[]string{"internal/rag"}, []string{"internal/filter"}, "the nouns say what, never how"},
	{steps, with(core, []string{"internal/parse/..."}), "a step is a function of its input"},
	{[]string{"internal/ingest", "internal/retrieve", "internal/answer", "internal/eval"}, with(core, steps),
		"use cases meet adapters, edges and each other through interfaces that they declare"},
	{[]string{"internal/engine/..."}, []string{"internal/filter", "internal/clause", "internal/engine/..."}, "the engine is an index of rows; documents and callers are not its business"},
	{[]string{"internal/model/..."}, []string{"internal/model/..."}, "the runtime turns text into vectors and knows nothing else"},
	{[]string{"internal/index/..."}, with(core, []string{"internal/engine/...", "internal/index/indextest"}), "an index translates between the core and its backend"},
	{[]string{"internal/provider/..."}, with(core, []string{"internal/model/...", "internal/provider/providertest"}), "a provider translates between the core and its model"},
	{[]string{"internal/catalog/..."}, with(core, []string{"internal/catalog/catalogtest"}), "a catalog stores the core's nouns and decides nothing"},
	{[]string{"internal/connect/..."}, core, "a connector finds documents and knows not what becomes of them"},
	{[]string{"internal/httpapi", "internal/webui/..."}, with(core, []string{"api", "internal/webui/..."}), "an edge calls use cases through interfaces that it declares"},
	{[]string{"internal/telemetry"}, core, "telemetry wraps what the core's ports return"},
	{[]string{"internal/hub"}, nil, "what is downloaded, and what becomes of it, is the caller's business"},
	{[]string{"internal/rapidseed"}, nil, "tests import it for its effect alone"},
	{[]string{"internal/config"}, nil, "settings mean nothing to the package that reads them"},
	{[]string{"internal/app", "internal/e2e", "internal/archtest"}, []string{"..."}, "the composition root knows every part"},
	{[]string{"cmd/..."}, []string{
		"api", "client", "internal/app", "internal/config", "internal/rag", "internal/filter", "internal/eval", "internal/model/...", "internal/hub", "internal/engine/enginebench",
		"internal/telemetry", "internal/connect/folder", "internal/catalog/sqlite", "internal/parse/pdf",
	}, "commands are thin: they call app, or a server through the client"},
	{[]string{"tools/..."}, []string{"..."}, "tools of the build stand outside the product"},
}

// forbidden imports, whoever wants them.
var forbidden = map[string]string{
	"io/ioutil":             "its functions moved to io and os",
	"math/rand":             "use math/rand/v2, which cannot be seeded globally",
	"C":                     "the build has no cgo: one static binary for every platform",
	"github.com/pkg/errors": "wrap with fmt.Errorf and %w",
	"log":                   "log with slog, which is structured and has levels",
	"net/http/pprof":        "it registers itself on the default mux: a heap dump holds content",
	"expvar":                "it registers itself on the default mux",
}

// reservation names a function that only some packages may use.
type reservation struct {
	path, name string
	allowed    []string
	needed     bool
	why        string
}

var reserved = []reservation{
	{module + "internal/rag", "SystemScope", []string{"internal/policy", "internal/app", "internal/catalog/catalogtest", "internal/index/indextest"}, true,
		"it sees everything; callers get their scope from package policy"},
	{module + "internal/rag", "LabelScope", []string{"internal/policy", "internal/catalog/catalogtest", "internal/index/indextest"}, true,
		"a scope is made from a principal in one place"},
	{"os", "Getenv", []string{"internal/config"}, false, "only config reads the environment"},
	{"os", "LookupEnv", []string{"internal/config"}, true, "only config reads the environment"},
	{"os", "Environ", []string{"internal/config"}, false, "only config reads the environment"},
	{"os", "Exit", []string{"cmd/...", "tools/...", "internal/model/kernel/gen", "internal/parse/pdf"}, false,
		"only a main function ends the process, and the PDF worker, which is a process of its own"},
}

func within(pkg string, patterns []string) bool {
	for _, p := range patterns {
		if p == pkg || p == "..." {
			return true
		}
		if parent, ok := strings.CutSuffix(p, "/..."); ok && (pkg == parent || strings.HasPrefix(pkg, parent+"/")) {
			return true
		}
	}
	return false
}

func ruleOf(pkg string) *rule {
	for i := range rules {
		if within(pkg, rules[i].layer) {
			return &rules[i]
		}
	}
	return nil
}

func (r *rule) allows(from, to string) bool {
	return from == to || within(to, r.may)
}

// The rules themselves can fail.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"internal/rag", "internal/filter", true},
		{"internal/rag", "internal/engine", false},
		{"internal/filter", "internal/rag", false},
		{"internal/engine/bm25", "internal/engine/segment", true},
		{"internal/engine", "internal/rag", false},
		{"internal/ingest", "internal/chunk", true},
		{"internal/ingest", "internal/catalog/sqlite", false},
		{"internal/retrieve", "internal/answer", false},
		{"internal/parse", "internal/parse/pdf", true},
		{"internal/index/local", "internal/engine", true},
		{"internal/provider/local", "internal/engine", false},
		{"internal/httpapi", "internal/ingest", false},
		{"internal/app", "internal/httpapi", true},
		{"client", "internal/rag", false},
		{"cmd/quarry", "internal/httpapi", false},
	} {
		if got := ruleOf(c.from).allows(c.from, c.to); got != c.want {
			t.Errorf("%s → %s: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}
