package source

import (
	"net/netip"
	"slices"
	"time"

	"tripline/learn"
)

// A Lone is a connection of which a source did not tell that could have: what is
// known of that source decides what it means.
type Lone struct {
	Flow    learn.Flow
	By      []string // who saw it
	Missing string   // who did not
	Sees    Sees     // what that source sees at all

	Host    uint64    // connections of the same host that it told of so far
	Alike   uint64    // of those, of the same version of IP and protocol
	Service uint64    // of those, to the same port
	From    time.Time // its first record
	To      time.Time // its newest record, of anything
	Lossy   bool      // it lost or never looked at something
	Follow  bool      // it is followed: To is not the end of a file
	Lasting bool      // nobody saw its end, and the source tells of it only then
}

// How long a source may tell of a connection later than another one, and that if
// it does when the connection ends: routers tell of long ones every half hour.
const (
	graceTime     = time.Minute
	lateGraceTime = time.Hour
)

// Bounds of the ledger: connections that wait, hosts and their services, findings
// that nobody took.
const (
	mostPending  = 1 << 14
	mostHosts    = 1 << 12
	mostServices = 1 << 8
	mostLone     = 1 << 12
)

// A ledger knows for each source which connections it is still to tell of, and
// what it told of at all.
type ledger struct {
	accounts map[string]*account
	names    []string
	lone     []Lone
	over     uint64 // that were not judged, for want of room
}

type account struct {
	sees     Sees
	grace    time.Duration
	pending  []*witnessed // in the order in which they were seen elsewhere
	hosts    map[netip.Addr]*heard
	from, to time.Time
}

// A heard is what a source told of one host.
type heard struct {
	all      uint64
	alike    map[kin]uint64
	services map[learn.Service]uint64
}

type kin struct {
	proto learn.Proto
	four  bool
}

func kinOf(f *learn.Flow) kin { return kin{f.Proto, f.Dst.Is4()} }

func newLedger(list []Input) *ledger {
	l := &ledger{accounts: map[string]*account{}}
	for _, in := range list {
		if in.Source.Sees.Evidence {
			continue
		}
		a := &account{sees: in.Source.Sees, grace: graceTime, hosts: map[netip.Addr]*heard{}}
		if a.sees.Late {
			a.grace = lateGraceTime
		}
		l.accounts[in.key()] = a
		l.names = append(l.names, in.key())
	}
	return l
}

// late says whether a source has nothing more to say of a connection before it
// ends.
func (l *ledger) late(name string) bool {
	return l != nil && l.accounts[name] != nil && l.accounts[name].sees.Late && !l.accounts[name].waits()
}

// heard notes that a source said something of that time.
func (l *ledger) heard(name string, at time.Time) {
	if l == nil || l.accounts[name] == nil {
		return
	}
	a := l.accounts[name]
	if a.from.IsZero() || at.Before(a.from) {
		a.from = at
	}
	if at.After(a.to) {
		a.to = at
	}
}

// saw notes a connection that a source told of.
func (l *ledger) saw(name string, f *learn.Flow) {
	if l == nil || l.accounts[name] == nil {
		return
	}
	hosts := l.accounts[name].hosts
	t := hosts[f.Src]
	if t == nil {
		if len(hosts) >= mostHosts {
			return
		}
		t = &heard{alike: map[kin]uint64{}, services: map[learn.Service]uint64{}}
		hosts[f.Src] = t
	}
	t.all++
	t.alike[kinOf(f)]++
	if s := f.Service(); t.services[s] > 0 || len(t.services) < mostServices {
		t.services[s]++
	}
}

// enter lets a connection that one source saw wait for what the others say.
func (l *ledger) enter(s *witnessed) {
	for _, name := range l.names {
		a := l.accounts[name]
		if slices.Contains(s.By, name) {
			continue
		}
		if a.pending = append(a.pending, s); len(a.pending) > mostPending {
			a.pending = a.pending[1:]
			l.over++
		}
	}
}

// review looks at what waited long enough: by the time of the files, or by the
// clock while they are followed. At the end nothing waits.
func (w *witnesses) review(end bool) {
	if w.ledger == nil {
		return
	}
	newest := w.ledger.newest()
	now := time.Now()
	for _, b := range w.branches {
		a := w.ledger.accounts[b.name]
		if a == nil {
			continue
		}
		n := 0
		for ; n < len(a.pending); n++ {
			s := a.pending[n]
			due := end || newest.Sub(w.right(s)) > a.grace
			if w.follow {
				due = now.Sub(s.came) > a.grace
			}
			if !due {
				break
			}
			if !slices.Contains(s.By, b.name) && !slices.Contains(s.met, b.name) && !w.sawAlike(s, b.name) {
				w.lonely(s, b, a)
			}
		}
		a.pending = a.pending[n:]
	}
}

// waits says whether a source tells of a connection when it has ended, however long
// that takes: exporters of flows tell of long ones meanwhile.
func (a *account) waits() bool { return a.sees.Late && a.sees.Names }

// met notes what is told of a connection beside that there is one.
func (w *witnesses) met(r *Record) {
	if w.ledger == nil || r.Why != Ended && r.Why != Detail {
		return
	}
	s := witnessed{Record: *r}
	for _, t := range s.ties() {
		for _, k := range w.memory.alike(t) {
			k.over = k.over || r.Why == Ended
			if by := w.joined.part; !slices.Contains(k.met, by) {
				k.met = append(k.met, by)
			}
		}
	}
}

// newest is the newest that anybody told.
func (l *ledger) newest() (t time.Time) {
	for _, a := range l.accounts {
		if a.to.After(t) {
			t = a.to
		}
	}
	return t
}

func (w *witnesses) lonely(s *witnessed, b *branch, a *account) {
	if len(w.ledger.lone) >= mostLone {
		w.ledger.over++
		return
	}
	st := b.Stats()
	l := Lone{
		Flow: s.Record.Flow, By: slices.Clone(s.By), Missing: b.name, Sees: a.sees, From: a.from, To: a.to, Follow: w.follow,
		Lossy:   st.Dropped > 0 || st.Missing > 0 || st.Lost > 0 || st.Sampled > 1,
		Lasting: !s.over && a.waits(),
	}
	l.Flow.Time = w.right(s)
	for _, src := range s.sources() {
		if t := a.hosts[src]; t != nil {
			l.Host, l.Alike, l.Service = l.Host+t.all, l.Alike+t.alike[kinOf(&l.Flow)], l.Service+t.services[l.Flow.Service()]
		}
	}
	w.ledger.lone = append(w.ledger.lone, l)
}

// sources are the addresses a connection comes from, before and after it was
// translated.
func (s *witnessed) sources() []netip.Addr {
	list := []netip.Addr{s.Record.Src}
	if t := s.Record.Translated; t != (Ends{}) && t.Src != s.Record.Src {
		list = append(list, t.Src)
	}
	return list
}

// Lone returns what some source did not tell of since it was asked last, and how
// many connections so far were not looked at for want of room.
func (w *witnesses) Lone() (list []Lone, over uint64) {
	if w.ledger == nil {
		return nil, 0
	}
	list, w.ledger.lone = w.ledger.lone, nil
	return list, w.ledger.over
}
