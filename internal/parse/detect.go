package parse

import (
	"bytes"
	"mime"
	"net/http"
	"path"
	"strings"
)

// probe is an input with what its name, declared type and first bytes say.
type probe struct {
	Input
	media    string // resolved media type, "" when binary or unknown
	language string // of source code, by name
}

// examine resolves the media type: a declared type that says something, then
// the name, then the content. Bytes that are no text are believed over names.
func examine(in Input) probe {
	p := probe{Input: in}
	name := strings.ToLower(path.Base(strings.ReplaceAll(in.URI, "\\", "/")))
	if i := strings.IndexAny(name, "?#"); i > 0 {
		name = name[:i]
	}
	ext := strings.TrimPrefix(path.Ext(name), ".")
	declared, _, err := mime.ParseMediaType(in.MediaType)
	if err != nil {
		declared, _, _ = strings.Cut(strings.ToLower(in.MediaType), ";")
		declared = strings.TrimSpace(declared)
	}
	switch {
	case bytes.HasPrefix(in.Data, []byte("%PDF-")):
		p.media = "application/pdf"
	case specific(declared):
		p.media = declared
		if isText(p) && strings.HasPrefix(declared, "text/x-") {
			p.language = languageOf(name, ext)
		}
	case mediaByExt[ext] != "":
		p.media = mediaByExt[ext]
	case languageOf(name, ext) != "":
		p.language = languageOf(name, ext)
		p.media = "text/x-" + p.language
	default:
		p.media = sniff(in.Data)
	}
	if p.language == "" && codeMedia[p.media] != "" {
		p.language = codeMedia[p.media]
	}
	if p.media != "application/pdf" && isBinary(in.Data) {
		p.media, p.language = "", ""
	}
	return p
}

// specific reports whether a declared type says more than "some bytes" or
// "some text".
func specific(media string) bool {
	switch media {
	case "", "application/octet-stream", "binary/octet-stream", "text/plain", "application/x-unknown":
		return false
	}
	return true
}

func sniff(data []byte) string {
	// A PDF may begin after some bytes of rubbish.
	if bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return "application/pdf"
	}
	media, _, _ := strings.Cut(http.DetectContentType(data), ";")
	if media == "text/xml" {
		return "application/xml"
	}
	if strings.HasPrefix(media, "text/") {
		return media
	}
	if len(data) > 0 && media != "application/postscript" && !isBinary(data) {
		// The sniffer takes two letters for an image, as in "BMI is high", and
		// any control character for bytes.
		if _, err := decode(data); err == nil {
			return "text/plain"
		}
	}
	return ""
}

// isBinary reports whether data is no text: a NUL byte tells, unless a byte
// order mark says that it is UTF-16.
func isBinary(data []byte) bool {
	return !utf16Marked(data) && bytes.IndexByte(data, 0) >= 0
}

func isText(p probe) bool {
	return strings.HasPrefix(p.media, "text/") && !unsupportedText[p.media]
}

func isData(p probe) bool {
	switch p.media {
	case "application/json", "application/jsonl", "application/x-ndjson", "application/yaml", "application/x-yaml",
		"text/yaml", "text/x-yaml", "application/toml", "application/xml", "text/xml", "image/svg+xml":
		return true
	}
	return strings.HasPrefix(p.media, "application/") &&
		(strings.HasSuffix(p.media, "+json") || strings.HasSuffix(p.media, "+xml"))
}

// describe names a type that is not supported, without showing content.
func (p probe) describe() string {
	if p.media != "" && len(p.media) < 100 && !strings.ContainsFunc(p.media, func(r rune) bool { return r < ' ' || r > '~' }) {
		return p.media
	}
	return "binary"
}

var unsupportedText = map[string]bool{"text/rtf": true, "text/calendar": true}

