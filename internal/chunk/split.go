package chunk

// Sections smaller than a third of a chunk are put together with small
// neighbours under the same heading, up to two thirds.
func (s *splitter) small(sec section) int  { return sec.budget / 3 }
func (s *splitter) target(sec section) int { return sec.budget * 2 / 3 }

// region cuts a range of units into pieces, each within its section's budget.
func (s *splitter) region(i, j int) []piece {
	if i == j {
		return nil
	}
	var secs []section
	for _, sec := range s.secs {
		sec.i, sec.j = max(sec.i, i), min(sec.j, j)
		if sec.i < sec.j {
			secs = append(secs, sec)
		}
	}
	return s.verify(s.siblings(nil, secs))
}

// walk cuts a section and the deeper ones that follow it.
func (s *splitter) walk(out []piece, secs []section) []piece {
	i, j := secs[0].i, secs[len(secs)-1].j
	if s.cost(i, j) <= s.target(secs[0]) {
		return append(out, piece{i, j})
	}
	if len(secs) == 1 {
		return s.stretch(out, i, j, secs[0].budget)
	}
	return s.siblings(out, secs)
}

// siblings cuts the first section's own text and each section of the level
// below it; runs of small ones are cut together.
func (s *splitter) siblings(out []piece, secs []section) []piece {
	var run []section
	flush := func() {
		if len(run) > 0 {
			out = s.stretch(out, run[0].i, run[len(run)-1].j, s.target(run[0]))
		}
		run = nil
	}
	for n := 0; n < len(secs); {
		end := n + 1
		for n > 0 && end < len(secs) && secs[end].level > secs[n].level {
			end++
		}
		if s.cost(secs[n].i, secs[end-1].j) <= s.small(secs[n]) {
			run = append(run, secs[n:end]...)
		} else {
			flush()
			out = s.walk(out, secs[n:end])
		}
		n = end
	}
	flush()
	return out
}

// stretch cuts units i to j, again and again at the best boundary, until each
// piece costs at most limit.
func (s *splitter) stretch(out []piece, i, j, limit int) []piece {
	if s.cost(i, j) <= limit || j-i < 2 {
		return append(out, piece{i, j})
	}
	k := s.boundary(i, j, limit)
	out = s.stretch(out, i, k, limit)
	return s.stretch(out, k, j, limit)
}

// boundary chooses where to cut units i to j: between a quarter and three
// quarters of the tokens, at the highest level; of equals the one whose next
// unit has the greatest hash. So a change far away moves nothing, and a change
// nearby seldom. Where two pieces can do, it never makes three necessary. A
// sentence is cut only if no sentence ends in the middle 80 %.
func (s *splitter) boundary(i, j, limit int) int {
	total := s.cost(i, j)
	least := 0
	if total <= 2*limit {
		least = total - limit
	}
	if k := s.best(i, j, max(total/4, least), levelSentence); k > 0 {
		return k
	}
	if k := s.best(i, j, max(total/10, least), levelSentence); k > 0 {
		return k
	}
	if k := s.best(i, j, max(total/4, least), 0); k > 0 {
		return k
	}
	return s.nearest(i, j, s.sums[i]+total/2)
}

// best returns the boundary of at least the given level that leaves margin
// tokens on both sides, 0 if there is none.
func (s *splitter) best(i, j, margin int, level uint8) int {
	best := 0
	for k := s.find(i, j, s.sums[i]+margin); k < j && s.sums[k] <= s.sums[j]-margin; k++ {
		u := s.units[k]
		if u.level < level {
			continue
		}
		if best == 0 || u.level > s.units[best].level ||
			u.level == s.units[best].level && u.hash > s.units[best].hash {
			best = k
		}
	}
	return best
}

// find returns the first boundary after i at which sums reach at, at most j.
func (s *splitter) find(i, j, at int) int {
	lo, hi := i+1, j
	for lo < hi {
		mid := (lo + hi) / 2
		if s.sums[mid] < at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (s *splitter) nearest(i, j, at int) int {
	k := min(s.find(i, j, at), j-1)
	if k > i+1 && at-s.sums[k-1] < s.sums[k]-at {
		k--
	}
	return k
}

// verify cuts pieces further that are over the limit when counted whole: sums
// of parts are exact only for tokenizers that never join across white space.
func (s *splitter) verify(pieces []piece) []piece {
	var out []piece
	for n, p := range pieces {
		if s.fits(p) {
			if out != nil {
				out = append(out, p)
			}
			continue
		}
		if out == nil {
			out = append(make([]piece, 0, len(pieces)+1), pieces[:n]...)
		}
		half := s.stretch(nil, p.i, p.j, max(s.cost(p.i, p.j)-1, 1))
		out = append(out, s.verify(half)...)
	}
	if out == nil {
		return pieces
	}
	return out
}

// fits reports whether a piece is within MaxTokens, or cannot be cut.
func (s *splitter) fits(p piece) bool {
	if p.j-p.i < 2 {
		return true
	}
	text := s.p.Text[s.units[p.i].start:s.units[p.j-1].end]
	if ctx := s.contextAt(p.i); ctx != "" {
		text = ctx + "\n" + text
	}
	return s.opts.Count(text) <= s.opts.MaxTokens
}
