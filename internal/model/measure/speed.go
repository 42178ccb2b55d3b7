package measure

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/internal/model"
)

// Report is what was measured of one model on one machine. Figures that the
// system cannot give are 0.
type Report struct {
	Model        string `json:"model"`
	Fingerprint  string `json:"fingerprint"`
	Quantisation string `json:"quantisation"`
	CPU          string `json:"cpu"`
	Cores        int    `json:"cores"`
	Kernel       string `json:"kernel"`

	QueryP50 float64 `json:"query_p50_ms"`
	QueryP99 float64 `json:"query_p99_ms"`

	PassageTokens        float64 `json:"passage_tokens"`            // of a passage, on average
	PassagesPerCPUSecond float64 `json:"passages_per_cpu_second"`   // best batch, one core
	TokensPerCPUSecond   float64 `json:"tokens_per_cpu_second"`     // of the same
	Batch                int     `json:"best_batch"`                // passages
	CoresRatio           float64 `json:"all_cores_over_one"`        // passages per second
	ConcurrentRatio      float64 `json:"concurrent_16_over_one"`    // queries per second, 16 callers over one
	LoadedP99            float64 `json:"query_p99_while_ingesting"` // ms
	LoadedRatio          float64 `json:"query_p99_loaded_over_idle"`

	ResidentBytes int64 `json:"resident_bytes"` // of this process, after queries and passages one at a time
	// LoadedBytes is the same after all cores worked; 0 when they did not.
	LoadedBytes int64 `json:"resident_loaded_bytes,omitempty"`

	Agreement *Cosine `json:"int8_against_f32,omitempty"`
}

// Options of Speed.
type Options struct {
	Each  time.Duration // how long each figure is measured
	Brief bool          // only query p50, passages and memory
}

// Speed measures m.
func Speed(ctx context.Context, m *model.Model, o Options) (Report, error) {
	i := m.Info()
	r := Report{
		Model: i.Name, Fingerprint: i.Fingerprint, Quantisation: i.Quantisation, CPU: CPU(), Cores: runtime.GOMAXPROCS(0), Kernel: i.Kernel,
	}
	b := &bench{ctx: ctx, m: m, o: o, r: &r, passages: Passages()}
	if err := inTurn(b.warm, b.queries, b.throughput); err != nil {
		return r, err
	}
	runtime.GC()
	r.ResidentBytes = ResidentBytes()
	if o.Brief {
		return r, nil
	}
	err := inTurn(b.cores, b.concurrent, b.loaded)
	runtime.GC()
	r.LoadedBytes = ResidentBytes()
	return r, err
}

func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

type bench struct {
	ctx      context.Context
	m        *model.Model
	o        Options
	r        *Report
	passages []string
}

func (b *bench) embed(role model.Role, texts []string) error {
	_, err := b.m.Embed(b.ctx, role, texts)
	return err
}

func (b *bench) warm() error {
	tokens := 0
	for _, p := range b.passages {
		tokens += min(b.m.CountTokens(p)+2, b.m.Info().MaxTokens)
	}
	b.r.PassageTokens = float64(tokens) / float64(len(b.passages))
	return b.embed(model.Background, b.passages[:8])
}

// timed calls query until the time is over and returns milliseconds, sorted.
func (b *bench) timed(each time.Duration, query func() error) ([]float64, error) {
	var took []float64
	for began := time.Now(); time.Since(began) < each; {
		start := time.Now()
		if err := query(); err != nil {
			return nil, err
		}
		took = append(took, float64(time.Since(start).Nanoseconds())/1e6)
	}
	slices.Sort(took)
	return took, nil
}

func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func (b *bench) query() error { return b.embed(model.Query, []string{query}) }

func (b *bench) queries() error {
	took, err := b.timed(b.o.Each, b.query)
	b.r.QueryP50, b.r.QueryP99 = percentile(took, 0.50), percentile(took, 0.99)
	return err
}

// throughput finds the best batch on one core by CPU time, which other
// processes disturb less than the clock. Batches beyond a few passages are cut
// by the model itself; the first rounds of each size count like the others, so
// the best of several is taken.
func (b *bench) throughput() error {
	for _, size := range []int{1, 2, 4, 16} {
		for began := time.Now(); time.Since(began) < b.o.Each/2; {
			cpu := cpuTime()
			for part := range slices.Chunk(b.passages, size) {
				if err := b.embed(model.Background, part); err != nil {
					return err
				}
			}
			spent := (cpuTime() - cpu).Seconds()
			if spent <= 0 {
				break
			}
			if rate := float64(len(b.passages)) / spent; rate > b.r.PassagesPerCPUSecond {
				b.r.PassagesPerCPUSecond, b.r.Batch = rate, size
			}
		}
	}
	b.r.TokensPerCPUSecond = b.r.PassagesPerCPUSecond * b.r.PassageTokens
	return nil
}

// workers has n callers embed passages one by one, and returns passages per
// second.
func (b *bench) workers(ctx context.Context, n int, each time.Duration) (float64, error) {
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for w := range n {
		group.Go(func() error {
			for i := w; time.Since(began) < each && ctx.Err() == nil; i++ {
				if _, err := b.m.Embed(ctx, model.Background, b.passages[i%len(b.passages):i%len(b.passages)+1]); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), err
}

// rounds repeats pairs of measurements, so that what else the machine does
// meets both alike.
const rounds = 3

func (b *bench) cores() error {
	var ratios []float64
	for range rounds {
		one, err := b.workers(b.ctx, 1, b.o.Each/2)
		if err != nil {
			return err
		}
		all, err := b.workers(b.ctx, b.r.Cores, b.o.Each/2)
		if err != nil {
			return err
		}
		ratios = append(ratios, all/one)
	}
	slices.Sort(ratios)
	b.r.CoresRatio = ratios[rounds/2]
	return nil
}

// asking has n callers ask single queries, and returns queries per second.
func (b *bench) asking(n int, each time.Duration) (float64, error) {
	var done atomic.Int64
	var group errgroup.Group
	began := time.Now()
	for range n {
		group.Go(func() error {
			for time.Since(began) < each {
				if err := b.query(); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), err
}

func (b *bench) concurrent() error {
	var ratios []float64
	for range rounds {
		one, err := b.asking(1, b.o.Each/2)
		if err != nil {
			return err
		}
		many, err := b.asking(16, b.o.Each/2)
		if err != nil {
			return err
		}
		ratios = append(ratios, many/one)
	}
	slices.Sort(ratios)
	b.r.ConcurrentRatio = ratios[rounds/2]
	return nil
}

// loaded asks queries while background work fills every core.
func (b *bench) loaded() error {
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	var wg sync.WaitGroup
	for range 2 * b.r.Cores {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, _ = b.m.Embed(ctx, model.Background, b.passages) // ends by being stopped
			}
		})
	}
	took, err := b.timed(2*b.o.Each, b.query)
	stop()
	wg.Wait()
	b.r.LoadedP99 = percentile(took, 0.99)
	if b.r.QueryP99 > 0 {
		b.r.LoadedRatio = b.r.LoadedP99 / b.r.QueryP99
	}
	return err
}
