package enginebench

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/engine/vfs"
	"github.com/quarry-search/quarry/internal/filter"
)

const (
	collection = "bench"
	batchRows  = 1000 // of one Apply while an index is filled
)

// Built says what it cost to make an index, in CPU-seconds.
type Built struct {
	Rows       int
	Ingest     float64 // applying, flushing and merging of rows as they come
	Compact    float64 // making one segment of them
	Graph      float64 // codes and graph of that segment
	GraphBytes int64   // resident: 8-bit codes and graph
	BitBytes   int64   // resident: 1-bit codes
}

// indexDir and builtFile lie in the data set's folder.
const (
	indexDir  = "engine"
	builtFile = "engine.json"
)

// openIndex opens the engine's index of the data set in dir.
func openIndex(dir string) (*engine.Engine, error) {
	return openAt(filepath.Join(dir, indexDir), 0)
}

// openAt opens an index, empty where there is none yet, and reads its graph.
func openAt(dir string, graphRows int) (*engine.Engine, error) {
	e, err := openUnread(dir, graphRows)
	if err == nil {
		e.Warm(context.Background())
	}
	return e, err
}

// openUnread opens an index as a server does, which reads the graph while it
// serves.
func openUnread(dir string, graphRows int) (*engine.Engine, error) {
	fs, err := vfs.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	e, err := engine.Open(engine.Options{FS: fs, FlushEvery: time.Second, GraphRows: graphRows})
	if err != nil {
		return nil, err
	}
	if err := e.Recovered(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the index in %s: %w", dir, err), e.Close())
	}
	return e, nil
}

// EnsureIndex builds the index of the data set in dir, if it is not there, in
// the engine's own way: rows are applied in batches and written, merged to one
// segment, which gets its graph.
func EnsureIndex(ctx context.Context, dir string, d *Dataset, say func(format string, args ...any)) (Built, error) {
	b, err := readBuilt(dir)
	if err == nil {
		// One that another version wrote, or that is damaged, is built anew.
		err = openable(dir)
	}
	if err != nil {
		say("%s: filling an index", dir)
		if err := os.RemoveAll(filepath.Join(dir, indexDir)); err != nil {
			return b, err
		}
		b = Built{Rows: d.Base.Rows()}
		if b.Ingest, b.Compact, err = fill(ctx, dir, d); err == nil {
			err = b.write(dir)
		}
	}
	if err != nil || b.Graph > 0 {
		return b, err
	}
	say("%s: building the graph", dir)
	if err := b.graph(ctx, dir); err != nil {
		return b, err
	}
	return b, b.write(dir)
}

func openable(dir string) error {
	e, err := openIndex(dir)
	if err != nil {
		return err
	}
	stats, err := e.Stats(collection)
	if err == nil && stats.Rows == 0 {
		err = errors.New("the index is empty")
	}
	return errors.Join(err, e.Close())
}

func readBuilt(dir string) (b Built, err error) {
	text, err := os.ReadFile(filepath.Join(dir, builtFile))
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(text, &b)
}

func (b Built) write(dir string) error {
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, builtFile), text, 0o644)
}

// fill writes all rows, without graphs, and then makes one segment of them.
func fill(ctx context.Context, dir string, d *Dataset) (ingest, compact float64, err error) {
	fs, err := vfs.OpenDir(filepath.Join(dir, indexDir))
	if err != nil {
		return 0, 0, err
	}
	e, err := engine.Open(engine.Options{FS: fs, GraphRows: math.MaxInt})
	if err != nil {
		return 0, 0, err
	}
	stop := background(ctx, e)
	timer := newTimer()
	err = apply(ctx, e, d, 0, d.Base.Rows(), 0)
	err = errors.Join(err, stop())
	if err == nil {
		err = e.Flush()
	}
	ingest = timer.seconds()
	timer = newTimer()
	if err == nil {
		err = e.Compact(ctx)
	}
	return ingest, timer.seconds(), errors.Join(err, e.Close())
}

// background runs the engine's own work until stop.
func background(ctx context.Context, e *engine.Engine) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		var failed error
		e.Run(ctx, func(err error) { failed = errors.Join(failed, err) })
		done <- failed
	}()
	return func() error { cancel(); return <-done }
}

// apply puts the rows from to, each a document of its own, after seq.
func apply(ctx context.Context, e *engine.Engine, d *Dataset, from, to int, seq uint64) error {
	changes := make([]engine.Change, 0, batchRows)
	for row := from; row < to; row++ {
		changes = append(changes, change(d, row, row, seq+uint64(row-from)+1))
		if len(changes) < batchRows && row < to-1 {
			continue
		}
		if err := errors.Join(ctx.Err(), e.Apply(changes)); err != nil {
			return err
		}
		changes = changes[:0]
	}
	return nil
}

// change puts the vector of one row under the name of another. Its attributes
// are of the row, but for its group, which is of the name.
func change(d *Dataset, row, name int, seq uint64) engine.Change {
	var h engine.Hash
	binary.LittleEndian.PutUint64(h[:], seq)
	fields := map[string]filter.Value{}
	for bit := range Filters {
		if d.Masks[row]>>bit&1 != 0 {
			fields[fieldName(bit)] = filter.BoolOf(true)
		}
	}
	if group, ok := groupOf(name, d.Base.Rows()); ok {
		fields[groupField] = filter.NumberOf(float64(group))
	}
	return engine.Change{
		Seq: seq, Kind: engine.Put, Collection: collection, Vectors: map[engine.Hash][]float32{h: d.Base.Row(row)},
		Document: engine.Document{ID: strconv.Itoa(name), Fields: fields, Rows: []engine.Row{{Hash: h}}},
	}
}

func fieldName(bit int) string { return "filter" + strconv.Itoa(bit) }

// graph waits until the index's one segment has its graph.
func (b *Built) graph(ctx context.Context, dir string) error {
	e, err := openAt(filepath.Join(dir, indexDir), 1) // however few rows there are
	if err != nil {
		return err
	}
	timer := newTimer()
	err = waitForGraph(ctx, e, b.Rows)
	b.Graph = timer.seconds()
	if err == nil {
		var stats engine.Stats
		stats, err = e.Stats(collection)
		b.GraphBytes, b.BitBytes = stats.GraphBytes, stats.CodeBytes
	}
	return errors.Join(err, e.Close())
}

// waitForGraph runs the engine's background work until rows have graphs.
func waitForGraph(ctx context.Context, e *engine.Engine, rows int) error {
	stop := background(ctx, e)
	for ctx.Err() == nil {
		stats, err := e.Stats(collection)
		if err != nil || stats.GraphRows >= int64(rows) {
			return errors.Join(err, stop(), e.Flush())
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.Join(ctx.Err(), stop())
}

type timer struct{ began time.Duration }

func newTimer() timer            { return timer{cpuTime()} }
func (t timer) seconds() float64 { return (cpuTime() - t.began).Seconds() }
