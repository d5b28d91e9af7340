package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"tripline/enforce"
	"tripline/learn"
)

// A notifying tells systemd how a watching does, where it runs under it: that it is
// ready, that its loop goes round, that it reads its configuration or stops. A nil
// one tells nobody.
type notifying struct {
	w     *watching
	every time.Duration // 0 where nobody waits for it
	ready bool
	last  time.Time
}

// What systemd is told.
const (
	readyState    = daemon.SdNotifyReady
	stoppingState = daemon.SdNotifyStopping
)

// reloadingState says since when the configuration is being read.
func reloadingState() string {
	return daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec()
}

// stopWithin is how long a stop takes at most: sinks, the disk and the database each
// have their own, shorter time.
const stopWithin = 30 * time.Second

// ending says that watching stops when ctx ends, and sees to it that it does. What it
// returns calls that off.
func (w *watching) ending(ctx context.Context) (done func()) {
	over := make(chan struct{})
	go func() {
		select {
		case <-over:
			return
		case <-ctx.Done():
		}
		w.health.end()
		w.notifying.send(stoppingState)
		select {
		case <-over:
		case <-time.After(stopWithin):
			w.a.warn("it did not come to its end within %s after it was told to stop: a disk or another process holds it up. What was not kept is read again", stopWithin)
			_ = syscall.Kill(os.Getpid(), syscall.SIGTERM) // the second one ends it
		}
	}()
	return func() { close(over) }
}

func newNotifying(w *watching) (part, error) {
	if !w.o.follow {
		return nil, nil //nolint:nilnil // it ends by itself
	}
	n := &notifying{w: w}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		w.a.warn("systemd waits for a sign of life that it cannot be given: %v", err)
	}
	n.every = every / 3
	w.notifying = n
	return n, nil
}

// send tells systemd, if it is there.
func (n *notifying) send(state string) {
	if n == nil {
		return
	}
	if _, err := daemon.SdNotify(false, state); err != nil {
		n.w.a.warn("tell systemd: %v", err)
	}
}

func (n *notifying) flow(*learn.Flow, enforce.Verdict) error { return nil }

// tick is a sign of life: it comes from the loop that reads, not from beside it.
func (n *notifying) tick(_ context.Context, now time.Time) error {
	if !n.ready {
		n.ready = true
		n.send(readyState + "\nSTATUS=following " + learn.Printable(n.w.path))
	}
	if n.every > 0 && now.Sub(n.last) >= n.every {
		n.last = now
		n.send(fmt.Sprintf("%s\nSTATUS=%s, %s", daemon.SdNotifyWatchdog, count(n.w.tally.claimed(), "flow", "flows"), n.w.findings()))
	}
	return nil
}

func (n *notifying) close() error { return nil }
