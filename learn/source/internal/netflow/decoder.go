package netflow

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"tripline/learn/source/internal/scan"
)

// The causes beside those of every source.
const (
	NotNetFlow  scan.Cause = "not NetFlow v5, v9 or IPFIX"
	NoTemplate  scan.Cause = "no template for it has come"
	BadTemplate scan.Cause = "a template that cannot be"
	BadSet      scan.Cause = "a set that cannot be"
)

// A Datagram is what an exporter sent at once.
type Datagram struct {
	Exporter netip.Addr
	Received time.Time
	Data     []byte
	Record   *Record // instead of Data, where somebody has decoded it already
}

// A Decoder reads the records of datagrams, one after the other. It is not for
// concurrent use.
type Decoder struct {
	legacy    *plan
	exporters map[netip.Addr]*exporter
	count     uint64 // datagrams
	cur       set    // being read
	rest      []byte // sets of the datagram that are still to be read
	now       message
	ready     []set
	faults    []*scan.Error
	missing   int64
	sampled   uint64
}

// A message is the header of a datagram.
type message struct {
	key      streamKey
	from     *exporter
	received time.Time
	exported time.Time
	booted   time.Time // the zero time where it does not say
}

// A set is records of one template.
type set struct {
	message
	key    templateKey
	plan   *plan
	body   []byte
	counts bool // in the sequence of the datagram that arrived last
}

// New returns a Decoder that knows no exporter.
func New() *Decoder {
	return &Decoder{legacy: legacy(), exporters: map[netip.Addr]*exporter{}}
}

// Missing returns how many records (in NetFlow v9: datagrams) were sent and did
// not come, by their sequence numbers.
func (d *Decoder) Missing() int64 { return max(0, d.missing) }

// Sampled returns the largest sampling ratio that any exporter told: one packet
// in so many is looked at. 0 is unknown, 1 is all.
func (d *Decoder) Sampled() uint64 { return d.sampled }

// Exported returns when the datagram was sent, by the exporter's clock; the zero
// time if it does not say.
func (d *Decoder) Exported() time.Time { return d.now.exported }

// Pending says whether [Decoder.Next] has more to return.
func (d *Decoder) Pending() bool {
	return len(d.faults) > 0 || d.cur.plan != nil || len(d.rest) > 0 || len(d.ready) > 0
}

// Feed begins a datagram. Its bytes are to stay until [Decoder.Next] has returned
// [io.EOF].
func (d *Decoder) Feed(g Datagram) {
	d.cur, d.rest = set{}, nil
	if len(g.Data) < 2 {
		d.lose(scan.CutShort, 1)
		return
	}
	version, ok := binary.BigEndian.Uint16(g.Data), false
	switch version {
	case 5:
		ok = d.feed5(g)
	case 9:
		ok = d.feed9(g)
	case 10:
		ok = d.feed10(g)
	default:
		d.lose(NotNetFlow, 1)
		return
	}
	if !ok {
		d.lose(scan.CutShort, 1)
	}
}

// Lengths of what is always there.
const (
	header5  = 24
	record5  = 48
	header9  = 20
	header10 = 16
	setHead  = 4
)

