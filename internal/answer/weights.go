package answer

import "math"

// weightsOf what a unit is judged by.
var weightsOf = struct {
	cosine, share, around, passage, rank, offers, lacks, short, long float64
}{cosine: 1, share: 1, around: 0.3, passage: 0.2, rank: 0.1, offers: 0.1, lacks: -0.1, short: 0.05, long: -0.05}

// penalty of each flaw.
var penalty = [...]float64{sound: 0, heading: 0.5, links: 0.4, question: 0.3, fragment: 0.2}

// judge scores the unit. Without vectors the words weigh double.
func (u *unit) judge(noVectors bool) float64 {
	w := weightsOf
	score := w.cosine*u.cosine + w.share*u.share
	if noVectors {
		score = (w.cosine + w.share) * u.share
	}
	score += w.around*u.features.around + w.passage*u.passage + w.rank*u.rank + w.offers*u.offers + w.lacks*u.lacks
	score += w.short*min(u.length, 0) + w.long*max(u.length, 0)
	return score - penalty[u.flaw]
}

// DefaultThreshold is the confidence below which an answer is not given.
const DefaultThreshold = 0.5

// confidence estimates the probability that the best unit answers.
func confidence(units []*unit, noVectors bool) float64 {
	return sigmoid(4*units[0].score - 4)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
