package sandbox

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"tripline/learn"
)

func TestConnectionIsCarriedAndTold(t *testing.T) {
	l := newLab(t, Options{Label: "sandbox:bot", Decide: admitAll, Dial: dialTo(echoServer(t))})
	c, err := l.dial("203.0.113.5:7")
	if err != nil {
		t.Fatal(err)
	}
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // a megabyte, in many segments
	go func() {
		c.Write(sent)
		c.CloseWrite() // and still reads what comes back
	}()
	got, err := all(c)
	if err != nil || got != string(sent) {
		t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(sent))
	}
	c.Close()
	f := l.told(1)[0]
	if f.Dst != netip.MustParseAddr("203.0.113.5") || f.DstPort != 7 || f.Proto != learn.TCP || f.Action != learn.Pass ||
		f.Up != 1<<20 || f.Down != 1<<20 || f.Interface != "sandbox:bot" || f.Name != "" {
		t.Errorf("got %+v", f)
	}
}

func TestNothingOfWhatIsRefusedLeaves(t *testing.T) {
	var dialled atomic.Int32
	o := Options{
		Decide: func(f *learn.Flow) Decision {
			if f.DstPort == 443 {
				return Admit
			}
			return Refuse
		},
		Dial: func(context.Context, string, netip.AddrPort) (net.Conn, error) {
			dialled.Add(1)
			return nil, syscall.ECONNREFUSED
		},
	}
	l := newLab(t, o)
	for _, to := range []string{"203.0.113.5:80", "[2001:db8::5]:80"} {
		if _, err := l.dial(to); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: got %v, want a refusal", to, err)
		}
	}
	if n := dialled.Load(); n != 0 {
		t.Errorf("%d connections were dialled", n)
	}
	for _, f := range l.told(2) {
		if f.Action != learn.Refused {
			t.Errorf("got %+v", f)
		}
	}
	if _, err := l.dial("203.0.113.5:443"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("refused outside: got %v", err)
	}
}

func TestWaysAroundNamesAreLabelled(t *testing.T) {
	l := newLab(t, Options{})
	for i, want := range []struct{ to, label string }{
		{"203.0.113.5:80", "no-name"}, {"203.0.113.5:53", "other-resolver"}, {"203.0.113.5:853", "encrypted-dns"},
	} {
		if c, err := l.dial(want.to); err == nil {
			c.Close()
			t.Errorf("%s was reached", want.to)
		}
		if f := l.told(i + 1)[i]; f.Rule != want.label {
			t.Errorf("%s: got label %q, want %q", want.to, f.Rule, want.label)
		}
	}
	l = newLab(t, Options{Offline: true})
	if c, err := l.dial(netip.AddrPortFrom(l.at("named.example"), 80).String()); err == nil {
		c.Close()
		t.Error("the name was reached")
	}
	if f := l.told(1)[0]; f.Rule != "" || f.Name != "named.example" {
		t.Errorf("named: got %+v", f)
	}
}

func TestZeroDecisionLetsNothingOut(t *testing.T) {
	l := newLab(t, Options{Dial: dialTo(echoServer(t))})
	if _, err := l.dial("203.0.113.5:443"); err == nil {
		t.Error("without Decide a connection was let out")
	}
}

func TestThisHostIsNoPlaceOutside(t *testing.T) {
	own := ownAddresses()
	if len(own) == 0 {
		t.Fatal("this host has no address")
	}
	for a := range own {
		if !(&way{}).local(a) {
			t.Errorf("%s is of this host, and is not known to be", a)
		}
	}
	for _, text := range []string{"127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::ffff:127.0.0.1", "::"} {
		if !(&way{}).local(netip.MustParseAddr(text)) {
			t.Errorf("%s is not known to be of this host", text)
		}
	}
	resolver, _ := zone(t, map[string][]string{"rebound.example": {"127.0.0.1"}})
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t)), Resolvers: []netip.AddrPort{resolver}})
	if _, err := l.dial(netip.AddrPortFrom(l.at("rebound.example"), 22).String()); err == nil {
		t.Error("a name that somebody points at the loopback was followed")
	}
}

