package measure

import (
	"context"
	"fmt"

	"github.com/quarry-search/quarry/internal/model"
)

// Cosine is how two forms of one model agree on the same texts.
type Cosine struct {
	Mean  float64 `json:"mean"`
	Worst float64 `json:"worst"`
	Texts int     `json:"texts"`
	At    string  `json:"worst_text"`
}

// Agreement embeds the built-in texts with both models, each as a query and as
// a passage, and compares. Vectors have unit length.
func Agreement(ctx context.Context, a, b *model.Model) (Cosine, error) {
	out := Cosine{Worst: 1}
	texts := append(Sentences(), Passages()[:4]...)
	for _, role := range []model.Role{model.Query, model.Passage} {
		x, err := a.Embed(ctx, role, texts)
		if err != nil {
			return out, fmt.Errorf("embed: %w", err)
		}
		y, err := b.Embed(ctx, role, texts)
		if err != nil {
			return out, fmt.Errorf("embed: %w", err)
		}
		for i := range x {
			if len(x[i]) != len(y[i]) {
				return out, fmt.Errorf("compare: %d and %d dimensions", len(x[i]), len(y[i]))
			}
			dot := 0.0
			for d := range x[i] {
				dot += float64(x[i][d]) * float64(y[i][d])
			}
			out.Mean += dot
			out.Texts++
			if dot < out.Worst {
				out.Worst, out.At = dot, texts[i]
			}
		}
	}
	out.Mean /= float64(out.Texts)
	return out, nil
}
