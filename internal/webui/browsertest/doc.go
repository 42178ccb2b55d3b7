// Package browsertest walks the console in a real browser, headless. Its main
// type is Browser; Walk is the way from a question to the highlighted words of
// a document, over any server that speaks the API.
//
// It is for tests only, and must not know what is behind the address it walks.
package browsertest
