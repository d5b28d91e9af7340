package assemble

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/packet"
)

// A Flow is a connection as far as it was seen, from its client's point of view.
type Flow struct {
	Start            int64 // nanoseconds since 1970
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	Proto            learn.Proto
	Name             string
	Evidence         learn.Evidence
	Hidden           bool // it has a name that is encrypted (ECH)
	Answered         bool // there was anything from the other side
	Opens            bool // it began with what asks for something
	Rest             bool // it was delivered before: Up and Down are what came after that
	Up, Down         uint64
	Interface        string
}

// An Event is a flow or an answer.
type Event struct {
	Flow   Flow          // to the resolver, if there is an answer
	Answer *learn.Answer // nil for a flow
}

// Options of a Table.
type Options struct {
	Prompt bool // deliver flows when their name is known, not at their end
	Most   int  // flows in the table; 0 for a quarter of a million
}

// Lost is what a Table had to give up.
type Lost struct {
	Early   uint64 // flows delivered before their end, for want of room
	Unnamed uint64 // flows whose first words were not put together, for want of room
}

const (
	mostFlows = 1 << 18
	second    = int64(time.Second)
	hold      = second // how long a prompt table waits for a name
)

// A Table is the flows that are going on. It is not for concurrent use.
type Table struct {
	o      Options
	flows  map[key]*entry
	lists  [classes]list
	free   []*entry
	now    int64
	ticked int64 // second of the last look at what is idle
	held   queue[promise]
	ready  queue[Event]
	namer  namer
	lost   Lost
}

// A promise is a flow to deliver when it is old enough.
type promise struct {
	e     *entry
	start int64
}

// NewTable returns a Table without flows.
func NewTable(o Options) *Table {
	if o.Most == 0 {
		o.Most = mostFlows
	}
	return &Table{o: o, flows: map[key]*entry{}, namer: newNamer()}
}

// Prompt changes when flows are delivered, from now on.
func (t *Table) Prompt(on bool) { t.o.Prompt = on }

// Lost returns what was given up.
func (t *Table) Lost() Lost { return t.lost }

// Size is how many flows are in the table.
func (t *Table) Size() int { return len(t.flows) }

// Next takes the next event, if there is one.
func (t *Table) Next(e *Event) bool { return t.ready.pop(e) }

// Add takes a packet that was seen at a time in nanoseconds, on an interface.
func (t *Table) Add(p *packet.Packet, now int64, face string) {
	t.Advance(now)
	k, dir := keyOf(p)
	e := t.flows[k]
	if e != nil && e.over(p, dir) {
		t.finish(e)
		e = nil
	}
	if e == nil {
		e = t.open(k, dir, p, face)
	}
	e.last = now
	e.bytes[dir] += uint64(p.Length)
	if e.track(p, dir); e.class != e.list || now-e.touched >= second {
		t.move(e)
	}
	if !e.settled && len(p.Payload) > 0 {
		t.inspect(e, p, dir)
	}
	if t.o.Prompt && !e.delivered && (e.settled || e.class == closed) {
		t.deliver(e)
	}
}

// Advance says what time it is. Time that runs backwards ends nothing.
func (t *Table) Advance(now int64) {
	t.now = now
	if t.o.Prompt {
		t.due(now)
	}
	if sec := now / second; sec != t.ticked {
		t.ticked = sec
		t.expire()
	}
}

// due delivers flows that were held long enough.
func (t *Table) due(now int64) {
	for p := t.held.head(); p != nil && now-p.start >= hold; p = t.held.head() {
		if p.e.start == p.start && !p.e.delivered && p.e.live {
			t.deliver(p.e)
		}
		t.held.drop()
	}
}

// Settle delivers all flows that were not yet, in the order of their beginning.
// They stay in the table: what comes is the rest of them.
func (t *Table) Settle() {
	var all []*entry
	for i := range t.lists {
		for e := t.lists[i].first; e != nil; e = e.next {
			if !e.delivered || !t.o.Prompt {
				all = append(all, e)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *entry) int { return cmp.Compare(a.start, b.start) })
	for _, e := range all {
		t.namer.give(e)
		t.deliver(e)
	}
}

// Forget drops all events, as if they had been taken.
func (t *Table) Forget() {
	var e Event
	for t.ready.pop(&e) {
	}
}

// open begins a flow.
func (t *Table) open(k key, dir int, p *packet.Packet, face string) *entry {
	if len(t.flows) >= t.o.Most {
		t.relieve()
	}
	var e *entry
	if n := len(t.free); n > 0 {
		e, t.free = t.free[n-1], t.free[:n-1]
	} else {
		e = &entry{}
	}
	*e = entry{key: k, live: true, start: t.now, last: t.now, touched: t.now, face: face, list: none}
	e.begin(p, dir)
	t.flows[k] = e
	if t.o.Prompt {
		t.held.push(promise{e, t.now})
	}
	return e
}

// finish ends a flow.
func (t *Table) finish(e *entry) {
	t.namer.give(e)
	t.deliver(e)
	t.unlist(e)
	delete(t.flows, e.key)
	e.live = false
	t.free = append(t.free, e)
}

// deliver makes an event of a flow, or of what came since it was delivered.
func (t *Table) deliver(e *entry) {
	if e.delivered && e.bytes == e.told {
		return
	}
	t.ready.push(Event{Flow: e.flow()})
	e.delivered, e.told = true, e.bytes
}

// relieve makes room: what has ended goes first, then what was never answered.
func (t *Table) relieve() {
	for _, c := range []class{closed, asked, short, open} {
		if e := t.lists[c].first; e != nil {
			if c != closed {
				t.lost.Early++
			}
			t.finish(e)
			return
		}
	}
}
