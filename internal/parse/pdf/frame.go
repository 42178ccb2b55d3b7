package pdf

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Frames are a kind (one byte), a length (four bytes, big endian) and that
// many bytes. The client sends one config, awaits ready, then sends documents
// one at a time; to each the worker answers with title and pages, then with
// done or refused.
const (
	frameConfig   = 'c' // JSON of workerConfig
	frameReady    = 'r'
	frameDocument = 'd'
	frameTitle    = 't'
	framePage     = 'p'
	frameDone     = '.'
	frameRefused  = 'x' // JSON of refusal
)

// workerConfig is what a worker is told at its start.
type workerConfig struct {
	CacheDir     string `json:"cache_dir"`
	MemoryBytes  uint64 `json:"memory_bytes"`
	MaxTextBytes int    `json:"max_text_bytes"`
	// TimeoutMillis ends the worker itself, in case that no client is left to
	// end it.
	TimeoutMillis int64 `json:"timeout_millis"`
}

// refusal is a rag.Refusal on its way.
type refusal struct {
	Result string `json:"result"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

const maxFrameBytes = 1 << 30

func writeFrame(w io.Writer, kind byte, payload []byte) error {
	var head [5]byte
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

func readFrame(r io.Reader) (byte, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrameBytes {
		return 0, nil, fmt.Errorf("read frame: %d bytes are too many", n)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return head[0], payload, err
}
