// Package webui serves the console: the pages at "/", "/collections", "/jobs"
// and "/d/{id}", and the style sheets and modules that they load. Everything is
// embedded, rendered and compressed once, in New.
//
// The main type is what New returns: an http.Handler of immutable answers. It
// must not know how anything is searched or stored: the console's modules call
// the public API, as any other client does.
package webui
