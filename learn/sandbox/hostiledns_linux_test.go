package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"tripline/learn"
)

// A question is a name and a type. Nothing else of what the command wrote leaves with it.
func TestQuestionsCarryNothingElse(t *testing.T) {
	sent := make(chan []byte, 8)
	at := rawResolver(t, func(q []byte) []byte {
		sent <- q
		q[2] |= 0x80
		return q
	})
	l := newLab(t, Options{Resolve: func(name string) bool { return name == "good.example" }, Resolvers: []netip.AddrPort{at}})
	q, err := question("GoOd.example", dnsmessage.TypeTXT)
	if err != nil {
		t.Fatal(err)
	}
	two := append(bytes.Clone(q), "\x06secret\x04data\x00\x00\x01\x00\x01"...)
	two[5] = 2
	option := append(bytes.Clone(q), "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0a\xfd\xe9\x00\x06secret"...)
	option[11] = 1
	for what, m := range map[string][]byte{
		"two questions": two, "a tail": append(bytes.Clone(q), "secret"...), "an option": option, "case": q,
	} {
		reply, err := l.ask(m, 2*time.Second)
		if err == nil && !bytes.Equal(reply[:2], m[:2]) {
			t.Errorf("%s: the answer is to another question", what)
		}
		for len(sent) > 0 {
			if got := <-sent; bytes.Contains(got, []byte("secret")) || bytes.Contains(got, []byte("GoOd")) {
				t.Errorf("%s: %q left", what, got)
			}
		}
	}
}

// An answer that is larger than who asks takes it comes by TCP (RFC 1035, section 4.2.1; RFC 6891).
func TestLargeAnswersComeByTCP(t *testing.T) {
	var text []string
	for range 12 {
		text = append(text, strings.Repeat("x", 250))
	}
	at := rawResolver(t, func(q []byte) []byte {
		var m dnsmessage.Message
		if m.Unpack(q) != nil {
			return nil
		}
		m.Response, m.Additionals = true, nil
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET, TTL: 60},
			Body:   &dnsmessage.TXTResource{TXT: text},
		}}
		reply, _ := m.Pack()
		return reply
	})
	l := newLab(t, Options{Resolvers: []netip.AddrPort{at}})
	q, err := question("good.example", dnsmessage.TypeTXT)
	if err != nil {
		t.Fatal(err)
	}
	roomy := append(bytes.Clone(q), "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"...)
	roomy[11] = 1
	for name, c := range map[string]struct {
		q    []byte
		most int
		cut  bool
	}{"plain": {q, 512, true}, "room for 4096 bytes": {roomy, 4096, false}} {
		reply, err := l.ask(c.q, 2*time.Second)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if cut := reply[2]&2 != 0; cut != c.cut || len(reply) > c.most {
			t.Errorf("%s: %d bytes, cut %v", name, len(reply), cut)
		}
	}
	c, err := l.dial(netip.AddrPortFrom(gateway4, 53).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	if writeMessage(c, q) != nil {
		t.Fatal("not written")
	}
	if reply, err := readMessage(c); err != nil || len(reply) < 3000 || reply[2]&2 != 0 {
		t.Errorf("by TCP: %d bytes, %v", len(reply), err)
	}
}

// A name that somebody points at everybody on a link is not followed: this host would
// speak to its neighbours.
func TestNamesAreOfNobodyElse(t *testing.T) {
	resolver, _ := zone(t, map[string][]string{"all.example": {"255.255.255.255"}, "mdns.example": {"224.0.0.251"}, "ssdp.example": {"239.255.255.250"}})
	var dialled atomic.Int32
	l := newLab(t, Options{Decide: admitAll, Resolvers: []netip.AddrPort{resolver}, Dial: func(context.Context, string, netip.AddrPort) (net.Conn, error) {
		dialled.Add(1)
		return nil, io.EOF
	}})
	for i, name := range []string{"all.example", "mdns.example", "ssdp.example"} {
		at := l.at(name)
		c, err := gonet.DialUDP(l.client, nil, &tcpip.FullAddress{NIC: nic, Addr: address(at), Port: 5353}, header.IPv4ProtocolNumber)
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte("x"))
		if f := l.told(i + 1)[i]; f.Action != learn.Refused || dialled.Load() > 0 {
			t.Errorf("%s: got %+v, and %d dialled", name, f, dialled.Load())
		}
		c.Close()
	}
}

// Thousands of questions at once hold few sockets of this host.
func TestQuestionsAtOnceAreBounded(t *testing.T) {
	at := rawResolver(t, func([]byte) []byte { return nil })
	l := newLab(t, Options{Resolvers: []netip.AddrPort{at}})
	before := descriptors(t)
	c, err := gonet.DialUDP(l.client, nil, &tcpip.FullAddress{NIC: nic, Addr: address(gateway4), Port: 53}, header.IPv4ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3000 {
		q, err := question(strings.Repeat("x", i%60+1)+string(rune('a'+i%26))+".example", dnsmessage.TypeTXT)
		if err != nil {
			t.Fatal(err)
		}
		c.Write(q)
		if i%50 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(100 * time.Millisecond)
	if n := descriptors(t) - before; n < 100 || n > mostAsked()+50 {
		t.Errorf("%d descriptors for 3000 questions, want %d", n, mostAsked())
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Where a command has asked for as many names as there are addresses, those it has are known
// still, and it is said why others are not.
func TestNamesRunOut(t *testing.T) {
	var said atomic.Int32
	l := newLab(t, Options{Offline: true, Warn: func(string, ...any) { said.Add(1) }})
	first := l.at("first.example")
	for i := range mostNames {
		l.box.names.entry(fmt.Sprintf("%d.example", i))
	}
	for range 2 {
		if m, err := l.lookup("more.example", dnsmessage.TypeA); err != nil || m.RCode != dnsmessage.RCodeServerFailure {
			t.Errorf("got %v, %v", m.RCode, err)
		}
	}
	if again := l.at("first.example"); again != first || said.Load() != 1 {
		t.Errorf("got %s, want %s; warned %d times, want once", again, first, said.Load())
	}
	if last := l.at(fmt.Sprintf("%d.example", mostNames-3)); !names4.Contains(last) || inside4.Masked().Contains(last) {
		t.Errorf("the last name is at %s", last)
	}
}

// Who waits for a name that nobody answers for waits once, not once for each before him.
func TestManyWaitForOneQuestion(t *testing.T) {
	var asked atomic.Int32
	at := rawResolver(t, func(q []byte) []byte {
		asked.Add(1)
		q[2], q[3] = q[2]|0x80, q[3]|byte(failed)
		return q
	})
	l := newLab(t, Options{Resolvers: []netip.AddrPort{at}})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if m, err := l.lookup("down.example", dnsmessage.TypeA); err != nil || m.RCode != failed {
				t.Errorf("got %v, %v", m.RCode, err)
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n != mostTries {
		t.Errorf("%d questions for 20 who wait, want %d", n, mostTries)
	}
}
