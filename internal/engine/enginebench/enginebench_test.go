package enginebench

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/engine"
)

func sets(rows int) map[string]*Dataset {
	d1, d2 := Clustered(rows, 10, 64), Spread(rows, 10, 64)
	var base, queries [][]float32
	for i := range rows {
		base = append(base, d2.Base.Row(i))
	}
	for i := range 10 {
		queries = append(queries, d1.Queries.Row(i))
	}
	all := map[string]*Dataset{"d1": d1, "d2": d2, "embedded": Embedded(base, queries)}
	for _, d := range all {
		d.SetTruth()
	}
	return all
}

func TestDatasets(t *testing.T) {
	for name, d := range sets(5000) {
		for i := range d.Base.Rows() {
			if norm := dot(d.Base.Row(i), d.Base.Row(i)); math.Abs(norm-1) > 1e-4 {
				t.Fatalf("%s: row %d has the squared length %v", name, i, norm)
			}
		}
		for bit, f := range Filters {
			pass := 0
			for _, m := range d.Masks {
				pass += int(m >> bit & 1)
			}
			if share := float64(pass) / 5000; math.Abs(share-f.Share) > 0.01+f.Share/4 {
				t.Errorf("%s: %s passes %.4f of the rows", name, f.Name, share)
			}
		}
		for bit := -1; bit < len(Filters); bit++ {
			for q := range d.Queries.Rows() {
				compareNearest(t, d, bit, q)
			}
		}
		dir := t.TempDir()
		if err := d.Write(dir); err != nil {
			t.Fatal(err)
		}
		got, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			t.Errorf("%s: what was read differs:\n%s", name, diff)
		}
	}
}

func dot(a, b []float32) (s float64) {
	for i, x := range a {
		s += float64(x) * float64(b[i])
	}
	return s
}

// compareNearest wants no row that passes to be nearer than the least of the
// exact answers without being one.
func compareNearest(t *testing.T, d *Dataset, bit, q int) {
	t.Helper()
	nearest := d.Nearest(bit, q)
	least, pass := math.Inf(1), 0
	for _, row := range nearest {
		least = min(least, dot(d.Queries.Row(q), d.Base.Row(int(row))))
	}
	for i := range d.Base.Rows() {
		if bit >= 0 && d.Masks[i]>>bit&1 == 0 {
			if slices.Contains(nearest, int32(i)) {
				t.Fatalf("filter %d: row %d does not pass", bit, i)
			}
			continue
		}
		pass++
		if dot(d.Queries.Row(q), d.Base.Row(i)) > least+1e-5 && !slices.Contains(nearest, int32(i)) {
			t.Fatalf("filter %d, query %d: row %d is nearer", bit, q, i)
		}
	}
	if len(nearest) != min(pass, Neighbors) {
		t.Fatalf("filter %d, query %d: %d answers, %d rows pass", bit, q, len(nearest), pass)
	}
}

