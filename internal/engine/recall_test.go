package engine

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestRecallIsSampled has every search repeated, one of which is made to have
// missed all: both are counted, under the path and the collection.
func TestRecallIsSampled(t *testing.T) {
	e, err := Open(Options{RecallSample: 1})
	must(t, err)
	changes := []Change{{Seq: 1, Kind: Create, Collection: "a"}}
	for i := range 2500 {
		h := hashOf(fmt.Sprint(i))
		changes = append(changes, Change{Seq: uint64(i + 2), Kind: Put, Collection: "a",
			Document: Document{ID: fmt.Sprint(i), Rows: []Row{{Hash: h, Text: "x"}}}, Vectors: map[Hash][]float32{h: testVector(uint64(i))}})
	}
	must(t, e.Apply(changes))
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan bool)
	go func() { e.Run(ctx, func(err error) { t.Error(err) }); close(ran) }()
	for !e.background.Load() {
		time.Sleep(time.Millisecond)
	}
	q := Query{Collection: "a", Scope: Scope{All: true}, Vector: testVector(7), Limit: 20}
	got, err := e.Search(ctx, q)
	must(t, err)
	if got.DensePath != PathScan1 {
		t.Fatalf("path %q", got.DensePath)
	}
	missed := sample{state: e.pin(), query: q, path: PathGraph, scores: make([]float32, 10)}
	for i := range missed.scores {
		missed.scores[i] = -1
	}
	e.recall.queue <- missed
	for e.Recall()[PathGraph].Expected == 0 || e.Recall()[PathScan1].Expected == 0 {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-ran
	scan, graph := e.Recall()[PathScan1], e.Recall()[PathGraph]
	if scan.Expected != 10 || scan.Found < 9 || graph != (Recall{10, 0}) {
		t.Errorf("scan %+v, graph %+v", scan, graph)
	}
	if s, err := e.Stats("a"); err != nil || s.Recall != (Recall{20, scan.Found}) {
		t.Errorf("stats %+v, %v", s, err)
	}
	if e.state.Load().pins.Load() != 0 {
		t.Error("a snapshot stays pinned")
	}
	must(t, e.Close())
}
