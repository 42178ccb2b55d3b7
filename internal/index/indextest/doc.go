// Package indextest is the conformance suite of rag.Index: Run tells whether a
// backend follows the log and answers as the port says. It knows package rag
// alone, so every backend runs the same tests.
//
// Its oracle is a model of a few lines that keeps documents in a map and
// searches by looking at each. Random schedules of changes are applied to both
// and every answer compared: which chunks, in which order, with which cosines.
// How a backend tokenises and weighs words is its own affair; that its
// statistics count only what the scope sees is tested against a second index
// which holds nothing else.
package indextest
