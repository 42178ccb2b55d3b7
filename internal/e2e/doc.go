// Package e2e holds tests of the whole server: the same app that the binary
// runs, on a free port and a data directory of its own, asked through the
// public client.
package e2e
