package enginebench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/engine"
)

// Bench measures the engine on the data sets in a folder.
type Bench struct {
	Dir  string   // holds a folder for each set
	Sets []string // names of those folders
	Only []string // of Experiments; none means all
	// Programs built from bench/peers; "" leaves the peer out.
	HNSW, FAISS string
	Out         io.Writer
}

// Experiment is a part of the benchmark that can be asked for alone.
type Experiment struct {
	Name, What string
	run        func(b *Bench, ctx context.Context, s *subject) error
}

// Experiments are all of them, in the order in which they run.
var Experiments = []Experiment{
	{"build", "what it cost to build the index; resident bytes", (*Bench).build},
	{"open", "time to open the index", (*Bench).open},
	{"none", "searches without a filter", (*Bench).none},
	{"random", "filters that pass random rows", (*Bench).random},
	{"correlated", "filters that pass rows which lie together", (*Bench).correlated},
	{"few", "filters that pass three rows of the set", (*Bench).few},
	{"cores", "two searchers against one", (*Bench).cores},
	{"cold", "the first 100 searches after the page cache was dropped", (*Bench).cold},
	{"busy", "searches while an eighth more rows are ingested, against before", (*Bench).busy},
	{"churn", "recall after half of 100,000 rows were replaced, against a fresh index", (*Bench).churn},
}

// subject is a data set under measurement.
type subject struct {
	name, dir string
	data      *Dataset
	built     Built
	peers     []peerIndex
}

func (b *Bench) say(format string, args ...any) { fmt.Fprintf(b.Out, format+"\n", args...) }

// Run measures one set after the other.
func (b *Bench) Run(ctx context.Context) error {
	for _, name := range b.Only {
		if !slices.ContainsFunc(Experiments, func(e Experiment) bool { return e.Name == name }) {
			return fmt.Errorf("no experiment %q: %s", name, ExperimentNames())
		}
	}
	b.say("kernels %s, %d cores", engine.Kernels(), runtime.GOMAXPROCS(0))
	for _, name := range b.Sets {
		s := &subject{name: name, dir: filepath.Join(b.Dir, name)}
		var err error
		if s.data, err = Read(s.dir); err != nil {
			return err
		}
		b.say("\n%s: %d rows of %d components, %d queries", name, s.data.Base.Rows(), s.data.Base.Dim, s.data.Queries.Rows())
		if s.built, err = EnsureIndex(ctx, s.dir, s.data, b.say); err != nil {
			return err
		}
		for _, p := range b.peers() {
			found, err := p.indexes(s.dir)
			if err != nil {
				return err
			}
			s.peers = append(s.peers, found...)
		}
		for _, e := range Experiments {
			if len(b.Only) > 0 && !slices.Contains(b.Only, e.Name) {
				continue
			}
			b.say("\n%s: %s", name, e.What)
			if err := e.run(b, ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// ExperimentNames lists the experiments for a help text.
func ExperimentNames() string {
	var names []string
	for _, e := range Experiments {
		names = append(names, e.Name)
	}
	return strings.Join(names, ", ")
}

// withIndex runs f with the set's index.
func (s *subject) withIndex(f func(e indexed) error) error {
	e, err := openIndex(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(f(indexed{e, s.data}), e.Close())
}

func (b *Bench) build(_ context.Context, s *subject) error {
	x, rows := s.built, float64(s.built.Rows)
	b.say("  quarry   graph %.0f CPU-s, compaction before it %.0f, ingestion %.0f (%.0f rows per CPU-s)",
		x.Graph, x.Compact, x.Ingest, rows/x.Ingest)
	b.say("           resident bytes per vector: graph and 8-bit codes %.0f, 1-bit codes %.0f, together %.0f",
		float64(x.GraphBytes)/rows, float64(x.BitBytes)/rows, float64(x.GraphBytes+x.BitBytes)/rows)
	for _, p := range s.peers {
		b.say("  %s %s: %.0f CPU-s (%.0f rows per CPU-s), %.0f bytes per vector", p.of.name, p.name, p.build, p.rows/p.build, p.perVector)
		b.say("           quarry's graph takes %.2f of that, its whole index %.2f; it ingests %.1f times as many rows",
			x.Graph/p.build, (x.Graph+x.Compact+x.Ingest)/p.build, rows/x.Ingest/(p.rows/p.build))
	}
	return nil
}

func (b *Bench) none(ctx context.Context, s *subject) error { return b.compare(ctx, s, -1) }

func (b *Bench) random(ctx context.Context, s *subject) error {
	return b.filters(ctx, s, false)
}

func (b *Bench) correlated(ctx context.Context, s *subject) error {
	return b.filters(ctx, s, true)
}

func (b *Bench) filters(ctx context.Context, s *subject, correlated bool) error {
	for bit, f := range Filters {
		if f.Correlated == correlated {
			if err := b.compare(ctx, s, bit); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare measures both sides under a filter, and prints their ratios.
func (b *Bench) compare(ctx context.Context, s *subject, bit int) error {
	name := "no filter"
	if bit >= 0 {
		name = Filters[bit].Name
	}
	var ours []Point
	err := s.withIndex(func(x indexed) (err error) {
		ours, err = series(ctx, x, bit)
		return err
	})
	if err != nil {
		return err
	}
	b.print(name+", quarry", ours)
	theirs := map[string][]Point{}
	for _, p := range s.peers {
		points, err := p.series(ctx, s.dir, bit)
		if err != nil {
			return err
		}
		theirs[p.path] = points
		b.print(name+", "+p.of.name+" "+p.name, points)
	}
	for _, recall := range []float64{0.97, 0.99} {
		for _, p := range b.peers() {
			b.ratio(s, p, name, recall, ours, theirs)
		}
	}
	return nil
}

func (b *Bench) print(what string, points []Point) {
	var line strings.Builder
	for _, p := range points {
		fmt.Fprintf(&line, "  %d: %.4f@%.0f", p.Effort, p.Recall, p.Rate)
		if p.Path != "" && (p.Path != "graph" || len(points) == 1) {
			line.WriteString(" by " + p.Path)
		}
	}
	if len(points) == 0 {
		line.WriteString("  it knows no filter")
	}
	b.say("  %s%s", what, line.String())
}

// ratio compares the speed at a recall with the best of the peer's indexes.
// Where no setting of the peer reaches the recall, its best one counts.
func (b *Bench) ratio(s *subject, p peer, name string, recall float64, ours []Point, theirs map[string][]Point) {
	rate, ok := rateAt(ours, recall)
	best, bestName, reached := 0.0, "", false
	for _, index := range s.peers {
		if index.of != p {
			continue
		}
		points := theirs[index.path]
		r, ok := rateAt(points, recall)
		if !ok && !reached && len(points) > 0 {
			r = points[len(points)-1].Rate
		}
		if ok && !reached {
			best, reached = 0, true
		}
		if (ok || !reached) && r > best {
			best, bestName = r, index.name
		}
	}
	what := fmt.Sprintf("%s, %s at recall %.2f", s.name, name, recall)
	switch {
	case best == 0:
		return
	case !ok:
		b.say("  => %s: quarry does not reach it", what)
		return
	case !reached:
		bestName += ", which does not reach it"
	}
	b.say("  => %s: quarry %.0f, %s (%s) %.0f: %.1f times", what, rate, p.name, bestName, best, rate/best)
}
