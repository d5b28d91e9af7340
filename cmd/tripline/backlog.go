package main

import (
	"fmt"
	"slices"
	"time"

	"tripline/learn"
	"tripline/learn/sandbox"
)

// mostWaiting is about how much memory flows may take that wait for a database that
// cannot be written.
const mostWaiting = 32 << 20

// A backlog is what a command said and is not written yet. There is no log to read it
// from again.
type backlog struct {
	a     *app
	open  *lasting
	flows []learn.Flow // that have ended
	size  int
	most  int // bound of size
	lost  uint64
	since time.Time // when the first began that was let go
	until time.Time // and the last
}

func newBacklog(a *app, checked bool) *backlog {
	return &backlog{a: a, open: newLasting(checked), most: mostWaiting}
}

// note takes what was told of a connection. One that is let go stays in the record
// without its end, if it is there.
func (b *backlog) note(t *sandbox.Told) {
	n := weight(&t.Flow)
	if !t.Open && b.size+n > b.most {
		b.open.forget(t.Number)
		b.letGo(t.Time)
		return
	}
	if b.open.note(t); t.Open {
		return
	}
	b.flows, b.size = append(b.flows, t.Flow), b.size+n
}

func (b *backlog) letGo(at time.Time) {
	if b.lost == 0 {
		b.since = at
		b.a.warn("%d MiB of connections wait for the database: those that end from now on are not recorded until it can be written", b.most>>20)
	}
	b.lost++
	if at.Before(b.since) {
		b.since = at
	}
	if at.After(b.until) {
		b.until = at
	}
}

// pending says whether there is anything to write.
func (b *backlog) pending() bool { return len(b.flows) > 0 || b.open.pending() }

// take returns the flows that have ended.
func (b *backlog) take() []learn.Flow {
	list := b.flows
	b.flows, b.size = nil, 0
	return list
}

// back takes them back: they could not be written.
func (b *backlog) back(list []learn.Flow) {
	for i := range list {
		b.size += weight(&list[i])
	}
	b.flows = slices.Concat(list, b.flows)
}

// errLost says what is not in the record; nil if all is.
func (b *backlog) errLost() error {
	if b.lost == 0 {
		return nil
	}
	return fmt.Errorf("%s that began from %s to %s UTC: they are not in the record, or without their end, as it could not be written",
		count(b.lost, "connection", "connections"), b.since.Format(time.DateTime), b.until.Format(time.DateTime))
}

// weight is about how many bytes of memory a flow takes.
func weight(f *learn.Flow) int {
	const flow, process, text, exchange = 320, 160, 16, 120
	n := flow + len(f.Name)
	if p := f.Process; p != nil {
		n += process + len(p.Exe) + len(p.Cgroup) + len(p.Trace)
		for _, list := range [][]string{p.Args, p.Parents} {
			for _, s := range list {
				n += text + len(s)
			}
		}
	}
	if f.Payload != nil {
		n += exchange * (1 + len(f.Payload.Exchanges))
	}
	return n
}
