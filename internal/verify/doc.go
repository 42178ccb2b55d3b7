// Package verify checks what an answer claims against the stored text, right
// before it is sent.
//
// It must not know where the text came from, and it never mends a quote: what
// does not match is not quoted.
package verify
