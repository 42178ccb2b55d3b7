package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// accept enters a group into the job and starts its lines as slots come free:
// until then nothing more is read.
func (b *batch) accept(ctx context.Context, group []entry) {
	items := make([]string, len(group))
	var total int64
	for i, e := range group {
		items[i] = e.item
		total += e.bytes
	}
	if err := b.memory.Acquire(ctx, total); err != nil {
		return // the client left before anything of the group was accepted
	}
	if err := b.Catalog.AddJobItems(ctx, b.job.ID, items); err != nil {
		b.memory.Release(total)
		b.fail(fmt.Errorf("accept batch lines: %w", err))
		return
	}
	for _, e := range group {
		if b.slots.Acquire(ctx, 1) != nil {
			b.finish(e, &rag.Error{Code: rag.CodeCanceled, Message: "the batch was canceled"})
			b.memory.Release(e.bytes)
			continue
		}
		before, done := b.queue(e.key)
		b.work.Go(func() {
			if before != nil {
				<-before
			}
			b.carryOut(ctx, e)
			b.unqueue(e.key, done)
			b.slots.Release(1)
			b.memory.Release(e.bytes)
		})
	}
	b.checkCanceled(ctx)
}

// queue puts a line behind the one before it of the same document, which has
// a slot already and so will end.
func (b *batch) queue(key string) (before <-chan struct{}, done chan struct{}) {
	done = make(chan struct{})
	if key == "" {
		return nil, done
	}
	b.order.Lock()
	defer b.order.Unlock()
	if c, ok := b.last[key]; ok {
		before = c
	}
	b.last[key] = done
	return before, done
}

func (b *batch) unqueue(key string, done chan struct{}) {
	b.order.Lock()
	defer b.order.Unlock()
	if b.last[key] == done {
		delete(b.last, key)
	}
	close(done)
}

// carryOut puts one line's document and writes its result.
func (b *batch) carryOut(ctx context.Context, e entry) {
	defer func() {
		if recover() != nil {
			b.Observer.Panicked()
			b.finish(e, &rag.Error{Code: rag.CodeInternal, Message: plainMessage(rag.CodeInternal)})
		}
	}()
	if e.err != nil {
		b.finish(e, e.err)
		return
	}
	if ctx.Err() != nil { // while it stood behind another line
		b.finish(e, ctx.Err())
		return
	}
	if e.doc.Refused != nil {
		r, err := refusalOf(e.doc)
		if err != nil {
			b.finish(e, err)
			return
		}
		b.settle(e, r)
		return
	}
	in, err := incomingOf(b.job.Collection, e.doc)
	if err != nil {
		b.finish(e, err)
		return
	}
	in.Job, in.Item = b.job.ID, e.item
	out, err := b.Ingester.Put(ctx, b.principal, in)
	if err != nil {
		b.finish(e, err)
		return
	}
	result := putResultOf(e.doc, out)
	result.Line = e.line
	b.write(result)
}

// finish ends a line that the ingester did not: it is a failed item of the job.
func (b *batch) finish(e entry, err error) {
	p := problemOf(context.Background(), err)
	r := rag.Refusal{Result: rag.Failed, Reason: reasonOf(rag.Code(p.Code)), Detail: p.Detail}
	if len(p.Errors) > 0 && p.Errors[0].Pointer != "" {
		r.Detail = p.Errors[0].Pointer + ": " + r.Detail
	}
	if r.Reason == rag.ReasonCanceled {
		r.Result = rag.Skipped // it was never tried
	}
	b.settle(e, r)
}

// settle records and writes that a line was skipped or failed.
func (b *batch) settle(e entry, r rag.Refusal) {
	item := rag.JobItem{Item: e.item, Result: r.Result, Reason: r.Reason, Detail: r.Detail, UpdatedAt: b.Now()}
	if err := b.Catalog.FinishJobItem(context.Background(), b.job.ID, item, e.bytes); err != nil {
		b.fail(fmt.Errorf("record batch line: %w", err))
		return
	}
	b.write(api.PutResult{
		ID: e.doc.ID, URI: e.doc.URI, Result: string(r.Result), Reason: string(r.Reason), Detail: r.Detail, Line: e.line,
	})
}

func reasonOf(code rag.Code) rag.Reason {
	switch code {
	case rag.CodeTooLarge:
		return rag.ReasonTooLarge
	case rag.CodeUnsupported:
		return rag.ReasonUnsupported
	case rag.CodeCanceled:
		return rag.ReasonCanceled
	case rag.CodeTimeout:
		return rag.ReasonTimeout
	case rag.CodeInternal, rag.CodeUnavailable:
		return rag.ReasonInternal
	}
	return rag.ReasonInvalid
}

// checkCanceled stops the batch when its job was canceled meanwhile.
func (b *batch) checkCanceled(ctx context.Context) {
	job, err := b.Catalog.Job(ctx, b.job.ID)
	if err == nil && job.State != rag.JobRunning {
		b.cancel()
	}
}

// write sends one line at once; a client that cannot be written to has left.
func (b *batch) write(line any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.control.SetWriteDeadline(time.Now().Add(b.WriteTimeout)) // not every writer has deadlines
	err := encode(b.w, line)
	if err == nil {
		err = b.control.Flush()
	}
	if err != nil {
		b.cancel()
	}
}

// fail ends the batch for a reason that is not one line's.
func (b *batch) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failure == nil {
		b.failure = err
	}
	b.cancel()
}

// end settles the job and writes the balance, or the problem that ended the
// batch.
func (b *batch) end(ctx context.Context) {
	job, err := b.Catalog.Job(context.WithoutCancel(ctx), b.job.ID)
	if err == nil {
		job.Listed = true
		switch {
		case ctx.Err() != nil || rag.CodeOf(b.failure) == rag.CodeCanceled:
			job.State = rag.JobCanceled
		case b.failure != nil:
			job.State, job.Error = rag.JobFailed, problemOf(ctx, b.failure).Detail
		case job.State == rag.JobRunning:
			job.State = rag.JobDone
		}
		job, err = b.Catalog.UpdateJob(context.WithoutCancel(ctx), job)
	}
	st := stateOf(ctx)
	st.note(slog.Int64("accepted", job.Counts.Accepted))
	st.note(slog.Int64("failed", job.Counts.Failed))
	switch {
	case ctx.Err() != nil:
		st.outcome = "canceled"
		return
	case b.failure != nil:
		err = b.failure
	}
	if err != nil {
		p := problemOf(ctx, err)
		st.fail(p)
		b.write(&p.Problem)
		return
	}
	b.write(api.BatchEnd{Job: job.ID, Counts: countsOf(job.Counts)})
}
