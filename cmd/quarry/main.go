// Command quarry is the whole product in one binary: the server, and the
// commands that ask it.
//
// The subcommands are thin: each reads its flags, calls package app or a
// server through package client, and prints. Exit codes: 0 fine, 1 failed,
// 2 wrong use.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/quarry-search/quarry/internal/parse/pdf"
)

func main() {
	// Before everything else: a worker's input is not to be mistaken for flags
	// or configuration.
	if len(os.Args) == 2 && os.Args[1] == pdf.Subcommand {
		os.Exit(pdf.WorkerMain(os.Stdin, os.Stdout))
	}
	// The first signal stops cleanly; after it the second one kills, as
	// signals do by default.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
