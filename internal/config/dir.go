package config

import (
	"path/filepath"
	"runtime"
)

// defaultDataDir is the platform's folder for a user's application data, or ""
// where the environment names none.
func defaultDataDir(lookup func(string) (string, bool)) string {
	return dataDir(runtime.GOOS, func(name string) string { v, _ := lookup(name); return v })
}

func dataDir(goos string, env func(string) string) string {
	join := func(parent string, parts ...string) string {
		if parent == "" {
			return ""
		}
		return filepath.Join(append([]string{parent}, parts...)...)
	}
	switch goos {
	case "windows":
		return join(env("LocalAppData"), "Quarry")
	case "darwin", "ios":
		return join(env("HOME"), "Library", "Application Support", "Quarry")
	}
	// The XDG specification says that a relative path is to be ignored.
	if xdg := env("XDG_DATA_HOME"); filepath.IsAbs(xdg) {
		return filepath.Join(xdg, "quarry")
	}
	return join(env("HOME"), ".local", "share", "quarry")
}