func TestNamesAreToldApartAtOneAddress(t *testing.T) {
	resolver, _ := zone(t, map[string][]string{"a.example": {"203.0.113.5"}, "b.example": {"203.0.113.5"}})
	o := Options{
		Resolvers: []netip.AddrPort{resolver}, Dial: dialTo(echoServer(t)),
		Decide: func(f *learn.Flow) Decision {
			if f.Name == "a.example" && f.Dst == netip.MustParseAddr("203.0.113.5") && f.Resolved {
				return Admit
			}
			return Refuse
		},
	}
	l := newLab(t, o)
	a, b := l.at("a.example"), l.at("b.example")
	if a == b || !names4.Contains(a) || !names4.Contains(b) {
		t.Fatalf("got %s and %s", a, b)
	}
	if again := l.at("A.Example"); again != a {
		t.Errorf("got %s for the same name, want %s", again, a)
	}
	c, err := l.dial(netip.AddrPortFrom(a, 80).String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, to := range []string{netip.AddrPortFrom(b, 80).String(), "203.0.113.5:80"} {
		if _, err := l.dial(to); err == nil {
			t.Errorf("%s was let out: it was not asked for by the name that is admitted", to)
		}
	}
}

func TestAnswersAreThoseOfTheResolver(t *testing.T) {
	resolver, asked := zone(t, map[string][]string{"four.example": {"203.0.113.5"}, "six.example": {"2001:db8::5"}})
	l := newLab(t, Options{Decide: admitAll, Resolvers: []netip.AddrPort{resolver}, Dial: dialTo(echoServer(t))})
	for _, tt := range []struct {
		name string
		kind dnsmessage.Type
		code dnsmessage.RCode
		n    int
		ttl  uint32
	}{
		{"four.example", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 1, 60},
		{"four.example", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, 0, 0},
		{"six.example", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, 1, 60},
		{"six.example", dnsmessage.TypeTXT, dnsmessage.RCodeSuccess, 1, 60},
		{"four.example", typeHTTPS, dnsmessage.RCodeSuccess, 0, 0}, // it would hide the name
		{"none.example", dnsmessage.TypeA, dnsmessage.RCodeNameError, 0, 0},
		{"localhost", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 1, 3600},
	} {
		m, err := l.lookup(tt.name, tt.kind)
		if err != nil || m.RCode != tt.code || len(m.Answers) != tt.n {
			t.Errorf("%s %v: got %v with %d answers, %v", tt.name, tt.kind, m.RCode, len(m.Answers), err)
			continue
		}
		if tt.n > 0 && (m.Answers[0].Header.TTL > tt.ttl || m.Answers[0].Header.TTL+2 < tt.ttl) {
			t.Errorf("%s: got a TTL of %d, want %d", tt.name, m.Answers[0].Header.TTL, tt.ttl)
		}
	}
	n := len(asked())
	l.at("four.example")
	if len(asked()) != n {
		t.Error("a name was asked for again while its answer held")
	}
	fake := l.at("four.example").As4()
	m, err := l.lookup(netip.AddrFrom4([4]byte{fake[3], fake[2], fake[1], fake[0]}).String()+".in-addr.arpa", dnsmessage.TypePTR)
	if err != nil || len(m.Answers) != 1 || m.Answers[0].Body.(*dnsmessage.PTRResource).PTR.String() != "four.example." {
		t.Errorf("reverse: got %+v, %v", m, err)
	}
}

func TestOfflineNobodyIsAsked(t *testing.T) {
	resolver, asked := zone(t, map[string][]string{"known.example": {"203.0.113.5"}})
	l := newLab(t, Options{Offline: true, Resolvers: []netip.AddrPort{resolver}, Dial: dialTo(echoServer(t))})
	if _, err := l.dial(netip.AddrPortFrom(l.at("secret.exfiltrated.example"), 443).String()); err == nil {
		t.Error("something was let out")
	}
	if f := l.told(1)[0]; f.Name != "secret.exfiltrated.example" || f.Action != learn.Refused {
		t.Errorf("got %+v", f)
	}
	l = newLab(t, Options{Resolve: func(name string) bool { return name == "known.example" }, Resolvers: []netip.AddrPort{resolver}, Dial: dialTo(echoServer(t))})
	l.at("known.example")
	l.at("secret.example")
	l.lookup("secret.example", dnsmessage.TypeTXT)
	if got := strings.Join(asked(), " "); got != "known.example" {
		t.Errorf("the resolver was asked for %s", got)
	}
}

// A hello that names somebody else is decided again, before any of it leaves.
func TestSNIThatContradictsIsDecidedAgain(t *testing.T) {
	resolver, _ := zone(t, map[string][]string{"good.example": {"203.0.113.5"}})
	var got sync.Map
	server := server(t, func(c net.Conn) {
		data, _ := io.ReadAll(c)
		got.Store(len(data), string(data))
	})
	l := newLab(t, Options{
		Resolvers: []netip.AddrPort{resolver}, Dial: dialTo(server),
		Decide: func(f *learn.Flow) Decision {
			if f.Name == "good.example" {
				return Admit
			}
			return Refuse
		},
	})
	to := netip.AddrPortFrom(l.at("good.example"), 443).String()
	for _, name := range []string{"good.example", "evil.example"} {
		c, err := l.dial(to)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(2 * time.Second))
		tls.Client(c, &tls.Config{ServerName: name, InsecureSkipVerify: true}).Handshake()
		c.Close()
	}
	var told []string
	for _, f := range l.told(3) {
		told = append(told, fmt.Sprint(f.Name, " ", f.Evidence, " ", f.Action, " ", f.Up > 0))
	}
	// What was asked for and what was said have both to be admitted, so both are told.
	if want := []string{"good.example sni pass true", "good.example dns pass false", "evil.example sni block false"}; !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
	got.Range(func(_, v any) bool {
		if strings.Contains(v.(string), "evil") {
			t.Error("the server saw the name that is not admitted")
		}
		return true
	})
}

