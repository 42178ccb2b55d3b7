package enginebench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// Bench measures the engine on the data sets in a folder.
type Bench struct {
	Dir  string   // holds a folder for each set
	Sets []string // names of those folders
	Only []string // of Experiments; none means all but the long ones
	HNSW string   // program built from bench/peers/hnswlib; "" measures no peer
	Out  io.Writer
}

func (b *Bench) say(format string, args ...any) { fmt.Fprintf(b.Out, format+"\n", args...) }

// beams are the widths that are measured.
var beams = []int{10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512}

// Run measures one set after the other.
func (b *Bench) Run(ctx context.Context) error {
	for _, name := range b.Sets {
		dir := filepath.Join(b.Dir, name)
		d, err := Read(dir)
		if err != nil {
			return err
		}
		built, err := EnsureIndex(ctx, dir, d, b.say)
		if err != nil {
			return err
		}
		b.say("%s: %+v", name, built)
		e, err := openIndex(dir)
		if err != nil {
			return err
		}
		points, err := series(ctx, e, d, -1, beams)
		for _, p := range points {
			b.say("beam %d recall %.4f qps %.0f %s", p.Effort, p.Recall, p.Rate, p.Path)
		}
		if err := errors.Join(err, e.Close()); err != nil {
			return err
		}
	}
	return nil
}
