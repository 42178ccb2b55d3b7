package segment

import "github.com/quarry-search/quarry/internal/engine/quant"

// finishCodes makes the codes of metrics that take them from the mean of all
// vectors, and what of each score does not depend on the query.
func (b *builder) finishCodes() {
	s := b.seg
	if !s.metric.Centred() || s.dim == 0 {
		return
	}
	s.centre = s.mean()
	if s.metric == quant.L2 {
		s.biases = make([]float32, s.Rows())
	}
	offset := make([]float32, s.dim)
	s.has.Each(func(row uint32) {
		vector := s.vectors[int(row)*s.stride:][:s.dim]
		for i, c := range s.centre {
			offset[i] = vector[i] - c
		}
		b.rotation.Rotate(b.rotated, offset)
		quant.EncodeBits(s.codes[int(row)*s.record:][:s.record], b.rotated)
		if s.biases != nil {
			s.biases[row] = quant.Bias(offset)
		}
	})
	s.finishCentre()
}

// mean is the mean of the rows' vectors.
func (s *Segment) mean() []float32 {
	sums := make([]float64, s.dim)
	n := 0
	s.has.Each(func(row uint32) {
		n++
		for i, x := range s.vectors[int(row)*s.stride:][:s.dim] {
			sums[i] += float64(x)
		}
	})
	mean := make([]float32, s.dim)
	for i, sum := range sums {
		mean[i] = float32(sum / float64(max(n, 1)))
	}
	return mean
}

// finishCentre derives what scans want of the centre and the biases.
func (s *Segment) finishCentre() {
	if len(s.centre) == 0 {
		return
	}
	rotation := quant.NewRotation(s.dim)
	s.rotatedCentre = make([]float32, rotation.Size())
	rotation.Rotate(s.rotatedCentre, s.centre)
	for i, bias := range s.biases {
		if i == 0 || bias > s.greatestBias {
			s.greatestBias = bias
		}
	}
}

// Metric is what the segment's codes were made for.
func (s *Segment) Metric() quant.Metric { return s.metric }

// Centre returns the mean of the vectors, as it is and rotated: codes are of
// what differs from it. Nil for cosines.
func (s *Segment) Centre() (plain, rotated []float32) { return s.centre, s.rotatedCentre }

// Biases returns quant.Bias of each row, and the greatest; nil but for L2.
func (s *Segment) Biases() (biases []float32, greatest float32) { return s.biases, s.greatestBias }
