package app

import (
	"runtime"
	"runtime/debug"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/model"
)

// Version is the release that this source becomes.
const Version = "0.1.0"

// VersionInfo says what runs under c, without opening anything but the model.
func VersionInfo(c config.Config) (api.VersionInfo, error) {
	m, err := NewModels(c).Open(c.Model)
	if err != nil {
		return api.VersionInfo{}, err
	}
	return versionOf(m.Info()), nil
}

func versionOf(m model.Info) api.VersionInfo {
	return api.VersionInfo{
		Version:  Version,
		Revision: revision(),
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Models:   []api.ModelInfo{{Role: "embed", Name: m.Name, Fingerprint: m.Fingerprint, Dimension: m.Dim}},
		Kernels:  map[string]string{"encoder": m.Kernel, "index": local.Kernels()},
	}
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
