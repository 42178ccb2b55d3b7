package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// PageQuery asks for a page of a list.
type PageQuery struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Entries on a page"`
	After string `query:"after" maxLength:"512" doc:"The next of the page before"`
}

// CollectionPath names a collection.
type CollectionPath struct {
	Name string `path:"name" doc:"Name of the collection"`
}

type collectionOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   api.Collection
}

type collectionsOutput struct {
	Body api.Page[api.Collection]
}

type writtenOutput struct {
	Body api.Written
}

type createCollectionInput struct {
	Idempotency
	Body api.CreateCollection
}

type alterCollectionInput struct {
	CollectionPath
	Conditions
	Body api.AlterCollection
}

type dropCollectionInput struct {
	CollectionPath
	Conditions
}

type statsOutput struct {
	Body api.CollectionStats
}

func (s *server) registerCollections() {
	register(s, operation{
		id: "list-collections", method: http.MethodGet, path: "/v1/collections", tag: "Collections", kind: "read", role: rag.RoleReader,
		summary: "List collections", detail: "By name.", errors: []int{400, 422},
	}, s.listCollections)
	register(s, operation{
		id: "create-collection", method: http.MethodPost, path: "/v1/collections", tag: "Collections", kind: "admin", role: rag.RoleWriter,
		summary: "Create a collection", status: http.StatusCreated, errors: []int{400, 409, 422},
		example: map[string]any{"name": "docs", "description": "The handbook"},
	}, s.createCollection)
	register(s, operation{
		id: "get-collection", method: http.MethodGet, path: "/v1/collections/{name}", tag: "Collections", kind: "read", role: rag.RoleReader,
		summary: "Get a collection", errors: []int{404},
	}, s.getCollection)
	register(s, operation{
		id: "alter-collection", method: http.MethodPatch, path: "/v1/collections/{name}", tag: "Collections", kind: "admin", role: rag.RoleWriter,
		summary: "Alter a collection", detail: "Replaces what is given and leaves the rest; of settings.vectors only path can change. settings are replaced as a whole otherwise: what is left out takes the server's default again.",
		errors:  []int{400, 404, 412, 422},
		example: map[string]any{"settings": map[string]any{"dense_weight": 0.6}},
	}, s.alterCollection)
	register(s, operation{
		id: "drop-collection", method: http.MethodDelete, path: "/v1/collections/{name}", tag: "Collections", kind: "admin", role: rag.RoleWriter,
		summary: "Drop a collection", detail: "With all its documents and their versions.", errors: []int{400, 404, 412},
	}, s.dropCollection)
	register(s, operation{
		id: "collection-stats", method: http.MethodGet, path: "/v1/collections/{name}/stats", tag: "Collections", kind: "read", role: rag.RoleReader,
		summary: "Count a collection", detail: "Totals over what the caller may see, and how far index and embedder have followed the log.", errors: []int{404},
	}, s.collectionStats)
}

func (s *server) listCollections(ctx context.Context, p rag.Principal, in *PageQuery) (*collectionsOutput, error) {
	after, err := s.cursors.open("collections", in.After)
	if err != nil {
		return nil, err
	}
	all, err := s.Catalog.ListCollections(ctx, s.Scope(p))
	if err != nil {
		return nil, err
	}
	start, found := slices.BinarySearchFunc(all, after, func(c rag.Collection, name string) int { return strings.Compare(c.Name, name) })
	if found {
		start++
	}
	page := api.Page[api.Collection]{Data: mapTo(all[start:min(start+in.Limit, len(all))], collectionOf)}
	if start+in.Limit < len(all) {
		page.Next = s.cursors.seal("collections", page.Data[in.Limit-1].Name)
	}
	return &collectionsOutput{page}, nil
}

func newCollectionOutput(status int, c api.Collection) *collectionOutput {
	return &collectionOutput{status, etag(c.Seq), c}
}

var collectionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (s *server) createCollection(ctx context.Context, p rag.Principal, in *createCollectionInput) (*collectionOutput, error) {
	if !collectionName.MatchString(in.Body.Name) {
		return nil, rag.Invalid("/name", "starts with a lower-case letter or digit and holds up to 63 of them and _ -")
	}
	c := rag.Collection{Name: in.Body.Name, Description: in.Body.Description, Fingerprint: s.Fingerprint}
	if in.Body.Settings != nil {
		if err := setSettings(&c.Settings, *in.Body.Settings); err != nil {
			return nil, err
		}
	}
	if err := c.Settings.Vectors.Validate(); err != nil {
		return nil, err
	}
	if c.Settings.Vectors.Source == rag.VectorsGiven {
		c.Fingerprint = rag.NewGivenFingerprint()
	}
	request, err := json.Marshal(in.Body)
	if err != nil {
		return nil, err
	}
	status, body, err := once(ctx, s, p, in.Key, "create-collection", request, func() (int, api.Collection, error) {
		created, err := s.Catalog.CreateCollection(ctx, c)
		return http.StatusCreated, collectionOf(created), err
	})
	if err != nil {
		return nil, err
	}
	return newCollectionOutput(status, body), nil
}

