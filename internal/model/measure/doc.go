// Package measure tells how fast a model runs on this machine, how much memory
// it takes, and how well its quantised form agrees with the exact one.
//
// Speed and Agreement are the main functions. They load the machine: nothing
// that serves calls them.
//
// It must not know where models are kept.
package measure
