package enginebench

import "math/rand/v2"

// Embedded makes a data set of given vectors. Correlated filters pass the rows
// that are nearest to a random row.
func Embedded(base, queries [][]float32) *Dataset {
	d := &Dataset{Base: matrixOf(base), Queries: matrixOf(queries), Masks: randomMasks(len(base))}
	r := rand.New(rand.NewPCG(45, 1))
	d.MaskDirections(func(v []float32) { copy(v, base[r.IntN(len(base))]) })
	return d
}

func matrixOf(rows [][]float32) Matrix {
	m := Matrix{Dim: len(rows[0])}
	for _, row := range rows {
		m.Data = append(m.Data, row...)
	}
	return m
}
