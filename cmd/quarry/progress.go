package main

import (
	"fmt"
	"io"
	"time"
)

// plainInterval is how often progress is written where it cannot be
// overwritten.
const plainInterval = 2 * time.Second

// progressLine shows the state of something long: one line that is rewritten
// on a terminal, a new line now and then elsewhere.
type progressLine struct {
	w     io.Writer
	tty   bool
	shown bool
	last  time.Time
}

func (p *progressLine) show(text string) {
	if p.tty {
		fmt.Fprintf(p.w, "\r\x1b[K%s", oneLine(text, width()-1))
		p.shown = true
		return
	}
	if now := time.Now(); now.Sub(p.last) >= plainInterval {
		if !p.last.IsZero() {
			fmt.Fprintln(p.w, text)
		}
		p.last = now
	}
}

// clear makes room for what is printed next.
func (p *progressLine) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
