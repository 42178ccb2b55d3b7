// Package pdf reads the text of PDF documents, page by page.
//
// A PDF parser is large and its input hostile, so it never runs in the server:
// Client starts worker processes of the same binary, which run pdfium as
// WebAssembly and speak the frames of frame.go on their standard input and
// output (WorkerMain). A worker that hangs or dies costs one document. None is
// started before the first PDF comes, and idle ones end.
//
// It must not know what becomes of the text.
package pdf
