package model

// dense is a linear layer during conversion: rows outputs of cols inputs.
type dense struct {
	rows, cols int
	w, bias    []float32
}

func newDense(rows, cols int) dense {
	return dense{rows: rows, cols: cols, w: make([]float32, rows*cols), bias: make([]float32, rows)}
}

// slice returns outputs from to to of d, sharing its memory.
func (d dense) slice(from, to int) dense {
	return dense{rows: to - from, cols: d.cols, w: d.w[from*d.cols : to*d.cols], bias: d.bias[from:to]}
}

func (d dense) scale(f float32) {
	for i := range d.w {
		d.w[i] *= f
	}
	for i := range d.bias {
		d.bias[i] *= f
	}
}

// stack puts layers of the same input under each other, each padded to rows.
func stack(rows int, parts ...dense) dense {
	out := newDense(rows*len(parts), parts[0].cols)
	for i, p := range parts {
		copy(out.w[i*rows*p.cols:], p.w)
		copy(out.bias[i*rows:], p.bias)
	}
	return out
}

// spread moves the inputs, heads side by side, to where padded heads stand.
func (d dense) spread(s *Spec) dense {
	hd, hp := s.headDim(), s.headPad()
	out := newDense(d.rows, s.attnPad())
	copy(out.bias, d.bias)
	for r := range d.rows {
		for i, v := range d.w[r*d.cols : (r+1)*d.cols] {
			out.w[r*out.cols+i/hd*hp+i%hd] = v
		}
	}
	return out
}

// padded rounds both sides up to align with zeros.
func (d dense) padded() dense {
	out := newDense(roundUp(d.rows, align), roundUp(d.cols, align))
	copy(out.bias, d.bias)
	for r := range d.rows {
		copy(out.w[r*out.cols:], d.w[r*d.cols:(r+1)*d.cols])
	}
	return out
}