func TestIndexIsBuiltOnce(t *testing.T) {
	d := sets(3000)["d1"]
	dir := t.TempDir()
	said := 0
	say := func(string, ...any) { said++ }
	e, err := smallIndex(context.Background(), dir+"/"+indexDir, d, 3000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if r, _, err := recall(context.Background(), indexed{e, d}, -1, 200); err != nil || r < 0.99 {
		t.Errorf("recall %v, %v", r, err)
	}
	for bit, f := range Filters {
		if r, path, err := recall(context.Background(), indexed{e, d}, bit, 200); err != nil || r < 0.97 || path == "" {
			t.Errorf("%s: recall %v by %q, %v", f.Name, r, path, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	want := Built{Rows: 3000, Graph: 1}
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	if got, err := EnsureIndex(context.Background(), dir, d, say); err != nil || got != want || said > 0 {
		t.Errorf("%+v, %v, said %d lines: the index was built again", got, err, said)
	}
	if err := os.WriteFile(filepath.Join(dir, indexDir, "manifest"), []byte("damage"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := EnsureIndex(context.Background(), dir, d, say)
	if err != nil || said == 0 || got.Rows != 3000 || got.GraphBytes == 0 {
		t.Fatalf("%+v, %v, said %d lines: a damaged index was not built again", got, err, said)
	}
	if err := openable(dir); err != nil {
		t.Error(err)
	}
}

func TestBenchRefusesWhatItDoesNotKnow(t *testing.T) {
	b := Bench{Dir: t.TempDir(), Only: []string{"nonesuch"}, Out: &strings.Builder{}}
	if err := b.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "churn") {
		t.Errorf("error %v does not name the experiments", err)
	}
	b = Bench{Dir: t.TempDir(), Sets: []string{"d1"}, Out: &strings.Builder{}}
	if err := b.Run(context.Background()); err == nil {
		t.Error("a folder without data was measured")
	}
}

func TestRateAt(t *testing.T) {
	points := []Point{{Recall: 0.9, Rate: 400}, {Recall: 0.98, Rate: 100}, {Recall: 0.995, Rate: 200, Path: engine.PathScan1}}
	for _, c := range []struct{ recall, want float64 }{{0.8, 400}, {0.9, 400}, {0.94, 200}, {0.99, 200}} {
		if got, ok := rateAt(points, c.recall); !ok || math.Abs(got-c.want) > 1 {
			t.Errorf("at %v: %v, %v, want %v", c.recall, got, ok, c.want)
		}
	}
	if _, ok := rateAt(points, 0.999); ok {
		t.Error("no point reaches 0.999")
	}
}

func TestPeerLines(t *testing.T) {
	v := values("build M=16 efc=100 rows=1000 cpu_s=1.5 bytes_per_vector=1782")
	if v["M"] != 16 || v["cpu_s"] != 1.5 || v["bytes_per_vector"] != 1782 {
		t.Errorf("%v", v)
	}
	for line, want := range map[string]string{
		"build M=16 efc=100 rows=1000 cpu_s=1.5":            "M=16 efc=100",
		"build IVF16,PQ192x4fs efc=0 rows=1000 cpu_s=1.5\n": "IVF16,PQ192x4fs efc=0",
	} {
		if got := settings(line); got != want {
			t.Errorf("%q: settings %q, want %q", line, got, want)
		}
	}
}

func TestGroups(t *testing.T) {
	for _, rows := range []int{groups * fewRows, 1_000_003, 2_000_000} {
		counts := map[int]int{}
		for row := range rows + 10 {
			if group, ok := groupOf(row, rows); ok {
				counts[group]++
			}
		}
		if len(counts) != groups {
			t.Errorf("%d rows: %d groups", rows, len(counts))
		}
		for group, n := range counts {
			if n != fewRows {
				t.Fatalf("%d rows: group %d has %d of them", rows, group, n)
			}
		}
	}
}

func TestFewFindsWhatPasses(t *testing.T) {
	d := Spread(groups*fewRows, 10, 64)
	dir := t.TempDir()
	e, err := smallIndex(context.Background(), filepath.Join(dir, indexDir), d, groups*fewRows, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	b := Bench{Dir: dir, Out: &out}
	if err := b.few(context.Background(), &subject{name: "d1", dir: dir, data: d}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "recall 1.0000 by exact") != 2 {
		t.Error(got)
	}
}

// TestLinkedIndexIsItsOwn ingests into a linked index, and wants nothing of it
// in the one that it was linked from.
func TestLinkedIndexIsItsOwn(t *testing.T) {
	ctx := context.Background()
	d := Spread(3000, 10, 64)
	from, to := t.TempDir(), t.TempDir()
	e, err := smallIndex(ctx, from, d, 3000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := linkIndex(from, to); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir        string
		more, want int
	}{{to, 1500, 4500}, {from, 0, 3000}, {to, 0, 4500}} {
		e, err := openAt(c.dir, 1000)
		if err != nil {
			t.Fatal(err)
		}
		err = ingest(ctx, indexed{e, d}, c.more)
		if c.more > 0 && err == nil {
			err = e.Compact(ctx)
		}
		stats, failed := e.Stats(collection)
		if err := errors.Join(err, failed, e.Close()); err != nil || stats.Rows != int64(c.want) {
			t.Errorf("%d rows, %v, want %d", stats.Rows, err, c.want)
		}
	}
}

func TestLoads(t *testing.T) {
	d := Spread(1000, 10, 64)
	e, err := smallIndex(context.Background(), t.TempDir(), d, 1000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]searchLoad{"closed": closedLoop, "arrivals": arrivals} {
		took, err := during(context.Background(), indexed{e, d}, run, func() error { time.Sleep(100 * time.Millisecond); return nil })
		if err != nil || len(took) < 2 || !slices.IsSorted(took) {
			t.Errorf("%s: %d times, %v", name, len(took), err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
