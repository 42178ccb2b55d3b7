package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klippa-app/go-pdfium"
	pdferrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/quarry-search/quarry/internal/rag"
)

// engine is pdfium within a worker process. Each document gets a fresh
// instance, so that none can harm the next.
type engine struct {
	pool    pdfium.Pool
	memory  *memoryLimit
	maxText int
	cache   wazero.CompilationCache
}

const (
	maxPages  = 50_000
	startTime = 30 * time.Second // to make an instance
)

// newEngine compiles pdfium, or loads it from the compilation cache.
//
// SECURITY: the module sees no file system and writes to nowhere.
func newEngine(cfg workerConfig) (*engine, error) {
	e := &engine{memory: &memoryLimit{bytes: cfg.MemoryBytes}, maxText: cfg.MaxTextBytes}
	rc := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling)
	if cfg.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cfg.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("open compilation cache: %w", err)
		}
		e.cache = cache
		rc = rc.WithCompilationCache(cache)
	}
	pool, err := webassembly.Init(webassembly.Config{
		Context:       experimental.WithMemoryAllocator(context.Background(), e.memory),
		MaxTotal:      1,
		FSConfig:      wazero.NewFSConfig(),
		RuntimeConfig: rc,
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("start pdfium: %w", err)
	}
	e.pool = pool
	return e, nil
}

func (e *engine) close() {
	e.pool.Close()
	if e.cache != nil {
		e.cache.Close(context.Background())
	}
}

// read returns the title and the pages of a document.
func (e *engine) read(data []byte) (title string, pages []string, err error) {
	e.memory.exceeded = false
	defer func() {
		if recover() != nil {
			err = rag.Fail(rag.ReasonParse, "damaged PDF")
		}
		if err != nil && e.memory.exceeded {
			err = rag.Fail(rag.ReasonMemory, fmt.Sprintf("the PDF needs more than %d MiB", e.memory.bytes>>20))
		}
	}()
	instance, err := e.pool.GetInstance(startTime)
	if err != nil {
		return "", nil, rag.Fail(rag.ReasonInternal, "no PDF instance")
	}
	defer instance.Close()
	doc, err := instance.OpenDocument(&requests.OpenDocument{File: &data})
	switch {
	case errors.Is(err, pdferrors.ErrPassword), errors.Is(err, pdferrors.ErrSecurity):
		return "", nil, rag.Skip(rag.ReasonEncrypted, "")
	case err != nil:
		return "", nil, err
	}
	if meta, err := instance.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: doc.Document, Tag: "Title"}); err == nil {
		title = cleanTitle(meta.Value)
	}
	pages, err = e.readPages(instance, doc.Document)
	return title, pages, err
}

// readPages reads all pages. A damaged page is empty; only if none can be read
// is the document refused.
func (e *engine) readPages(instance pdfium.Pdfium, doc references.FPDF_DOCUMENT) ([]string, error) {
	count, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: doc})
	if err != nil {
		return nil, err
	}
	if count.PageCount > maxPages {
		return nil, rag.Skip(rag.ReasonTooLarge, fmt.Sprintf("%d pages, the limit is %d", count.PageCount, maxPages))
	}
	var pages []string
	var failed error
	total, damaged := 0, 0
	for i := range count.PageCount {
		text, err := pageText(instance, doc, i)
		if err != nil {
			failed, damaged = err, damaged+1
			if e.memory.exceeded {
				return nil, err
			}
		}
		if total += len(text); total > e.maxText {
			return nil, rag.Skip(rag.ReasonTooLarge, fmt.Sprintf("more than %d bytes of text", e.maxText))
		}
		pages = append(pages, text)
	}
	if damaged > 0 && damaged == len(pages) {
		return nil, failed
	}
	return pages, nil
}

// pageText returns a page's text. What people filled into forms or wrote upon
// the page is no part of its content until it is flattened into it.
func pageText(instance pdfium.Pdfium, doc references.FPDF_DOCUMENT, index int) (string, error) {
	page, err := instance.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: doc, Index: index})
	if err != nil {
		return "", err
	}
	text, err := contentText(instance, page.Page)
	ref := requests.Page{ByReference: &page.Page}
	annots, annotsErr := instance.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: ref})
	flattened := false
	if annotsErr == nil && annots.Count > 0 {
		r, err := instance.FPDFPage_Flatten(&requests.FPDFPage_Flatten{Page: ref, Usage: requests.FPDFPage_FlattenUsageNormalDisplay})
		flattened = err == nil && r.Result == responses.FPDFPage_FlattenResultSuccess
	}
	instance.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: page.Page})
	if !flattened {
		return text, err
	}
	if page, err := instance.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: doc, Index: index}); err == nil {
		defer instance.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: page.Page})
		if more, err := contentText(instance, page.Page); err == nil && len(more) > len(text) {
			return more, nil
		}
	}
	return text, err
}

func contentText(instance pdfium.Pdfium, ref references.FPDF_PAGE) (string, error) {
	page, err := instance.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: requests.Page{ByReference: &ref}})
	if err != nil {
		return "", err
	}
	defer instance.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: page.TextPage})
	count, err := instance.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: page.TextPage})
	if err != nil || count.Count <= 0 {
		return "", err
	}
	text, err := instance.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: page.TextPage, StartIndex: 0, Count: count.Count})
	if err != nil {
		return "", err
	}
	return readable(text.Text), nil
}

// memoryLimit gives instances their memory, up to a limit, and remembers that
// one asked for more.
type memoryLimit struct {
	bytes    uint64
	exceeded bool
}

// Allocate implements experimental.MemoryAllocator.
func (l *memoryLimit) Allocate(capacity, _ uint64) experimental.LinearMemory {
	return &linearMemory{limit: l, buf: make([]byte, 0, min(capacity, l.bytes))}
}

type linearMemory struct {
	limit *memoryLimit
	buf   []byte
}

func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > m.limit.bytes {
		m.limit.exceeded = true
		return nil
	}
	if size > uint64(cap(m.buf)) {
		buf := make([]byte, len(m.buf), min(max(size, uint64(cap(m.buf))*2), m.limit.bytes))
		copy(buf, m.buf)
		m.buf = buf
	}
	m.buf = m.buf[:size]
	return m.buf
}

func (m *linearMemory) Free() { m.buf = nil }