// A name that is said in pieces, slower than they are waited for, is looked at as any
// other; and who says no name goes on.
func TestNameThatIsSaidSlowlyIsDecidedOn(t *testing.T) {
	l := newLab(t, Options{Dial: dialTo(echoServer(t)), Decide: func(f *learn.Flow) Decision {
		if f.Name == "evil.example" {
			return Refuse
		}
		return Admit
	}})
	l.box.patience = time.Millisecond
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n": "",
		"GET / HTTP/1.1\r\nHost: good.example\r\n\r\n": "od.example\r\n\r\n",
		"GET is no request\r\nof HTTP":                 "f HTTP",
	} {
		c, err := l.dial("203.0.113.5:80")
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		for _, at := range [][2]int{{0, 3}, {3, len(text) - 14}, {len(text) - 14, len(text)}} {
			c.Write([]byte(text[at[0]:at[1]]))
			if at[1] < len(text) {
				io.ReadFull(c, make([]byte, at[1]-at[0])) // it is not held for long
			}
		}
		c.CloseWrite()
		rest, _ := io.ReadAll(c)
		if !strings.HasSuffix(string(rest), want) || want == "" && len(rest) > 0 {
			t.Errorf("%q: got %q at last", text, rest)
		}
		c.Close()
	}
	for _, f := range l.told(3) {
		if refused := f.Action == learn.Refused; refused != (f.Name == "evil.example") {
			t.Errorf("got %+v", f)
		}
	}
}

