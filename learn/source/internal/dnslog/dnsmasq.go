package dnslog

import (
	"bytes"
	"net/netip"
	"time"

	"tripline/learn/source/internal/scan"
	"tripline/learn/source/internal/syslog"
)

// A Kind is what a line of dnsmasq says.
type Kind uint8

// The kinds. Forwarding, refusals and all that is no DNS are an Aside.
const (
	Aside    Kind = iota
	Question      // Client asks for Name
	Alias         // Name is another name's alias
	Address       // Name is at Addr
	Nothing       // Name has no address
)

// A Line is one line of dnsmasq.
type Line struct {
	Head
	Kind   Kind
	Serial uint32     // of the question, 0 where the log has none
	Client netip.Addr // who asked; invalid where the line does not say
	Name   string     // canonical
	Addr   netip.Addr
}

// Dnsmasq reads the lines of dnsmasq and Pi-hole. The zero value is not ready.
type Dnsmasq struct {
	log   logger
	names Names
}

// NewDnsmasq returns a reader of logs whose stamps are of zone; nil is UTC.
func NewDnsmasq(zone *time.Location) *Dnsmasq {
	return &Dnsmasq{log: logger{"dnsmasq", syslog.NewReader(zone)}}
}

// Decode reads one line into l.
func (d *Dnsmasq) Decode(b []byte, newest time.Time, l *Line) *scan.Error {
	*l = Line{}
	text, err := d.log.read(b, newest, &l.Head)
	if err != nil {
		return err
	}
	d.text(d.origin(text, l), l)
	return nil
}

// origin passes over "3 192.0.2.10/40659 " of log-queries=extra, with the
// transport that newer versions add, and "3 " of questions that are dnsmasq's
// own.
func (d *Dnsmasq) origin(b []byte, l *Line) []byte {
	f := scan.Split(transport(b))
	serial, ok := scan.Uint(f.Next(' '), 1<<32-1)
	if !ok || !f.More {
		return b
	}
	l.Serial = uint32(serial)
	b = transport(f.Rest())
	f = scan.Split(b)
	who := f.Next(' ')
	slash := bytes.IndexByte(who, '/')
	if slash < 1 || !f.More {
		return b
	}
	if l.Client, ok = scan.Addr(who[:slash]); !ok {
		return b
	}
	return f.Rest()
}

func transport(b []byte) []byte {
	if len(b) > 4 && (string(b[:4]) == "UDP " || string(b[:4]) == "TCP ") {
		return b[4:]
	}
	return b
}

// text reads "query[A] NAME from CLIENT" and "reply NAME is ADDRESS". A name may
// hold blanks and whatever else its owner likes, so a line of another number of
// words is an aside.
func (d *Dnsmasq) text(b []byte, l *Line) {
	var words [4][]byte
	f := scan.Split(b)
	for i := range words {
		words[i] = f.Next(' ')
	}
	if f.More && !bytes.HasPrefix(f.Rest(), []byte("(")) { // "(DNSSEC signed)" may follow
		return
	}
	switch string(words[2]) {
	case "from":
		d.question(&words, l)
	case "is":
		if answers(words[0]) {
			d.answer(&words, l)
		}
	}
}

func (d *Dnsmasq) question(words *[4][]byte, l *Line) {
	client, ok := scan.Addr(words[3])
	if !ok || !bytes.HasPrefix(words[0], []byte("query[")) {
		return
	}
	if name := d.names.Get(words[1]); name != "" {
		l.Kind, l.Name, l.Client = Question, name, client
	}
}

// answers says whether a line that begins with word is what a client was told:
// from upstream, the cache, the configuration, a lease or a file of hosts.
func answers(word []byte) bool {
	switch string(word) {
	case "reply", "cached", "cached-stale", "config", "auth", "DHCP":
		return true
	}
	return len(word) > 0 && word[0] == '/'
}

func (d *Dnsmasq) answer(words *[4][]byte, l *Line) {
	name := d.names.Get(words[1])
	if name == "" {
		return // an address that a name was asked for, or an error
	}
	l.Name = name
	if string(words[3]) == "<CNAME>" {
		l.Kind = Alias
		return
	}
	l.Kind = Nothing
	if a, ok := scan.Addr(words[3]); ok && Host(a) {
		l.Kind, l.Addr = Address, a
	}
}
