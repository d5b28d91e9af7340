package lines

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// poll is how often files are looked at, whether anything was heard or not:
// network file systems and mounts say nothing.
const poll = 250 * time.Millisecond

// Wait blocks until there may be more, d has passed or ctx ends, whose error it
// returns. At the end of standard input it returns io.EOF: nothing will come.
func (r *Reader) Wait(ctx context.Context, d time.Duration) error {
	timer, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if r.log == nil {
		return r.waitStream(ctx, timer)
	}
	r.watch()
	tick := time.NewTicker(min(poll, max(r.o.Settle, time.Millisecond)))
	defer tick.Stop()
	// If the last Wait brought no line, what it saw may still be so. It must
	// not keep the processor busy.
	n := r.Stats().Lines
	idle := n == r.waited
	r.waited = n
	for idle || !r.changed() {
		idle = false
		select {
		case <-timer.Done():
			return ctx.Err()
		case <-tick.C:
		case <-r.events():
		}
	}
	return ctx.Err()
}

func (r *Reader) waitStream(ctx, timer context.Context) error {
	if r.pump == nil || r.cur.done {
		return io.EOF
	}
	r.pump.ready(timer.Done())
	return ctx.Err()
}

// watch listens to the directories of the log. Without it there is the poll.
func (r *Reader) watch() {
	if r.watcher == nil && r.watched == nil {
		r.watched = make(map[string]bool)
		if w, err := fsnotify.NewWatcher(); err == nil {
			r.watcher = w
		}
	}
	if r.watcher == nil {
		return
	}
	for _, path := range []string{r.log.path, r.log.target} {
		if dir := filepath.Dir(path); path != "" && !r.watched[dir] {
			r.watched[dir] = r.watcher.Add(dir) == nil
		}
	}
}

func (r *Reader) events() <-chan fsnotify.Event {
	if r.watcher == nil {
		return nil
	}
	return r.watcher.Events
}

// changed says whether Next may find more than the last time.
func (r *Reader) changed() bool {
	p := r.cur
	if p.absent() {
		_, err := os.Stat(r.log.path)
		return err == nil
	}
	if info, err := p.file.Stat(); p.in == nil && err == nil && differs(info, p) {
		return true
	}
	if r.unmoved() {
		return false
	}
	list, err := r.log.list()
	if err != nil {
		return true
	}
	i := index(list, p.info)
	switch {
	case len(list) == 0:
		return false
	case i < 0:
		next := r.log.newer(list, p.info.ModTime())
		return r.shifted(list) || next >= 0 && !r.mustWait(list, next)
	case i == len(list)-1:
		return r.untouched() && r.shifted(list)
	}
	return !r.mustWait(list, i+1)
}

// differs says whether a plain file is not as it was when it was read last.
func differs(info os.FileInfo, p *piece) bool {
	return info.Size() != p.base+int64(p.end) || !info.ModTime().Equal(p.info.ModTime())
}
