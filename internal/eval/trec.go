package eval

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// runPath names a run: the file asked for is the hybrid run of the only set;
// other modes and sets put their names before its extension.
func (r *runner) runPath(mode rag.Mode) string {
	ext := filepath.Ext(r.opts.Run)
	path := strings.TrimSuffix(r.opts.Run, ext)
	if len(r.opts.Sets) > 1 {
		path += "." + r.set.Name
	}
	if mode != rag.Hybrid {
		path += "." + string(mode)
	}
	return path + ext
}

// runField makes an id fit for a run, whose fields are divided by spaces.
var runField = strings.NewReplacer("%", "%25", " ", "%20", "\t", "%09")

// writeRun writes rankings as trec_eval reads them: question, Q0, document,
// rank, score, tag.
func writeRun(path, tag string, runs []ranking) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	defer func() {
		if closeErr := file.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("write run: %w", closeErr)
		}
	}()
	w := bufio.NewWriter(file)
	for _, run := range runs {
		for i, id := range run.ids {
			fmt.Fprintf(w, "%s Q0 %s %d %.6f %s\n", runField.Replace(run.question), runField.Replace(id), i+1, run.scores[i], tag)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	return nil
}
