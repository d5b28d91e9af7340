package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn/internal/dissect"
)

// A resolver asks those of this host.
type resolver struct {
	servers []netip.AddrPort
	turns   chan struct{} // one for each question on its way
}

func newResolver(servers []netip.AddrPort) *resolver {
	return &resolver{servers, make(chan struct{}, mostAsked())}
}

// An answerCode says what became of a question: an answer with or without
// addresses, no such name, or no answer.
type answerCode = dnsmessage.RCode

const (
	answered = dnsmessage.RCodeSuccess
	failed   = dnsmessage.RCodeServerFailure
)

const (
	resolvConf = "/etc/resolv.conf"
	mostTries  = 2
	tryFor     = 3 * time.Second
	mostAnswer = 1 << 16
)

// hostResolvers reads what this host asks (resolv.conf(5)).
func hostResolvers() (servers []netip.AddrPort, rest []string) {
	text, err := os.ReadFile(resolvConf)
	if err != nil {
		text = nil
	}
	s := bufio.NewScanner(bytes.NewReader(text))
	for s.Scan() {
		fields := strings.Fields(s.Text())
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if a, err := netip.ParseAddr(fields[1]); err == nil {
				servers = append(servers, netip.AddrPortFrom(a, 53))
			}
		case "search", "domain", "options":
			rest = append(rest, s.Text())
		}
	}
	if len(servers) == 0 {
		servers = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	}
	return servers, rest
}

// ask looks up the addresses of a name.
func (r *resolver) ask(ctx context.Context, name string, ip6 bool) (dissect.Message, answerCode) {
	kind := dnsmessage.TypeA
	if ip6 {
		kind = dnsmessage.TypeAAAA
	}
	q, err := question(name, kind)
	if err != nil {
		return dissect.Message{}, dnsmessage.RCodeFormatError
	}
	reply, err := r.exchange(ctx, q)
	if err != nil {
		return dissect.Message{}, failed
	}
	m, ok := dissect.DNS(reply)
	if !ok {
		return dissect.Message{}, failed
	}
	return m, dnsmessage.RCode(reply[3] & 0xf)
}

func question(name string, kind dnsmessage.Type) ([]byte, error) {
	n, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return nil, err
	}
	var id [2]byte
	rand.Read(id[:]) // it never fails
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:]), RecursionDesired: true})
	err = errors.Join(b.StartQuestions(), b.Question(dnsmessage.Question{Name: n, Type: kind, Class: dnsmessage.ClassINET}))
	if err != nil {
		return nil, err
	}
	return b.Finish()
}

// exchange asks each server in turn, and again by TCP where the answer is cut.
func (r *resolver) exchange(ctx context.Context, q []byte) (reply []byte, err error) {
	err = errors.New("no resolver")
	for range mostTries {
		for _, server := range r.servers {
			var e error
			if reply, e = r.askOne(ctx, "udp", server, q); e == nil && reply[2]&2 != 0 {
				reply, e = r.askOne(ctx, "tcp", server, q)
			}
			if e == nil && reply[3]&0xf != byte(failed) {
				return reply, nil
			}
			if e != nil {
				err = e
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	if reply != nil {
		return reply, nil
	}
	return nil, err
}

func (r *resolver) askOne(ctx context.Context, network string, server netip.AddrPort, q []byte) ([]byte, error) {
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer c.Close()                                                           //nolint:errcheck // it was only asked
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // it cannot
	defer stop()
	if network == "tcp" {
		return askStream(c, q)
	}
	if _, err := c.Write(q); err != nil {
		return nil, err
	}
	buf := make([]byte, mostAnswer)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return nil, err
		}
		if answers(buf[:n], q) {
			return buf[:n], nil
		}
	}
}

func askStream(c net.Conn, q []byte) ([]byte, error) {
	if err := writeMessage(c, q); err != nil {
		return nil, err
	}
	reply, err := readMessage(c)
	if err == nil && !answers(reply, q) {
		err = errors.New("an answer to another question")
	}
	return reply, err
}

// answers says whether a message answers a question, and not another one.
func answers(reply, q []byte) bool {
	if len(reply) < 12 || reply[2]&0x80 == 0 || !bytes.Equal(reply[:2], q[:2]) {
		return false
	}
	asked, ok := dissect.DNS(q)
	got, is := dissect.DNS(reply)
	return ok && is && asked.Type == got.Type && strings.EqualFold(asked.Name, got.Name)
}

// Messages over TCP have their length before them (RFC 1035, section 4.2.2).
func writeMessage(w io.Writer, m []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	return err
}

func readMessage(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	m := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, m)
	return m, err
}
