package netflow

import (
	"net/netip"
	"time"

	"tripline/learn/source/internal/scan"
)

// Bounds of what is remembered. Anybody who can send a datagram can send it in
// the name of anybody: a flood costs at most these, times the exporters.
const (
	mostExporters = 64
	mostFields    = 1 << 14 // of the templates of one exporter: some have a hundred templates of thirty
	mostStreams   = 1 << 8  // domains of one exporter
	mostWaiting   = 1 << 18 // bytes of sets without a template, of one exporter
)

// patience is how long a set waits for its template. Exporters repeat them every
// minute to every half an hour.
const patience = 35 * time.Minute

// An exporter is who sends, and what it has told so far.
type exporter struct {
	heard     uint64 // number of its last datagram, of all
	templates map[templateKey]*plan
	fields    int // of all templates
	streams   map[streamKey]*stream
	waiting   []set
	held      int // bytes of waiting
}

type templateKey struct {
	streamKey
	id uint16
}

type streamKey struct {
	version uint16
	domain  uint32
}

func newExporter() *exporter {
	return &exporter{templates: map[templateKey]*plan{}, streams: map[streamKey]*stream{}}
}

// learn keeps the plan of a template. Too many templates are all forgotten:
// exporters send those they use again.
func (e *exporter) learn(key templateKey, p *plan) (ok bool) {
	e.forget(key)
	if len(p.steps) > mostFields/4 {
		return false
	}
	if e.fields+len(p.steps) > mostFields {
		clear(e.templates)
		e.fields = 0
	}
	e.templates[key] = p
	e.fields += len(p.steps)
	return true
}

func (e *exporter) forget(key templateKey) {
	if p := e.templates[key]; p != nil {
		e.fields -= len(p.steps)
		delete(e.templates, key)
	}
}

// stream returns what is known of a domain.
func (e *exporter) stream(key streamKey) *stream {
	st := e.streams[key]
	if st == nil {
		if len(e.streams) >= mostStreams {
			clear(e.streams)
		}
		st = &stream{}
		e.streams[key] = st
	}
	return st
}

// size is what a set that waits takes, about.
func (s *set) size() int { return len(s.body) + 200 }

// wait keeps a set until its template comes; false where there is no room.
func (e *exporter) wait(s set) bool {
	if e.held+s.size() > mostWaiting {
		return false
	}
	s.body = append([]byte(nil), s.body...)
	e.waiting = append(e.waiting, s)
	e.held += s.size()
	return true
}

// ready takes out the sets of a template that has come.
func (e *exporter) ready(key templateKey, p *plan) (list []set) {
	e.sift(func(s *set) bool {
		if s.key != key {
			return false
		}
		s.plan = p
		list = append(list, *s)
		return true
	})
	return list
}

// overdue takes out the sets that have waited for too long.
func (e *exporter) overdue(now time.Time) (n int) {
	if len(e.waiting) == 0 || now.Sub(e.waiting[0].received) < patience {
		return 0
	}
	e.sift(func(s *set) bool {
		if now.Sub(s.received) < patience {
			return false
		}
		n++
		return true
	})
	return n
}

// sift removes what take says it takes.
func (e *exporter) sift(take func(*set) bool) {
	kept := e.waiting[:0]
	for i := range e.waiting {
		if s := &e.waiting[i]; take(s) {
			e.held -= s.size()
		} else {
			kept = append(kept, *s)
		}
	}
	clear(e.waiting[len(kept):])
	e.waiting = kept
}

// exporter returns what is known of who sent a datagram. The one that was silent
// for longest makes room for a new one.
func (d *Decoder) exporter(a netip.Addr) *exporter {
	d.count++
	e := d.exporters[a]
	if e == nil {
		if len(d.exporters) >= mostExporters {
			d.evict()
		}
		e = newExporter()
		d.exporters[a] = e
	}
	e.heard = d.count
	return e
}

func (d *Decoder) evict() {
	var oldest netip.Addr
	for a, e := range d.exporters {
		if o := d.exporters[oldest]; o == nil || e.heard < o.heard {
			oldest = a
		}
	}
	d.lose(NoTemplate, len(d.exporters[oldest].waiting))
	delete(d.exporters, oldest)
}

// lose notes that n sets cannot be read.
func (d *Decoder) lose(c scan.Cause, n int) {
	for range n {
		d.faults = append(d.faults, scan.Fault(c, "", nil))
	}
}
