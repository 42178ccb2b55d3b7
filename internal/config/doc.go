// Package config turns defaults, one YAML file, the environment and flags,
// each stronger than the one before, into one Config. The table in setting.go
// is the only list of settings: file keys, environment names, flags and the
// documentation derive from it.
//
// Only this package reads the environment. It must not know what any setting
// is used for.
package config
