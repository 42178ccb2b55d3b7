package pdf

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// grace is how much longer than the client a worker waits before it ends
// itself over a document.
const grace = 5 * time.Second

// WorkerMain is a worker process: it reads documents from in and answers on
// out until in ends. It returns the process's exit code.
func WorkerMain(in io.Reader, out io.Writer) int {
	r, w := bufio.NewReader(in), bufio.NewWriter(out)
	kind, payload, err := readFrame(r)
	var cfg workerConfig
	if err != nil || kind != frameConfig || json.Unmarshal(payload, &cfg) != nil {
		return 2
	}
	e, err := newEngine(cfg)
	if err != nil {
		return 1
	}
	defer e.close()
	if writeFrame(w, frameReady, nil) != nil || w.Flush() != nil {
		return 1
	}
	for {
		kind, payload, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return 0
		}
		if err != nil || kind != frameDocument {
			return 2
		}
		if answer(e, cfg, w, payload) != nil || w.Flush() != nil {
			return 1
		}
	}
}

// answer reads one document. Its error is that the client cannot be reached.
func answer(e *engine, cfg workerConfig, w io.Writer, data []byte) error {
	watchdog := time.AfterFunc(time.Duration(cfg.TimeoutMillis)*time.Millisecond+grace, func() { os.Exit(3) })
	defer watchdog.Stop()
	title, pages, err := e.read(data)
	if err != nil {
		r := refusal{Result: string(rag.Failed), Reason: string(rag.ReasonParse), Detail: "damaged PDF"}
		var known *rag.Refusal
		if errors.As(err, &known) {
			r = refusal{string(known.Result), string(known.Reason), known.Detail}
		}
		payload, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return writeFrame(w, frameRefused, payload)
	}
	if err := writeFrame(w, frameTitle, []byte(title)); err != nil {
		return err
	}
	for _, page := range pages {
		if err := writeFrame(w, framePage, []byte(page)); err != nil {
			return err
		}
	}
	return writeFrame(w, frameDone, nil)
}
