package folder

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

// skippedFolders hold other people's code or derived files, and are skipped
// under any parent.
var skippedFolders = map[string]string{
	"node_modules":     "dependencies",
	"bower_components": "dependencies",
	"__pycache__":      "derived files",
	"CVS":              "version control",
}

// markers are files whose presence in a folder says that it holds
// dependencies or derived files.
var markers = []struct{ name, starts, detail string }{
	{"CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55", "marked as a cache by CACHEDIR.TAG"},
	{"pyvenv.cfg", "", "a Python virtual environment"},
}

// vendorMarkers say the same of a folder named vendor.
var vendorMarkers = []string{"modules.txt", "autoload.php"}

// refuseName judges an entry by its name alone.
func refuseName(name string, dir bool) error {
	if !utf8.ValidString(name) {
		return rag.Skip(rag.ReasonName, "the name is not valid UTF-8")
	}
	if strings.IndexFunc(name, unicode.IsControl) >= 0 {
		return rag.Skip(rag.ReasonName, "the name holds control characters")
	}
	if strings.HasPrefix(name, ".") {
		return rag.Skip(rag.ReasonPolicy, "hidden")
	}
	if detail, ok := skippedFolders[name]; ok && dir {
		return rag.Skip(rag.ReasonPolicy, detail)
	}
	if !dir && (strings.HasSuffix(name, "~") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")) {
		return rag.Skip(rag.ReasonPolicy, "an editor's backup")
	}
	return nil
}

// refuseFolder judges a folder by the marker files in it.
func refuseFolder(fsys fs.FS, dir string) error {
	for _, m := range markers {
		if startsWith(fsys, path.Join(dir, m.name), m.starts) {
			return rag.Skip(rag.ReasonPolicy, m.detail)
		}
	}
	if path.Base(dir) != "vendor" {
		return nil
	}
	for _, name := range vendorMarkers {
		if startsWith(fsys, path.Join(dir, name), "") {
			return rag.Skip(rag.ReasonPolicy, "dependencies")
		}
	}
	return nil
}

// startsWith reports whether the regular file name begins with prefix.
func startsWith(fsys fs.FS, name, prefix string) bool {
	info, err := fs.Lstat(fsys, name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	if prefix == "" {
		return true
	}
	f, err := fsys.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(prefix))
	_, err = io.ReadFull(f, head)
	return err == nil && bytes.Equal(head, []byte(prefix))
}

// refuseType judges an entry that is neither a folder nor a regular file.
func refuseType(mode fs.FileMode) error {
	switch {
	case mode&fs.ModeSymlink != 0:
		return rag.Skip(rag.ReasonSymlink, "links are not followed; a target inside the folder is read under its own name")
	case mode&fs.ModeNamedPipe != 0:
		return rag.Skip(rag.ReasonUnsupported, "a named pipe")
	case mode&fs.ModeSocket != 0:
		return rag.Skip(rag.ReasonUnsupported, "a socket")
	case mode&fs.ModeDevice != 0:
		return rag.Skip(rag.ReasonUnsupported, "a device")
	}
	return rag.Skip(rag.ReasonUnsupported, "not a regular file")
}
