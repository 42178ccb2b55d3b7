package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProvidersAreSections(t *testing.T) {
	file := write(t, `
embedder:
  kind: cohere
  model: embed-v4.0
  key: from-file
  dim: 1024
  timeout: 7s
  price_per_million_tokens: 0.12
  query_prompt: "query: "
reranker: {kind: tei, base_url: "http://127.0.0.1:8081"}
`)
	c, err := Load(Source{File: file, Lookup: env(map[string]string{"HOME": "/h", "LocalAppData": "/h",
		"QUARRY_EMBEDDER_KEY": "from-environment", "QUARRY_RERANKER_MAX_BATCH": "9"})})
	if err != nil {
		t.Fatal(err)
	}
	want := Provider{Kind: "cohere", Model: "embed-v4.0", Key: "from-environment", Dim: 1024, Timeout: 7 * time.Second,
		PricePerMillionTokens: 0.12, QueryPrompt: "query: "}
	if diff := cmp.Diff(want, c.Embedder); diff != "" || string(c.Embedder.Key) != "from-environment" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Provider{Kind: "tei", BaseURL: "http://127.0.0.1:8081", MaxBatch: 9}, c.Reranker); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsInSections(t *testing.T) {
	file := write(t, "embedder:\n  kind: tei\n  kinds: x\n  dim: many\n  timeout: 1s\nreranker: tei\nlog_level:\n  kind: x\n")
	_, err := Load(Source{File: file, Lookup: env(nil)})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`quarry.yaml:3: unknown setting "embedder.kinds"`,
		`quarry.yaml:4: embedder.dim: "many" is not a whole number`,
		`quarry.yaml:6: unknown setting "reranker"`,
		`quarry.yaml:7: log_level: a single value is expected`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	const marker = "MARKER-key"
	lookup := env(map[string]string{"HOME": "/h", "LocalAppData": "/h", "QUARRY_EMBEDDER_KEY": marker})
	c, err := Load(Source{Lookup: lookup})
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	fmt.Fprintf(&said, "%v %+v %#v %q %s", c, c, c.Embedder, c.Embedder.Key, c.Embedder.Key)
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	said.Write(b)
	for _, s := range Settings(&c) {
		said.WriteString(s.Value.String())
	}
	for _, broken := range []string{
		"embedder:\n  key: " + marker + "\n  kind: [\n",
		"embedder:\n  key: [" + marker + "]\n",
		"embedder:\n  key: \"" + marker + "\n",
		"embedder:\n  key: " + marker + "\n  key: " + marker + "\n",
		"embedder.key: " + marker + "\n\tx: y\n",
	} {
		_, err := Load(Source{File: write(t, broken), Lookup: env(nil)})
		if err == nil {
			t.Errorf("%q was accepted", broken)
		}
		fmt.Fprintln(&said, err)
	}
	if strings.Contains(said.String(), "MARKER") {
		t.Errorf("a key was printed:\n%s", said.String())
	}
	if !strings.Contains(said.String(), hidden) {
		t.Error("that there is a key is not said")
	}
}
