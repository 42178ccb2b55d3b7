// Package app is the composition root: it builds every part from one
// configuration, runs them together and closes them in order. App is the main
// type. No other package knows which catalog, index and model stand behind the
// ports.
//
// A process is New (which takes the data directory and the address, so that
// failures show at once), Run until the context ends, Close.
package app