func (d *Decoder) feed5(g Datagram) bool {
	b := g.Data
	if len(b) < header5 {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	exported := time.Unix(int64(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint32(b[12:])%1e9))
	st := d.begin(g, streamKey{5, uint32(binary.BigEndian.Uint16(b[20:]))}, exported)
	d.now.booted = d.now.exported.Add(-time.Duration(binary.BigEndian.Uint32(b[4:])) * time.Millisecond)
	d.missing += st.arrive(5, binary.BigEndian.Uint32(b[16:]))
	if every := binary.BigEndian.Uint16(b[22:]) & 0x3fff; every > 1 {
		d.sampled = max(d.sampled, uint64(every))
	}
	st.count(5, uint32(n))
	body := b[header5:]
	whole := n*record5 <= len(body)
	d.cur = set{message: d.now, plan: d.legacy, body: body[:min(n*record5, len(body)/record5*record5)]}
	return whole
}

func (d *Decoder) feed9(g Datagram) bool {
	b := g.Data
	if len(b) < header9 {
		return false
	}
	st := d.begin(g, streamKey{9, binary.BigEndian.Uint32(b[16:])}, time.Unix(int64(binary.BigEndian.Uint32(b[8:])), 0))
	d.now.booted = st.boot(d.now.exported, binary.BigEndian.Uint32(b[4:]))
	d.missing += st.arrive(9, binary.BigEndian.Uint32(b[12:]))
	d.rest = b[header9:]
	return true
}

func (d *Decoder) feed10(g Datagram) bool {
	b := g.Data
	if len(b) < header10 {
		return false
	}
	st := d.begin(g, streamKey{10, binary.BigEndian.Uint32(b[12:])}, time.Unix(int64(binary.BigEndian.Uint32(b[4:])), 0))
	d.missing += st.arrive(10, binary.BigEndian.Uint32(b[8:]))
	n := int(binary.BigEndian.Uint16(b[2:]))
	d.rest = b[header10:max(header10, min(n, len(b)))]
	return n >= header10 && n <= len(b)
}

// mostSampled is a ratio that nobody samples by: what is above was misread.
const mostSampled = 1 << 20

// before2000 is when no exporter's clock was set.
const before2000 = 946684800

// begin notes who sent what and when.
func (d *Decoder) begin(g Datagram, key streamKey, exported time.Time) *stream {
	if exported.Unix() < before2000 && !g.Received.IsZero() {
		exported = g.Received
	}
	e := d.exporter(g.Exporter)
	d.now = message{key: key, from: e, received: g.Received, exported: exported.UTC()}
	if g.Received.IsZero() {
		d.now.received = d.now.exported
	}
	d.lose(NoTemplate, e.overdue(d.now.received))
	return e.stream(key)
}

// Next reads the next record into r. An error of package scan is about a record
// or a set that could not be read: there may be more. [io.EOF] is the end of the
// datagram, and of what had waited for a template that was in it.
func (d *Decoder) Next(r *Record) error {
	for {
		if n := len(d.faults); n > 0 {
			f := d.faults[0]
			if d.faults = d.faults[1:]; n == 1 {
				d.faults = nil
			}
			return f
		}
		if d.cur.plan != nil && len(d.cur.body) >= d.cur.plan.least {
			return d.record(r)
		}
		if !d.advance() && len(d.faults) == 0 {
			return io.EOF
		}
	}
}

// record reads a record of the set.
func (d *Decoder) record(r *Record) error {
	*r = Record{}
	n, ok := d.cur.plan.read(d.cur.body, r)
	if !ok {
		d.cur = set{}
		return scan.Fault(scan.CutShort, "set", nil)
	}
	d.cur.body = d.cur.body[n:]
	if d.cur.counts {
		d.cur.from.stream(d.cur.key.streamKey).count(d.cur.key.version, 1)
	}
	if every := r.ratio(); every < mostSampled {
		d.sampled = max(d.sampled, every)
	}
	r.Options, r.Reverse = d.cur.plan.options, d.cur.plan.biflow
	r.resolve(d.cur.exported, d.cur.booted)
	return nil
}

// advance goes on to the next set.
func (d *Decoder) advance() bool {
	d.cur = set{}
	if len(d.rest) > 0 {
		d.next()
		return true
	}
	if len(d.ready) > 0 {
		d.cur, d.ready = d.ready[0], d.ready[1:]
		return true
	}
	return false
}

// next takes a set of the datagram.
func (d *Decoder) next() {
	b := d.rest
	d.rest = nil
	if len(b) < setHead || isZero(b) {
		if !isZero(b) {
			d.lose(scan.CutShort, 1)
		}
		return // padding of the datagram
	}
	id, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case n < setHead:
		d.lose(BadSet, 1)
		return
	case n > len(b):
		d.lose(scan.CutShort, 1)
		return
	}
	d.rest = b[n:]
	d.take(id, b[setHead:n])
}

func (d *Decoder) take(id uint16, body []byte) {
	v9 := d.now.key.version == 9
	switch {
	case v9 && id == 0, !v9 && id == 2:
		d.templates(body)
	case v9 && id == 1, !v9 && id == 3:
		d.optionsTemplates(body)
	case id < 256:
		d.lose(BadSet, 1)
	default:
		d.data(id, body)
	}
}

// data begins a data set, or keeps it until its template comes.
func (d *Decoder) data(id uint16, body []byte) {
	s := set{message: d.now, key: templateKey{d.now.key, id}, body: body}
	if s.plan = s.from.templates[s.key]; s.plan != nil {
		s.counts = true
		d.cur = s
		return
	}
	s.from.stream(d.now.key).blind = true
	if !s.from.wait(s) {
		d.lose(NoTemplate, 1)
	}
}

// Flush gives up on all that waits for a template: there is nothing more to come.
func (d *Decoder) Flush() {
	for _, e := range d.exporters {
		d.lose(NoTemplate, len(e.waiting))
		e.waiting, e.held = nil, 0
	}
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