// setSettings replaces all settings, but of those of vectors only what is
// given.
func setSettings(s *rag.Settings, in api.Settings) error {
	s.DenseWeight, s.Retention = in.DenseWeight, nil
	if in.Retention != "" {
		retention, err := rag.ParseRetention(in.Retention)
		if err != nil {
			return err
		}
		s.Retention = &retention
	}
	setVectors(&s.Vectors, in.Vectors)
	return nil
}

// setVectors replaces the settings that are given.
func setVectors(s *rag.VectorSettings, in *api.VectorSettings) {
	if in == nil {
		return
	}
	if in.Source != "" {
		s.Source = rag.VectorSource(in.Source)
	}
	if s.Source == "model" {
		s.Source = rag.VectorsComputed
	}
	if in.Metric != "" {
		s.Metric = rag.Metric(in.Metric)
	}
	if in.Dimension != 0 {
		s.Dimension = in.Dimension
	}
	if in.Path != "" {
		s.Path = rag.DensePath(in.Path)
	}
}

func (s *server) getCollection(ctx context.Context, p rag.Principal, in *CollectionPath) (*collectionOutput, error) {
	c, err := s.Catalog.Collection(ctx, s.Scope(p), in.Name)
	if err != nil {
		return nil, err
	}
	return newCollectionOutput(http.StatusOK, collectionOf(c)), nil
}

func (s *server) alterCollection(ctx context.Context, p rag.Principal, in *alterCollectionInput) (*collectionOutput, error) {
	ifSeq, err := in.seq()
	if err != nil {
		return nil, err
	}
	c, err := s.Catalog.Collection(ctx, s.Scope(p), in.Name)
	if err != nil {
		return nil, err
	}
	if in.Body.Description != nil {
		c.Description = *in.Body.Description
	}
	if in.Body.Settings != nil {
		fixed := c.Settings.Vectors
		if err := setSettings(&c.Settings, *in.Body.Settings); err != nil {
			return nil, err
		}
		if err := fixed.Altered(c.Settings.Vectors); err != nil {
			return nil, err
		}
	}
	if ifSeq == 0 {
		ifSeq = c.Seq // what was read is what is altered: two changes at once do not undo each other
	}
	if c, err = s.Catalog.AlterCollection(ctx, c, ifSeq); err != nil {
		return nil, err
	}
	return newCollectionOutput(http.StatusOK, collectionOf(c)), nil
}

func (s *server) dropCollection(ctx context.Context, p rag.Principal, in *dropCollectionInput) (*writtenOutput, error) {
	ifSeq, err := in.seq()
	if err != nil {
		return nil, err
	}
	if _, err := s.Catalog.Collection(ctx, s.Scope(p), in.Name); err != nil {
		return nil, err
	}
	seq, err := s.Catalog.DropCollection(ctx, in.Name, ifSeq)
	return &writtenOutput{api.Written{Seq: seq}}, err
}

// embedderFollower is the name under which the embedder keeps its cursor.
const embedderFollower = "embedder"

func (s *server) collectionStats(ctx context.Context, p rag.Principal, in *CollectionPath) (*statsOutput, error) {
	scope := s.Scope(p)
	counts, err := s.Catalog.CountCollection(ctx, scope, in.Name)
	if err != nil {
		return nil, err
	}
	out := api.CollectionStats{Documents: counts.Documents, Chunks: counts.Chunks, Embedded: counts.Embedded, TextBytes: counts.TextBytes}
	if out.Seq, err = s.Catalog.Head(ctx); err != nil {
		return nil, err
	}
	if out.Vectors, err = s.Catalog.Cursor(ctx, embedderFollower); err != nil {
		return nil, err
	}
	out.Applied = s.Index.Applied()
	if scope.All() { // SECURITY: the index counts what a narrower scope may not see
		stats, err := s.Index.Stats(ctx, in.Name)
		if err != nil && rag.CodeOf(err) != rag.CodeNotFound { // not applied yet: nothing in the index
			return nil, err
		}
		out.Index = api.IndexStats(stats)
	}
	return &statsOutput{out}, nil
}