func TestDatagramsAreCarriedAndTold(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			pc.WriteTo(buf[:n], from)
		}
	}()
	l := newLab(t, Options{
		Dial: dialTo(netip.MustParseAddrPort(pc.LocalAddr().String())),
		Decide: func(f *learn.Flow) Decision {
			if f.DstPort == 123 {
				return Admit
			}
			return Refuse
		},
	})
	for _, to := range []string{"203.0.113.5:123", "[2001:db8::5]:123"} {
		if got, err := l.datagram(to, strings.Repeat("x", 9000)); err != nil || len(got) != 9000 {
			t.Errorf("%s: got %d bytes, %v", to, len(got), err)
		}
	}
	refused, err := gonet.DialUDP(l.client, nil, &tcpip.FullAddress{NIC: nic, Addr: address(netip.MustParseAddr("203.0.113.5")), Port: 53}, header.IPv4ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	refused.Write([]byte("?"))
	if f := l.told(1)[0]; f.Proto != learn.UDP || f.DstPort != 53 || f.Action != learn.Refused {
		t.Errorf("got %+v", f)
	}
}

// datagram sends one and returns the answer.
func (l *lab) datagram(to, text string) (string, error) {
	at := netip.MustParseAddrPort(to)
	c, err := gonet.DialUDP(l.client, nil, &tcpip.FullAddress{NIC: nic, Addr: address(at.Addr()), Port: at.Port()}, protocolOf(at.Addr()))
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write([]byte(text)); err != nil {
		return "", err
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 1<<16)
	n, err := c.Read(buf)
	return string(buf[:n]), err
}

func TestForgedSourcesGoNowhere(t *testing.T) {
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t))})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := gonet.DialTCPWithBind(ctx, l.client,
		tcpip.FullAddress{NIC: nic, Addr: address(netip.MustParseAddr("192.0.2.99")), Port: 4444},
		tcpip.FullAddress{NIC: nic, Addr: address(netip.MustParseAddr("203.0.113.5")), Port: 443}, header.IPv4ProtocolNumber)
	if err == nil {
		t.Error("a connection from a forged source was carried")
	}
	if l.box.spoofed.Load() == 0 {
		t.Error("it was not counted")
	}
}

func TestThousandConnectionsAtOnce(t *testing.T) {
	l := newLab(t, Options{Decide: admitAll, Dial: dialTo(echoServer(t))})
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			c, err := l.dial("203.0.113.5:7")
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			defer c.Close()
			c.Write([]byte("hello"))
			c.CloseWrite()
			if got, err := all(c); got != "hello" || err != nil {
				t.Errorf("connection %d: got %q, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	if flows := l.told(1000); len(flows) != 1000 {
		t.Errorf("%d flows were told", len(flows))
	}
}

// Of several addresses the next is taken where one does not answer. What was on its way to
// any is told.
func TestNextAddressIsTaken(t *testing.T) {
	resolver, _ := zone(t, map[string][]string{"several.example": {"203.0.113.5", "203.0.113.6"}, "lost.example": {"203.0.113.7", "203.0.113.8"}})
	echo := dialTo(echoServer(t))
	l := newLab(t, Options{Decide: admitAll, Resolvers: []netip.AddrPort{resolver}, Dial: func(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
		switch to.Addr().As4()[3] {
		case 5: // it does not answer
			<-ctx.Done()
			return nil, ctx.Err()
		case 7:
			return nil, syscall.ECONNREFUSED
		case 8:
			return nil, syscall.ENETUNREACH
		}
		return echo(ctx, network, to)
	}})
	l.box.way.hurry = time.Millisecond
	c, err := l.dial(netip.AddrPortFrom(l.at("several.example"), 80).String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if c, err := l.dial(netip.AddrPortFrom(l.at("lost.example"), 80).String()); err == nil {
		c.Close()
		t.Error("an address that refuses was reached")
	}
	got := map[string]netip.Addr{}
	for _, f := range l.told(2) {
		got[f.Name] = f.Dst
	}
	if got["several.example"] != netip.MustParseAddr("203.0.113.6") || got["lost.example"] != netip.MustParseAddr("203.0.113.7") {
		t.Errorf("got %v", got)
	}
}
