// Package fuse joins the dense and the lexical findings of a search into one
// ranking. Fusion happens here and nowhere else, so that every index ranks
// alike.
//
// It must not know how candidates were found, nor what they say.
package fuse
