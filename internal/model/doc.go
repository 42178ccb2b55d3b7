// Package model runs transformer encoders on the CPU: text in, unit vectors
// out, with no cgo and no other program.
//
// Convert turns a model directory as published on Hugging Face into one file
// (docs/formats/model.md): weights quantised to bytes and packed for the
// kernels, tokenizer, configuration, checksum. Open reads such a file or such
// a directory, Builtin the model inside the program; both give a *Model.
//
// How it is built: a Spec says what the network looks like, whatever family
// it came from (spec.go, arch.go); a Model holds the packed weights (load.go);
// a pass takes sequences packed end to end, without padding, through the
// layers (forward.go, attention.go); the scheduler shares the cores between
// passes and lets interactive ones overtake (schedule.go).
//
// It must not know documents, collections or HTTP.
package model
