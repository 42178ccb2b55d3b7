package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Changes are the differences between two listings, by item, sorted.
type Changes struct {
	Changed []Entry  // new or modified
	Gone    []string // no longer listed
}

// Entry is one listed item.
type Entry struct {
	Item    string
	Refusal error
}

// Empty reports whether nothing differs.
func (c Changes) Empty() bool { return len(c.Changed) == 0 && len(c.Gone) == 0 }

// rescan lists the folder again and returns what differs from the listing
// before. Entries are told apart by size, time and mode, so nothing is read.
func (f *Folder) rescan(ctx context.Context, enter func(dir string)) (Changes, error) {
	refusals := map[string]error{}
	seen, err := f.walk(ctx, enter, func(item string, refusal error) error {
		refusals[item] = refusal
		return nil
	})
	if err != nil {
		return Changes{}, err
	}
	f.mu.Lock()
	before := f.seen
	f.seen = seen
	f.mu.Unlock()
	var c Changes
	for _, item := range slices.Sorted(maps.Keys(seen)) {
		if old, ok := before[item]; !ok || old != seen[item] {
			c.Changed = append(c.Changed, Entry{item, refusals[item]})
		}
	}
	for _, item := range slices.Sorted(maps.Keys(before)) {
		if _, ok := seen[item]; !ok {
			c.Gone = append(c.Gone, item)
		}
	}
	return c, nil
}

// patience bounds, in debounce times, how long unceasing events can put off a
// scan.
const patience = 10

// Watch calls changed with what differs from the last listing, whenever the
// file system tells of a change and at least every Options.Rescan, until ctx
// ends or changed fails. One call at a time. Where file watches are missing or
// run out it walks the folder at short intervals instead.
func (f *Folder) Watch(ctx context.Context, changed func(Changes) error) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		f.unwatched(err)
		return f.poll(ctx, changed)
	}
	defer w.Close()
	var full error
	// A folder is watched before its entries are read, so that nothing can
	// come into it unseen. Watching one again changes nothing.
	enter := func(dir string) {
		if err := w.Add(dir); err != nil && full == nil && !errors.Is(err, fs.ErrNotExist) {
			full = err
		}
	}
	timer := time.NewTimer(0) // at once: what changed before the watches stood
	defer timer.Stop()
	var first time.Time // of the events that wait for a scan
	delay := func() {
		if first.IsZero() {
			first = time.Now()
		}
		timer.Reset(min(f.opts.Debounce, time.Until(first.Add(patience*f.opts.Debounce))))
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.Errors: // events were lost: the scan finds what they told of
			delay()
		case <-w.Events:
			delay()
		case <-timer.C:
			first = time.Time{}
			took, err := f.report(ctx, enter, changed)
			if err != nil {
				return err
			}
			if full != nil {
				f.unwatched(full)
				return f.poll(ctx, changed)
			}
			timer.Reset(max(f.opts.Rescan, 10*took))
		}
	}
}

// report scans and hands over the differences. It tells how long the scan
// took, so that scans of a huge folder keep their distance.
func (f *Folder) report(ctx context.Context, enter func(string), changed func(Changes) error) (time.Duration, error) {
	began := time.Now()
	c, err := f.rescan(ctx, enter)
	took := time.Since(began)
	if ctx.Err() != nil {
		return took, ctx.Err()
	}
	// A folder that cannot be listed now (an unmounted disk) has not lost its
	// documents: the next scan will see.
	if err != nil || c.Empty() {
		return took, nil
	}
	return took, changed(c)
}

// pollInterval is how often an unwatched folder is walked.
const pollInterval = 15 * time.Second

func (f *Folder) poll(ctx context.Context, changed func(Changes) error) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			took, err := f.report(ctx, ignoreFolder, changed)
			if err != nil {
				return err
			}
			timer.Reset(max(min(pollInterval, f.opts.Rescan), 10*took))
		}
	}
}

// ignoreFolder is the walk's enter where no watches are kept.
func ignoreFolder(string) {}

func (f *Folder) unwatched(err error) {
	if f.opts.Unwatched != nil {
		f.opts.Unwatched(fmt.Errorf("watch folder: %w", err))
	}
}
