package enginebench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// peer is a program of bench/peers that measures another engine on the same
// files.
type peer struct {
	name    string // of the engine
	prefix  string // of the files of its indexes in a set's folder
	program string
}

// peers are those whose program was given.
func (b *Bench) peers() (list []peer) {
	for _, p := range []peer{{"hnswlib", "hnsw-", b.HNSW}, {"faiss", "faiss-", b.FAISS}} {
		if p.program != "" {
			list = append(list, p)
		}
	}
	return list
}

// peerIndex is an index that a peer saved in a set's folder.
type peerIndex struct {
	of        peer
	name      string // as in M=16 efc=100
	path      string
	build     float64 // CPU-seconds
	perVector float64 // resident bytes
	rows      float64
}

// indexes finds those that were built: files of the peer's prefix, with a .txt
// beside that says how.
func (p peer) indexes(dir string) (list []peerIndex, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, p.prefix+"*.bin"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path + ".txt")
		if err != nil {
			continue // it is being built
		}
		v := values(string(text))
		list = append(list, peerIndex{
			of: p, name: settings(string(text)), path: path,
			build: v["cpu_s"], perVector: v["bytes_per_vector"], rows: v["rows"],
		})
	}
	return list, nil
}

// settings is what a build's line says before its figures.
func settings(line string) string {
	before, _, _ := strings.Cut(line, " rows=")
	return strings.TrimPrefix(before, "build ")
}

// values reads the numbers of a line of name=number.
func values(line string) map[string]float64 {
	found := map[string]float64{}
	for _, field := range strings.Fields(line) {
		name, value, _ := strings.Cut(field, "=")
		if x, err := strconv.ParseFloat(value, 64); err == nil {
			found[name] = x
		}
	}
	return found
}

// peerEfforts are the widths that peers are measured at: few where a search
// takes long.
func peerEfforts(bit int) []int {
	if bit < 0 {
		return []int{10, 20, 30, 40, 60, 80, 120, 160, 240, 400, 700}
	}
	switch share := Filters[bit].Share; {
	case share <= 0.001:
		return []int{10, 40}
	case share <= 0.01:
		return []int{10, 40, 160}
	}
	return []int{10, 20, 40, 80, 160, 320}
}

// series measures the peer with one of its indexes, on one thread. There are no
// points where the index knows no filters.
func (x peerIndex) series(ctx context.Context, dir string, bit int) (points []Point, err error) {
	args := []string{dir, "search", x.path, strconv.Itoa(bit)}
	for _, ef := range peerEfforts(bit) {
		args = append(args, strconv.Itoa(ef))
	}
	cmd := exec.CommandContext(ctx, x.of.program, args...)
	cmd.Env = append(cmd.Environ(), "OMP_NUM_THREADS=1")
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", x.of.program, err, strings.TrimSpace(failed.String()))
	}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		if v := values(lines.Text()); v["qps"] > 0 {
			points = append(points, Point{Effort: int(v["ef"]), Recall: v["recall"], Rate: v["qps"]})
		}
	}
	return points, nil
}

// rateAt is the speed at a recall, interpolated between the points around it;
// ok is false when no point reaches it.
func rateAt(points []Point, recall float64) (rate float64, ok bool) {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b Point) int {
		if a.Recall < b.Recall {
			return -1
		}
		return 1
	})
	for i, p := range points {
		if p.Recall < recall {
			continue
		}
		rate = p.Rate
		if i > 0 && points[i-1].Path == p.Path { // nothing lies between two paths
			before := points[i-1]
			at := (recall - before.Recall) / (p.Recall - before.Recall)
			rate = math.Exp(math.Log(before.Rate)*(1-at) + math.Log(p.Rate)*at)
		}
		for _, better := range points[i+1:] {
			rate = max(rate, better.Rate)
		}
		return rate, true
	}
	return 0, false
}
