package app

import (
	"runtime"
	"runtime/debug"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/index/local"
	provider "github.com/quarry-search/quarry/internal/provider/local"
	"github.com/quarry-search/quarry/internal/rag"
)

// Version is the release that this source becomes.
const Version = "0.1.0"

// VersionInfo says what runs under c, without opening anything but the model.
func VersionInfo(c config.Config) (api.VersionInfo, error) {
	e, err := newEmbedder(c, nil)
	if err != nil {
		return api.VersionInfo{}, err
	}
	r, err := newReranker(c, nil)
	if err != nil {
		return api.VersionInfo{}, err
	}
	return versionOf(e, r), nil
}

// versionOf describes the program with its models; r may be nil.
func versionOf(e rag.Embedder, r rag.Reranker) api.VersionInfo {
	v := api.VersionInfo{
		Version:  Version,
		Revision: revision(),
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Models:   []api.ModelInfo{{Role: "embed", Name: e.Name(), Fingerprint: e.Fingerprint(), Dimension: e.Dim()}},
		Kernels:  map[string]string{"index": local.Kernels()},
	}
	if e, ok := e.(*provider.Embedder); ok {
		v.Kernels["encoder"] = e.Info().Kernel
	}
	if r != nil {
		v.Models = append(v.Models, api.ModelInfo{Role: "rerank", Name: r.Name()})
	}
	return v
}

// revision is the commit that the program was built from, with "+" for a tree
// that had changes; "unknown" when the build did not record it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	commit, modified := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+"
		}
	}
	return commit + modified
}
