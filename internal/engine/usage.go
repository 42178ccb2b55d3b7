package engine

import (
	"strings"
	"time"
)

// Tasks of the background, as Options.Task names them.
const (
	TaskFlush = "flush" // writing what is in memory only
	TaskMerge = "merge" // making one segment of several, large ones with their graph
	TaskGraph = "graph" // building the graph of a segment that has none
)

// task tells of a task that ended.
func (e *Engine) task(name string, began time.Time, err error) {
	if e.options.Task != nil {
		e.options.Task(name, time.Since(began), err)
	}
}

// Usage is what the index takes, over all collections.
type Usage struct {
	Segments map[string]int64 // "memory": not written yet; "graph": searched by a graph; "small": the others
	Chunks   map[string]int64 // "live", "former" (see Options.KeepHistory), "dead"
	Memory   map[string]int64 // bytes by part, of graphs and of segments that are not written yet
	Disk     map[string]int64 // bytes by part, of files; of a graph once it was read
}

// Usage counts. It reads no file, and takes a few microseconds for a segment.
func (e *Engine) Usage() Usage {
	u := Usage{
		Segments: map[string]int64{"memory": 0, "small": 0, "graph": 0},
		Chunks:   map[string]int64{"live": 0, "former": 0, "dead": 0},
		Memory:   map[string]int64{}, Disk: map[string]int64{},
	}
	for _, part := range []string{"codes", "graph", "postings", "bitmaps", "vectors", "other"} {
		u.Memory[part], u.Disk[part] = 0, 0
	}
	e.state.Load().each(func(name string, v *view) {
		live := "live"
		if strings.HasSuffix(name, pastSuffix) {
			live = "former"
		}
		for _, p := range v.parts {
			u.Chunks[live] += int64(p.liveRows)
			u.Chunks["dead"] += int64(p.seg.Rows() - p.liveRows)
			u.addSegment(p)
			u.addGraph(p.graph)
		}
	})
	return u
}

// addSegment counts a part without its graph.
func (u Usage) addSegment(p *part) {
	to, size := u.Memory, p.seg.SizeBytes()
	if p.file != nil {
		to, size = u.Disk, p.file.size
	}
	switch {
	case p.graph != nil:
		u.Segments["graph"]++
	case p.file == nil:
		u.Segments["memory"]++
	default:
		u.Segments["small"]++
	}
	s := p.seg.Sizes()
	to["vectors"] += s.Vectors
	to["codes"] += s.Codes
	to["postings"] += s.Postings
	to["bitmaps"] += s.Columns
	to["other"] += size - s.Vectors - s.Codes - s.Postings - s.Columns
}

// addGraph counts a graph, which is read into memory whole.
func (u Usage) addGraph(g *partGraph) {
	if g == nil {
		return
	}
	codes := int64(len(g.codes.Data) + len(g.codes.Records))
	u.Memory["codes"] += codes
	u.Memory["graph"] += g.SizeBytes()
	if g.file.number != 0 {
		u.Disk["codes"] += codes
		u.Disk["graph"] += g.file.size - codes
	}
}
