package source

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/netflow"
	"tripline/learn/source/internal/scan"
)

// What routers and firewalls export about flows: NetFlow v5, v9 (RFC 3954) and
// IPFIX (RFC 7011; pflow of OpenBSD and pfSense, softflowd). It is listened to,
// or read from a file: a capture of it, its datagrams one behind the other, or what
// nfdump prints of the files of nfcapd.
//
//	00 05 00 01 0001e240 69c7bb40 00000000 ... c000020a cb007107 ... c350 01bb ... 06
//
// A record is written when a flow ends, or after some minutes of it: an alarm
// comes that much later than from a source that sees the beginning.
var netflowSource = Source{
	Name:   "netflow",
	Short:  "NetFlow v5, v9 and IPFIX, from udp://ADDR:PORT or files",
	Sees:   Sees{Bytes: true, Passed: true, Late: true, Blind: "names; flows until they end; with sampling, most short ones"},
	Speaks: Speaks{Aside: [2]string{"record about no connection", "records about no connection"}},
	Open:   openNetflow,
}

// A netflowStream is the records of exporters.
type netflowStream struct {
	in       netflowInput
	place    place
	recent   recent // what hosts began, by where it went
	decoder  *netflow.Decoder
	joiner   *netflow.Joiner
	record   netflow.Record
	joined   netflow.Conversation
	at       time.Time // of the datagram that is read
	open     bool      // it has more records
	number   int       // of that datagram
	told     int64     // records that Next returned
	face     [2]faceName
	position netflowPosition
	zoneless bool // stamps have no zone
}

// A faceName is a number of an interface, and its text.
type faceName struct {
	number uint32
	text   string
}

// A netflowInput is where datagrams come from.
type netflowInput interface {
	// next returns the next one; io.EOF means none now. Its bytes stay until the
	// next call. A *scan.Error is about one that could not be taken.
	next() (netflow.Datagram, error)
	// drained says what the time is when there is no datagram, and whether all
	// that waits for another one is to be let go.
	drained() (now time.Time, end bool)
	wait(ctx context.Context, d time.Duration) error
	// head returns the first bytes, before anything was read; none where there
	// is nothing to come back to.
	head() []byte
	// number is that of the datagram, or packet, that next returned last.
	number() int
	name() string
	progress() (done, total int64)
	stats(s *Stats)
	Close() error
}

func openNetflow(path string, cursor []byte, o StreamOptions) (Stream, error) {
	s := &netflowStream{
		place: place{local: o.Local, firewall: o.Firewall}, recent: newRecent(),
		decoder: netflow.New(), joiner: netflow.NewJoiner(),
	}
	if IsAddress(path) {
		in, err := listenNetflow(path, o)
		if err != nil {
			return nil, err
		}
		s.in = in
		return s, nil
	}
	in, err := openNetflowFile(path, o)
	if err != nil {
		return nil, err
	}
	s.in = in
	if path != "-" {
		return s, s.resume(cursor, o.Known)
	}
	return s, nil
}

// Next implements [Stream].
func (s *netflowStream) Next(r *Record) error {
	err := s.next(r)
	if !errors.Is(err, io.EOF) {
		s.told++
	}
	return err
}

func (s *netflowStream) next(r *Record) error {
	for {
		if s.joiner.Next(&s.joined) {
			s.fill(r, &s.joined)
			return nil
		}
		more, err := s.read()
		if err != nil {
			*r = Record{}
			return err
		}
		if !more {
			return io.EOF
		}
	}
}

// read takes one record of the exporters, or the next datagram. It returns false
// when there is neither and nothing waits any more.
func (s *netflowStream) read() (more bool, err error) {
	if s.open {
		return true, s.take()
	}
	g, err := s.in.next()
	if fault, ok := errors.AsType[*scan.Error](err); ok {
		return true, s.bad(fault)
	}
	if errors.Is(err, io.EOF) {
		return s.pause()
	}
	if err != nil {
		return false, err
	}
	if s.position.ended(s.number) {
		s.flush()
	}
	s.number++
	if g.Record != nil {
		s.at, s.zoneless = g.Received, true
		s.joiner.Expire(s.at)
		return true, s.flow(g.Record)
	}
	s.decoder.Feed(g)
	if s.at = g.Received; s.at.IsZero() {
		s.at = s.decoder.Exported()
	}
	s.joiner.Expire(s.at)
	s.open = true
	return true, nil
}

// take reads one record of the datagram.
func (s *netflowStream) take() error {
	err := s.decoder.Next(&s.record)
	switch fault, ok := errors.AsType[*scan.Error](err); {
	case ok:
		return s.bad(fault)
	case err != nil:
		s.open = false
		return nil
	}
	return s.flow(&s.record)
}

// flow hands on what is about a connection.
func (s *netflowStream) flow(n *netflow.Record) error {
	field := ""
	switch {
	case n.Options:
		field = "options"
	case !n.Src.IsValid() || !n.Dst.IsValid():
		field = "addresses"
	case !n.HasProto:
		field = "protocol"
	case n.Event == netflow.OtherEvent:
		field = "natEvent"
	default:
		n.Host = append([]byte(nil), n.Host...)
		s.joiner.Add(n, s.at)
		return nil
	}
	return s.bad(scan.Fault(OtherProgram, field, nil))
}

// pause is called when there is no datagram. Of a file that is its end.
func (s *netflowStream) pause() (more bool, err error) {
	now, end := s.in.drained()
	if end {
		s.flush()
		s.position.end(s.number)
		s.open = s.decoder.Pending()
		return s.open || s.joiner.Ready(), nil
	}
	s.joiner.Expire(now)
	return s.joiner.Ready(), nil
}

func (s *netflowStream) flush() {
	s.joiner.Flush()
	s.decoder.Flush()
}

