// Package hub downloads models from the Hugging Face hub, or from a mirror
// that speaks its protocol.
//
// Client is the main type: Resolve turns a name and a revision into a commit
// and its files, Download brings chosen files into a directory, resuming what
// an earlier run began, and checks each against what the hub says of it.
//
// It must not know what a model is: which files are wanted, and what becomes
// of them, is the caller's business.
package hub
