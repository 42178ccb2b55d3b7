package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/hub"
	"github.com/quarry-search/quarry/internal/model"
	"github.com/quarry-search/quarry/internal/model/store"
	provider "github.com/quarry-search/quarry/internal/provider/local"
	"github.com/quarry-search/quarry/internal/rag"
)

// Models gets, lists and opens the models of a data directory. A server may
// run meanwhile: it holds the model that it opened at its start.
type Models struct {
	config config.Config
	dir    string
	store  *store.Store
}

// NewModels opens nothing yet.
func NewModels(c config.Config) *Models {
	dir := filepath.Join(c.Data, "models")
	return &Models{config: c, dir: dir, store: store.New(dir)}
}

// Store gives what only reads.
func (m *Models) Store() *store.Store { return m.store }

// ModelSource says how a model is to be installed.
type ModelSource struct {
	Name     string // default: as it is published
	Settings store.Settings
}

// exclusive keeps commands that write the store apart.
func (m *Models) exclusive(f func() error) (err error) {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("make model directory: %w", err)
	}
	held, err := acquire(m.dir)
	if rag.CodeOf(err) == rag.CodeConflict {
		return errors.New("another command changes the models of this data directory: wait for its end")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	return f()
}

// Pull downloads a model, "hf:ORG/NAME[@REVISION]", and installs it. Without
// a revision, a model that is in the lock file already is taken as it is
// pinned there; otherwise, the newest of the main branch.
func (m *Models) Pull(ctx context.Context, name string, o ModelSource, progress func(hub.Progress)) (e store.Entry, info model.Info, err error) {
	ref, err := hub.ParseRef(name)
	if err != nil {
		return e, info, err
	}
	if o.Name == "" {
		o.Name = ref.Name()
	}
	if err := store.CheckName(o.Name); err != nil {
		return e, info, err
	}
	err = m.exclusive(func() error {
		e, info, err = m.pull(ctx, ref, o, progress)
		return err
	})
	return e, info, err
}

func (m *Models) pull(ctx context.Context, ref hub.Ref, o ModelSource, progress func(hub.Progress)) (e store.Entry, info model.Info, err error) {
	id := hub.Scheme + ref.ID
	old, known, err := m.store.Entry(o.Name)
	if err != nil {
		return e, info, err
	}
	if known && old.ID != id {
		return e, info, fmt.Errorf("the name %s is taken by %s: choose another with --name, or remove that", o.Name, old.ID)
	}
	if known && ref.Revision == "" {
		ref.Revision = old.Revision
	}
	if known && o.Settings == (store.Settings{}) {
		o.Settings = old.Settings
	}
	client, err := hub.New(hub.Options{Endpoint: m.config.HubEndpoint, Token: m.config.HubToken, Progress: progress})
	if err != nil {
		return e, info, err
	}
	defer client.Close()
	listing, err := client.Resolve(ctx, ref)
	if err != nil {
		return e, info, err
	}
	paths, err := store.Select(listing.Names())
	if err != nil {
		return e, info, fmt.Errorf("%s is not supported: %w", ref, err)
	}
	pinned := map[string]string{}
	if known && old.Revision == listing.Commit {
		for _, f := range old.Files {
			pinned[f.Path] = f.SHA256
		}
	}
	folder, err := m.store.Staging(id + "@" + listing.Commit)
	if err != nil {
		return e, info, err
	}
	if _, err := client.Download(ctx, listing, paths, folder, pinned); err != nil {
		return e, info, err
	}
	return m.store.Install(folder, store.Entry{Name: o.Name, ID: id, Revision: listing.Commit, Settings: o.Settings})
}

// Import installs a model out of a directory, a wheel or a tar archive.
func (m *Models) Import(path string, o ModelSource) (e store.Entry, info model.Info, err error) {
	base := filepath.Base(filepath.Clean(path))
	if o.Name == "" {
		o.Name = nameOf(base)
	}
	if err := store.CheckName(o.Name); err != nil {
		return e, info, fmt.Errorf("%w; choose one with --name", err)
	}
	err = m.exclusive(func() error {
		old, known, err := m.store.Entry(o.Name)
		if err != nil {
			return err
		}
		if known && strings.HasPrefix(old.ID, hub.Scheme) {
			return fmt.Errorf("the name %s is taken by %s: choose another with --name, or remove that", o.Name, old.ID)
		}
		folder, err := m.store.Staging("import " + o.Name)
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		// What an import that was killed left would be in the way.
		if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o755)); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := store.Gather(path, folder); err != nil {
			return err
		}
		e, info, err = m.store.Install(folder, store.Entry{Name: o.Name, ID: "file:" + base, Settings: o.Settings})
		return err
	})
	return e, info, err
}

// nameOf makes a model's name of a file's.
func nameOf(base string) string {
	for _, suffix := range []string{".tar.gz", ".tgz", ".tar", ".zip"} {
		if name, ok := strings.CutSuffix(base, suffix); ok {
			return name
		}
	}
	if wheel, ok := strings.CutSuffix(base, ".whl"); ok {
		name, _, _ := strings.Cut(wheel, "-")
		return name
	}
	return base
}

// Remove deletes a model. A configured one is refused: the next start would
// fail.
func (m *Models) Remove(name string) error {
	if name == m.config.Model || m.config.Reranker.Kind == localReranker && name == m.config.Reranker.Model {
		return fmt.Errorf("%s is a configured model: configure another first", name)
	}
	return m.exclusive(func() error { return m.store.Remove(name) })
}

// Open loads a model by its name; "" is the built-in one, which its own name
// finds too unless another model was installed under it.
func (m *Models) Open(name string) (*model.Model, error) {
	if name == "" {
		return model.Builtin()
	}
	if _, installed, err := m.store.Entry(name); err == nil && !installed {
		if builtin, err := model.Builtin(); err == nil && builtin.Info().Name == name {
			return builtin, nil
		}
	}
	return m.store.Open(name)
}

// openEmbedder opens the configured embedding model.
func openEmbedder(c config.Config) (*provider.Embedder, error) {
	m, err := NewModels(c).Open(c.Model)
	if err != nil {
		return nil, fmt.Errorf("open embedding model: %w", err)
	}
	if m.Info().Labels > 0 {
		return nil, fmt.Errorf("open embedding model: %s is a reranker", c.Model)
	}
	return provider.New(m), nil
}

// modelOrigin names the model to people.
func modelOrigin(c config.Config, e rag.Embedder) string {
	if c.Embedder.Kind != "" {
		return e.Name() + ", by " + c.Embedder.Kind
	}
	if c.Model == "" {
		return e.Name() + ", built in"
	}
	return e.Name() + ", installed"
}