var mediaByExt = map[string]string{
	"pdf": "application/pdf",
	"md":  "text/markdown", "markdown": "text/markdown", "mdown": "text/markdown", "mkd": "text/markdown", "mdx": "text/markdown",
	"html": "text/html", "htm": "text/html", "xhtml": "application/xhtml+xml",
	"csv": "text/csv", "tsv": "text/tab-separated-values", "tab": "text/tab-separated-values",
	"json": "application/json", "jsonl": "application/jsonl", "ndjson": "application/jsonl", "geojson": "application/json",
	"ipynb": "application/json", "yaml": "application/yaml", "yml": "application/yaml", "toml": "application/toml",
	"xml": "application/xml", "xsd": "application/xml", "rss": "application/xml", "atom": "application/xml", "svg": "image/svg+xml",
	"txt": "text/plain", "text": "text/plain", "log": "text/plain", "rst": "text/plain", "org": "text/plain",
	"adoc": "text/plain", "asciidoc": "text/plain", "tex": "text/plain", "ini": "text/plain", "cfg": "text/plain",
	"conf": "text/plain", "properties": "text/plain", "srt": "text/plain", "vtt": "text/plain", "diff": "text/plain", "patch": "text/plain",
	// Text in form only: read as such it would be noise.
	"rtf": "text/rtf", "eml": "message/rfc822", "mbox": "application/mbox", "p7s": "application/pkcs7-signature",
	"p7m": "application/pkcs7-mime", "ps": "application/postscript", "eps": "application/postscript", "ics": "text/calendar",
	"doc": "application/msword", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xls": "application/vnd.ms-excel", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"ppt": "application/vnd.ms-powerpoint", "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"odt": "application/vnd.oasis.opendocument.text", "epub": "application/epub+zip", "zip": "application/zip",
	"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
	"map": "application/x-sourcemap",
}

var codeMedia = map[string]string{
	"text/javascript": "javascript", "application/javascript": "javascript", "application/x-javascript": "javascript",
	"application/typescript": "typescript", "text/x-python": "python", "text/x-go": "go", "text/x-c": "c",
	"text/x-java": "java", "text/x-java-source": "java", "text/x-rust": "rust", "application/x-sh": "shell", "text/x-sh": "shell",
	"text/css": "css", "application/sql": "sql",
}

// languageOf returns the language of source code by its file name.
func languageOf(name, ext string) string {
	switch name {
	case "makefile", "gnumakefile":
		return "make"
	case "dockerfile", "containerfile":
		return "dockerfile"
	case "cmakelists.txt":
		return "cmake"
	case "go.mod", "go.sum":
		return ""
	}
	return languages[ext]
}

var languages = map[string]string{
	"go": "go", "py": "python", "pyi": "python", "pyx": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript",
	"jsx": "javascript", "ts": "typescript", "tsx": "typescript", "mts": "typescript", "cts": "typescript", "java": "java",
	"kt": "kotlin", "kts": "kotlin", "scala": "scala", "groovy": "groovy", "gradle": "groovy", "c": "c", "h": "c",
	"cc": "cpp", "cpp": "cpp", "cxx": "cpp", "hpp": "cpp", "hh": "cpp", "hxx": "cpp", "cu": "cpp", "m": "objective-c", "mm": "objective-c",
	"cs": "csharp", "fs": "fsharp", "vb": "vb", "rs": "rust", "swift": "swift", "rb": "ruby", "php": "php", "pl": "perl", "pm": "perl",
	"lua": "lua", "r": "r", "jl": "julia", "dart": "dart", "ex": "elixir", "exs": "elixir", "erl": "erlang", "hs": "haskell",
	"ml": "ocaml", "mli": "ocaml", "clj": "clojure", "cljs": "clojure", "lisp": "lisp", "el": "lisp", "scm": "scheme", "zig": "zig",
	"nim": "nim", "v": "verilog", "sv": "verilog", "vhd": "vhdl", "sh": "shell", "bash": "shell", "zsh": "shell", "fish": "shell",
	"ps1": "powershell", "bat": "batch", "cmd": "batch", "sql": "sql", "proto": "protobuf", "graphql": "graphql", "gql": "graphql",
	"tf": "hcl", "hcl": "hcl", "css": "css", "scss": "css", "less": "css", "vue": "vue", "svelte": "svelte", "cmake": "cmake",
	"mk": "make", "s": "assembly", "asm": "assembly", "f90": "fortran", "f": "fortran", "sol": "solidity", "nix": "nix",
}