func (s *netflowStream) bad(f *scan.Error) error {
	return &RecordError{Source: "netflow", Line: s.in.number(), Field: f.Field, Cause: f.Cause, Text: f.Text}
}

// fill makes a record of a conversation. Where nothing tells who began it, a
// local host did: it may be an alarm too many, and must not be one too few.
func (s *netflowStream) fill(r *Record, c *netflow.Conversation) {
	if c.Even && !s.place.isHost(c.Src) && s.place.isHost(c.Dst) {
		c.Turn()
	}
	*r = Record{
		Flow: learn.Flow{
			Time: c.Start, Proto: learn.Proto(c.Proto), Src: c.Src, Dst: c.Dst,
			Interface: s.faceName(c.Input), Up: c.Octets, Down: c.ReverseOctets,
		},
		Act: "pass", Direction: "in", RuleNumber: -1, Version: 6, ZoneAssumed: s.zoneless,
	}
	if c.Dst.Is4() {
		r.Version = 4
	}
	if c.Egress {
		r.Direction = "out"
	}
	if c.Dropped || c.Event == netflow.Denied {
		r.Act, r.Action = "block", learn.Refused
	}
	s.fillTransport(r, c)
	if name, ok := learn.CanonicalName(string(c.Host)); ok {
		r.Name, r.Evidence = name, learn.HTTP
	}
	r.Why = s.why(r, c)
	r.Counted = outgoing(r.Why)
}

func (s *netflowStream) fillTransport(r *Record, c *netflow.Conversation) {
	switch {
	case r.Proto.HasPorts():
		r.SrcPort, r.DstPort = c.SrcPort, c.DstPort
	case r.Proto == learn.ICMP || r.Proto == learn.ICMPv6:
		r.ICMP = netflowICMP(c)
	}
	if r.Proto == learn.TCP {
		r.Flags = tcpFlags(c.Flags)
	}
}

// netflowICMP is the type of ICMP, in the word of firewalls where it is a
// request.
func netflowICMP(c *netflow.Conversation) string {
	kind, ok := c.Type()
	switch {
	case !ok:
		return ""
	case c.Proto == uint8(learn.ICMP) && kind == 8 || c.Proto == uint8(learn.ICMPv6) && kind == 128:
		return echoRequest
	}
	return strconv.Itoa(int(kind))
}

// flagTexts are the flags of TCP as filterlog writes them, all 64 combinations.
var flagTexts = func() (texts [64]string) {
	for i := range texts {
		for bit, letter := range "FSRPAU" {
			if i>>bit&1 != 0 {
				texts[i] += string(letter)
			}
		}
	}
	return texts
}()

func tcpFlags(f uint8) string { return flagTexts[f&63] }

// faceName returns the text of an interface's number. Few follow each other.
func (s *netflowStream) faceName(n uint32) string {
	if n == 0 {
		return ""
	}
	for _, f := range s.face {
		if f.number == n {
			return f.text
		}
	}
	s.face[1] = s.face[0]
	s.face[0] = faceName{n, strconv.FormatUint(uint64(n), 10)}
	return s.face[0].text
}

// why judges a conversation.
func (s *netflowStream) why(r *Record, c *netflow.Conversation) Why {
	switch {
	case c.Repeat:
		return Detail
	case s.place.isFirewall(c.Src):
		return s.translated(r)
	case s.place.isHost(c.Src) || c.Src.IsLinkLocalUnicast():
		return s.outwards(r, c)
	case s.place.isHost(c.Dst) || s.place.isFirewall(c.Dst):
		return Inbound
	}
	return Foreign
}

// outwards judges what a local host began.
func (s *netflowStream) outwards(r *Record, c *netflow.Conversation) Why {
	if why := s.place.noDestination(r.Dst); why != "" {
		return why
	}
	switch {
	case r.Proto == learn.TCP && netflow.Resets(c.Flags) && !c.Reverse:
		return OutOfState
	case opensNothing(r) == NotARequest:
		return NotARequest
	}
	s.recent.note(s.target(r), uint32(r.Time.Unix()), pairWindow)
	return cmp.Or(refused(r), Outbound)
}

// translated judges what left with the firewall's own address. Exporters write
// both sides of translation, each as a flow.
func (s *netflowStream) translated(r *Record) Why {
	if why := s.place.noDestination(r.Dst); why != "" {
		return why
	}
	if s.recent.within(s.target(r), uint32(r.Time.Unix()), pairWindow) {
		return Detail
	}
	return cmp.Or(refused(r), OutboundNAT)
}

// target is a key of what translation does not change.
func (s *netflowStream) target(r *Record) uint64 { return s.recent.target(keyTarget, r, 0) }

func refused(r *Record) Why {
	if r.Action == learn.Refused {
		return Blocked
	}
	return ""
}

// Wait implements [Stream].
func (s *netflowStream) Wait(ctx context.Context, d time.Duration) error { return s.in.wait(ctx, d) }

// Cursor implements [Stream].
func (s *netflowStream) Cursor() ([]byte, error) { return s.position.encode(s.told) }

// Finished implements [Stream].
func (s *netflowStream) Finished() (map[string][]byte, error) {
	return nil, nil //nolint:nilnil // an empty map by another name
}

// Stats implements [Stream].
func (s *netflowStream) Stats() Stats {
	st := Stats{Lines: s.told, Missing: s.decoder.Missing(), Sampled: s.decoder.Sampled()}
	s.in.stats(&st)
	return st
}

// Progress implements [Stream].
func (s *netflowStream) Progress() (done, total int64) { return s.in.progress() }

// File implements [Stream].
func (s *netflowStream) File() string { return s.in.name() }

// Close implements [Stream].
func (s *netflowStream) Close() error { return s.in.Close() }
