package ctnetlink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ct "github.com/ti-mo/conntrack"
	"github.com/ti-mo/netfilter"
	"golang.org/x/sys/unix"

	"tripline/learn/source/internal/conntrack"
)

// bufferSize is what the kernel may keep for us: some 20,000 events.
const bufferSize = 8 << 20

// mostWaiting bounds what was read and nobody asked for yet.
const mostWaiting = 1 << 17

// lookEvery is how often the table is read. Where that takes long, it is read
// less often: at most a twentieth of the time goes to it.
const (
	lookEvery = 1500 * time.Millisecond
	lookShare = 20
)

// A Handle is an open connection to the kernel. Next and Wait are not for
// concurrent use.
type Handle struct {
	events *netfilter.Conn
	table  *ct.Conn
	stop   context.CancelFunc
	ended  sync.WaitGroup

	mu      sync.Mutex
	waiting []conntrack.Line
	err     error // that ended reading
	more    chan struct{}

	dropped atomic.Int64
	again   chan struct{} // the whole table is wanted
}

// Counts says whether the kernel counts bytes.
func Counts() (bool, error) {
	text, err := os.ReadFile("/proc/sys/net/netfilter/nf_conntrack_acct")
	if errors.Is(err, fs.ErrNotExist) {
		return false, ErrUntracked
	}
	return strings.TrimSpace(string(text)) == "1", err
}

// Open begins to listen, and reads the table.
func Open() (*Handle, error) {
	events, err := netfilter.Dial(nil)
	if err != nil {
		return nil, permitted(err)
	}
	table, err := ct.Dial(nil)
	if err != nil {
		return nil, errors.Join(permitted(err), events.Close())
	}
	h := &Handle{events: events, table: table, more: make(chan struct{}, 1), again: make(chan struct{}, 1)}
	if err := h.begin(); err != nil {
		return nil, errors.Join(err, events.Close(), table.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.ended.Go(h.listen)
	h.ended.Go(func() { h.look(ctx) })
	return h, nil
}

func (h *Handle) begin() error {
	_ = h.events.SetReadBuffer(bufferSize) // it forces what it may, and has less if not
	if err := h.events.JoinGroups([]netfilter.NetlinkGroup{netfilter.GroupCTNew, netfilter.GroupCTDestroy}); err != nil {
		return permitted(err)
	}
	return h.list()
}

func permitted(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return ErrRight
	}
	return err
}

// listen takes in events until the handle is closed.
func (h *Handle) listen() {
	for {
		messages, err := h.events.Receive()
		switch {
		case errors.Is(err, unix.ENOBUFS):
			h.dropped.Add(1)
			wake(h.again)
			continue
		case err != nil:
			h.fail(err)
			return
		}
		now := time.Now()
		for _, m := range messages {
			var ev ct.Event
			if err := ev.Unmarshal(m); err != nil || ev.Flow == nil {
				h.dropped.Add(1)
				continue
			}
			h.put(kindOf(&ev), ev.Flow, now)
		}
	}
}

func kindOf(ev *ct.Event) conntrack.Event {
	if ev.Type == ct.EventNew {
		return conntrack.Opened
	}
	if ev.Type == ct.EventDestroy {
		return conntrack.Destroyed
	}
	return conntrack.Updated
}

// look reads the table again and again.
func (h *Handle) look(ctx context.Context) {
	pause := lookEvery
	for {
		whole := false
		select {
		case <-ctx.Done():
			return
		case <-h.again:
			whole = true
		case <-time.After(pause):
		}
		began := time.Now()
		if err := h.evict(whole); err != nil {
			h.fail(err)
			return
		}
		pause = max(lookEvery, lookShare*time.Since(began))
	}
}

// evict makes the kernel tell of what has ended; whole also lists what has not.
func (h *Handle) evict(whole bool) error {
	if whole {
		return h.list()
	}
	if _, err := h.table.Dump(nil); err != nil {
		return fmt.Errorf("table: %w", permitted(err))
	}
	return nil
}

// list tells of all that is in the table.
func (h *Handle) list() error {
	flows, err := h.table.Dump(nil)
	if err != nil {
		return fmt.Errorf("table: %w", permitted(err))
	}
	now := time.Now()
	for i := range flows {
		h.put(conntrack.Listed, &flows[i], now)
	}
	return nil
}

// put keeps what is to be told.
func (h *Handle) put(kind conntrack.Event, f *ct.Flow, now time.Time) {
	l, ok := lineOf(kind, f, now)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) >= mostWaiting {
		h.dropped.Add(1)
		return
	}
	h.waiting = append(h.waiting, l)
	wake(h.more)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (h *Handle) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.err = err
	}
	wake(h.more)
}

// Next returns the next that is known of a connection; ok is false if there is
// nothing now.
func (h *Handle) Next(l *conntrack.Line) (ok bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		return false, h.err
	}
	*l = h.waiting[0]
	if h.waiting = h.waiting[1:]; len(h.waiting) == 0 {
		h.waiting = nil
	}
	return true, nil
}

// Wait waits until there may be more, until d has passed or ctx ends.
func (h *Handle) Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-h.more:
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// Dropped is how many times the kernel, or who reads, had no room.
func (h *Handle) Dropped() int64 { return h.dropped.Load() }

// Close ends listening.
func (h *Handle) Close() error {
	h.stop()
	err := errors.Join(h.events.Close(), h.table.Close())
	h.ended.Wait()
	return err
}
