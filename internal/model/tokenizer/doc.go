// Package tokenizer turns text into the token ids of a model, exactly as the
// Hugging Face tokenizers library does, with one difference: special tokens
// written in the input are plain text.
//
// Tokenizer is the interface; Compile reads a published model directory into
// compact bytes and Open reads those back. WordPiece (BERT) lives here.
//
// It must not know models or vectors.
package tokenizer
