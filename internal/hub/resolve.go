package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

// Listing is a revision of a model: one commit and its files.
type Listing struct {
	Ref    Ref
	Commit string
	Files  []Remote
}

// Remote is a file as the hub lists it. Mirrors may know less than its path.
type Remote struct {
	Path   string
	Size   int64  // -1 for unknown
	SHA256 string // of a large file; "" for unknown
}

// Names are the paths of a listing.
func (l Listing) Names() []string {
	names := make([]string, len(l.Files))
	for i, f := range l.Files {
		names[i] = f.Path
	}
	return names
}

const (
	maxListing = 32 << 20 // bytes of a listing
	maxFiles   = 100_000
)

// Resolve asks for the commit and the files of r; without a revision, of the
// main branch.
func (c *Client) Resolve(ctx context.Context, r Ref) (Listing, error) {
	if r.Revision == "" {
		r.Revision = "main"
	}
	var out Listing
	err := c.retry(ctx, func() (_ bool, err error) {
		out, err = c.list(ctx, r)
		return false, err
	})
	if err != nil {
		return Listing{}, fmt.Errorf("list %s: %w", r, c.explain(r, err))
	}
	return out, nil
}

func (c *Client) list(ctx context.Context, r Ref) (Listing, error) {
	address := c.endpoint.String() + "/api/models/" + r.ID + "/revision/" + url.PathEscape(r.Revision) + "?blobs=true"
	res, _, err := c.send(ctx, http.MethodGet, address, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return Listing{}, err
	}
	if res.StatusCode != http.StatusOK {
		return Listing{}, fault(res)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxListing+1))
	if err != nil {
		return Listing{}, &cutError{fmt.Errorf("read the listing: %w", err)}
	}
	if len(raw) > maxListing {
		return Listing{}, fmt.Errorf("the listing has more than %d bytes", maxListing)
	}
	var body struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Path string `json:"rfilename"`
			Size *int64 `json:"size"`
			LFS  *struct {
				SHA256 string `json:"sha256"`
				Size   int64  `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return Listing{}, fmt.Errorf("the answer of %s is no listing of a model: %w", res.Request.URL.Host, err)
	}
	if !commitPattern.MatchString(body.SHA) {
		return Listing{}, fmt.Errorf("the listing names no commit but %q", printable(body.SHA))
	}
	if len(body.Siblings) > maxFiles {
		return Listing{}, fmt.Errorf("the listing has %d files", len(body.Siblings))
	}
	l := Listing{Ref: r, Commit: body.SHA}
	for _, s := range body.Siblings {
		// SECURITY: paths become names of local files.
		if !safePath(s.Path) {
			return Listing{}, fmt.Errorf("the listing has a file %q, which is no path inside the model", printable(s.Path))
		}
		f := Remote{Path: s.Path, Size: -1}
		if s.Size != nil {
			f.Size = *s.Size
		}
		if s.LFS != nil {
			f.Size, f.SHA256 = s.LFS.Size, strings.ToLower(s.LFS.SHA256)
		}
		l.Files = append(l.Files, f)
	}
	return l, nil
}

// safePath reports whether a path of a listing stays below its root on every
// system.
func safePath(p string) bool {
	return p != "." && fs.ValidPath(p) && !strings.ContainsAny(p, "\\:\x00")
}
