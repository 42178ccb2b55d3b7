package answer

// picker hands out units, best first, leaving out those that repeat what was
// taken and those far behind the best.
type picker struct {
	units []*unit // best first
	at    int
	taken []*unit
}

// How a further unit is chosen.
const (
	behind     = 0.35 // most that its score may lie behind the best's
	sameVector = 0.92 // cosine from which two units say the same
	sameWords  = 0.8  // share of the shorter one's words that the other holds
)

// next returns the next unit worth quoting.
func (p *picker) next() (*unit, bool) {
	for p.at < len(p.units) {
		u := p.units[p.at]
		p.at++
		if len(p.taken) > 0 && (u.score < p.taken[0].score-behind || u.flaw != sound) {
			continue
		}
		if p.repeats(u) {
			continue
		}
		p.taken = append(p.taken, u)
		return u, true
	}
	return nil, false
}

// refuse gives the last unit back: it was not used.
func (p *picker) refuse() { p.taken = p.taken[:len(p.taken)-1] }

func (p *picker) repeats(u *unit) bool {
	for _, t := range p.taken {
		overlap := t.hit == u.hit && u.start < t.end && t.start < u.end
		if overlap || dot(t.vector, u.vector) >= sameVector || containment(t.text, u.text) >= sameWords {
			return true
		}
	}
	return false
}

// containment is the share of the words of the shorter text that the other
// holds.
func containment(a, b string) float64 {
	x, y := map[string]bool{}, map[string]bool{}
	for _, w := range plainWords(a) {
		x[w] = true
	}
	for _, w := range plainWords(b) {
		y[w] = true
	}
	if len(x) > len(y) {
		x, y = y, x
	}
	common := 0
	for w := range x {
		if y[w] {
			common++
		}
	}
	if len(x) == 0 {
		return 0
	}
	return float64(common) / float64(len(x))
}
