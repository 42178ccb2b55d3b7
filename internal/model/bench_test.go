//go:build unix

package model

import (
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/model/builtin"
	"github.com/quarry-search/quarry/internal/model/kernel"
)

// passages are texts of about the length of a scientific abstract.
func passages(b *testing.B) []string {
	var out []string
	prose := sentences(b)[15:36]
	for i := range 32 {
		var p []string
		for j := range 10 {
			p = append(p, prose[(i*3+j*2)%len(prose)])
		}
		out = append(out, strings.Join(p, " "))
	}
	return out
}

const query12 = "which drug lowers blood pressure in older patients without many side effects"

func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func BenchmarkPassages(b *testing.B) {
	texts := passages(b)
	for _, k := range kernel.Available()[:max(1, len(kernel.Available())-1)] {
		b.Run(k.Name(), func(b *testing.B) {
			m := mustBuiltin(b).withKernels(k)
			tokens := 0
			for _, s := range texts {
				tokens += min(m.CountTokens(s)+2, m.spec.MaxTokens)
			}
			start := cpuTime()
			for b.Loop() {
				if _, err := m.Embed(b.Context(), Background, texts); err != nil {
					b.Fatal(err)
				}
			}
			cpu := (cpuTime() - start).Seconds()
			b.ReportMetric(float64(b.N*len(texts))/cpu, "passages/cpu-s")
			b.ReportMetric(float64(b.N*tokens)/cpu, "tokens/cpu-s")
		})
	}
}

func BenchmarkQuery(b *testing.B) {
	m := mustBuiltin(b)
	var times []time.Duration
	start := cpuTime()
	for b.Loop() {
		t := time.Now()
		if _, err := m.Embed(b.Context(), Query, []string{query12}); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(t))
	}
	b.ReportMetric((cpuTime()-start).Seconds()*1e3/float64(b.N), "cpu-ms/query")
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2].Seconds()*1e3, "p50-ms")
}

func BenchmarkLoad(b *testing.B) {
	data := builtin.Bytes()
	for b.Loop() {
		if _, err := load(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTokens(b *testing.B) {
	m, text := mustBuiltin(b), strings.Join(passages(b), "\n")
	n := m.CountTokens(text)
	for b.Loop() {
		m.CountTokens(text)
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds()/1e6, "Mtokens/s")
}

// BenchmarkQueriesAtOnce asks 16 at a time, which run together.
func BenchmarkQueriesAtOnce(b *testing.B) {
	m := mustBuiltin(b)
	start := cpuTime()
	for b.Loop() {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := m.Embed(b.Context(), Query, []string{query12}); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric((cpuTime()-start).Seconds()*1e3/float64(16*b.N), "cpu-ms/query")
}
