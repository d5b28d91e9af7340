package sandbox

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tripline/learn"
)

// What is asked for and not connected to is told, where it is wanted: a tunnel says all
// it has to say in names.
func TestQuestionsThatNothingFollowsAreTold(t *testing.T) {
	resolver, _ := zone(t, map[string][]string{"used.example": {"203.0.113.5"}, "known.example": {"203.0.113.6"}})
	l := newLab(t, Options{
		Decide: admitAll, Resolvers: []netip.AddrPort{resolver}, Dial: dialTo(echoServer(t)),
		Resolve: func(name string) bool { return name != "data.silent.example" },
		Asked:   func(name string) bool { return name != "known.example" },
	})
	for _, to := range []netip.Addr{l.at("used.example"), netip.MustParseAddr("203.0.113.5")} {
		if c, err := l.dial(netip.AddrPortFrom(to, 443).String()); err == nil {
			c.Close()
		}
	}
	l.told(2)
	for _, name := range []string{
		"known.example", "data.tunnel.example", "data.silent.example", "printer", "data.6.113.0.203.in-addr.arpa", reverse(netip.MustParseAddr("2001:db8:da7a::1")),
		reverse(netip.MustParseAddr("203.0.113.5")), reverse(inside4.Addr()), reverse(netip.MustParseAddr("fd00::1")), "1.0.168.192.in-addr.arpa",
	} {
		l.lookup(name, dnsmessage.TypeTXT)
	}
	l.box.tellAsked(time.Now().Add(-followed))
	if n := len(l.told(2)); n != 2 {
		t.Errorf("%d flows were told before a connection could follow", n)
	}
	l.box.tellAsked(time.Now())
	tunnels := []string{"data.tunnel.example", "data.silent.example", "data.6.113.0.203.in-addr.arpa", reverse(netip.MustParseAddr("2001:db8:da7a::1"))}
	for i, f := range l.told(2 + len(tunnels))[2:] {
		action := learn.Pass
		if tunnels[i] == "data.silent.example" {
			action = learn.Refused
		}
		if f.Name != tunnels[i] || f.Action != action || f.Rule != learn.OnlyAsked || f.DstPort != 53 || f.Proto != learn.UDP {
			t.Errorf("got %+v, want %s of %s", f, action, tunnels[i])
		}
	}
	only, more := l.box.names.asked.names()
	if want := slices.Sorted(slices.Values(append(tunnels, "known.example"))); !slices.Equal(only, want) || more != 0 {
		t.Errorf("got %v and %d more, want %v", only, more, want)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	q := newQuestions()
	for i := range mostQuestions + 7 {
		q.note(&asking{name: fmt.Sprintf("%d.tunnel.example", i)})
	}
	q.due(time.Now())
	only, more := q.names()
	if len(only) != mostQuestions || more != 7 {
		t.Errorf("kept %d and counted %d more, want %d and 7", len(only), more, mostQuestions)
	}
}

// A name that is connected to after its question was told of is none that was only
// asked for, and is not told of again.
func TestNameThatIsConnectedToLateWasNotOnlyAskedFor(t *testing.T) {
	q := newQuestions()
	for _, name := range []string{"late.example", "never.example"} {
		q.note(&asking{name: name})
	}
	q.due(time.Now())
	q.connected("late.example")
	if q.fresh("late.example") {
		t.Error("it would be told of again")
	}
	if only, _ := q.names(); !slices.Equal(only, []string{"never.example"}) {
		t.Errorf("got %v, want never.example alone", only)
	}
}

// Who asks is known, by TCP and at the other address of the resolver as well.
func TestWhoAsksIsKnown(t *testing.T) {
	tool(t, "python3")
	resolver, _ := zone(t, map[string][]string{"1.tunnel.example": {"203.0.113.5"}, "2.tunnel.example": {"203.0.113.5"}})
	eachUser(t, func(t *testing.T, u user) {
		printed, out := u.run(t, trial{Resolver: resolver.String(), Asked: true, Weak: true}, "python3", "-c", `
import socket
def question(n): return b"\0\x22\0\1\1\0\0\1\0\0\0\0\0\0\1" + n + b"\6tunnel\7example\0\0\1\0\1"
s = socket.create_connection(("`+gateway4.String()+`", 53))
s.sendall(question(b"1"))
s.recv(100)
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.connect(("`+gateway6.String()+`", 53))
s.send(question(b"2")[2:])
s.recv(100)`)
		if len(out.Flows) != 2 {
			t.Fatalf("got %+v: %s", out.Flows, printed)
		}
		for _, f := range out.Flows {
			if f.Process == nil || f.Rule != learn.OnlyAsked {
				t.Errorf("got %+v", f)
			}
		}
	})
}
