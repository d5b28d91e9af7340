package learn_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func answer(name string, after, ttl time.Duration, addrs ...string) *learn.Answer {
	a := &learn.Answer{Time: noon.Add(after), Name: name, TTL: ttl}
	for _, s := range addrs {
		a.Addrs = append(a.Addrs, netip.MustParseAddr(s))
	}
	return a
}

func flowAfter(after time.Duration, dst string) learn.Flow {
	return learn.Flow{Time: noon.Add(after), Proto: learn.TCP, DstPort: 443, Dst: netip.MustParseAddr(dst)}
}

func TestNameIsWhatTheClientWasToldLast(t *testing.T) {
	n := learn.NewNamer()
	n.Note("bot", answer("a.example", 0, time.Hour, "192.0.2.1", "192.0.2.2"))
	n.Note("bot", answer("b.example", time.Minute, time.Minute, "192.0.2.1"))
	n.Note("other", answer("c.example", 0, time.Hour, "192.0.2.3"))
	for _, tt := range []struct {
		about string
		after time.Duration
		dst   string
		want  string
		how   learn.Naming
	}{
		{"one name", time.Second, "192.0.2.2", "a.example", learn.Naming{Resolved: true}},
		{"before the second answer", time.Second, "192.0.2.1", "a.example", learn.Naming{Resolved: true}},
		{"the newest of two", 2 * time.Minute, "192.0.2.1", "b.example", learn.Naming{Resolved: true, Others: []string{"a.example"}}},
		{"one of them ran out", 20 * time.Minute, "192.0.2.1", "a.example", learn.Naming{Resolved: true}},
		{"both ran out", 2 * time.Hour, "192.0.2.1", "b.example", learn.Naming{Resolved: true, Stale: true}},
		{"both ran out long ago", 48 * time.Hour, "192.0.2.1", "", learn.Naming{}},
		{"before any answer", -3 * time.Second, "192.0.2.1", "", learn.Naming{}},
		{"a moment before the first, by another clock", -2 * time.Second, "192.0.2.1", "a.example", learn.Naming{Resolved: true}},
		{"told to another client", time.Second, "192.0.2.3", "", learn.Naming{}},
		{"told to nobody", time.Second, "192.0.2.9", "", learn.Naming{}},
	} {
		f := flowAfter(tt.after, tt.dst)
		how := n.Name(&f, "192.0.2.50", "bot")
		if f.Name != tt.want || (f.Evidence == learn.DNS) != (tt.want != "") {
			t.Errorf("%s: got %q by %q, want %q", tt.about, f.Name, f.Evidence, tt.want)
		}
		if diff := cmp.Diff(tt.how, how); diff != "" {
			t.Errorf("%s: %s", tt.about, diff)
		}
	}
}

// Many sources tell of a connection when it ends; its client may have asked for
// the same name again meanwhile.
func TestConnectionIsNamedByWhatWasToldBeforeItBegan(t *testing.T) {
	n := learn.NewNamer()
	for i := range 5 {
		n.Note("bot", answer("a.example", time.Duration(i)*time.Minute, time.Minute, "192.0.2.1"))
	}
	n.Note("bot", answer("b.example", 4*time.Minute, time.Minute, "192.0.2.1"))
	for after, want := range map[time.Duration]string{-3 * time.Second: "", time.Second: "a.example", 3 * time.Minute: "a.example", 4 * time.Minute: "b.example"} {
		f := flowAfter(after, "192.0.2.1")
		if n.Name(&f, "bot"); f.Name != want {
			t.Errorf("began %v after noon: got %q, want %q", after, f.Name, want)
		}
	}
}

func TestWhatTheConnectionSaysStays(t *testing.T) {
	n := learn.NewNamer()
	n.Note("bot", answer("a.example", 0, time.Hour, "192.0.2.1"))
	for name, want := range map[string]learn.Naming{
		"a.example": {Resolved: true},
		"x.example": {Others: []string{"a.example"}},
	} {
		f := flowAfter(time.Second, "192.0.2.1")
		f.Name, f.Evidence = name, learn.SNI
		how := n.Name(&f, "bot")
		if f.Name != name || f.Evidence != learn.SNI || f.Resolved != want.Resolved {
			t.Errorf("got %q by %s, resolved %v", f.Name, f.Evidence, f.Resolved)
		}
		if diff := cmp.Diff(want, how); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFloodOfAnswersCostsTheFloodedAlone(t *testing.T) {
	n := learn.NewNamer()
	n.Note("bot", answer("a.example", 0, time.Hour, "192.0.2.1"))
	for i := range 200_000 {
		addr := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}).String()
		n.Note("noisy", answer(fmt.Sprintf("n%d.example", i), time.Second, time.Hour, addr))
		n.Note(fmt.Sprintf("forged %d", i), answer("f.example", time.Second, time.Hour, "192.0.2.1"))
		if i%500 == 0 { // the agent is at work
			n.Note("bot", answer("b.example", time.Second, time.Hour, "192.0.2.4"))
		}
	}
	f := flowAfter(time.Minute, "192.0.2.1")
	if n.Name(&f, "bot"); f.Name != "a.example" {
		t.Errorf("got %q, want the name to be kept", f.Name)
	}
	if n.Dropped() == 0 {
		t.Error("nothing was dropped: the flood was not bounded, or not counted")
	}
}

func TestNamesAreCounted(t *testing.T) {
	var n learn.Names
	n.Count(&learn.Flow{}, learn.Naming{})
	n.Count(&learn.Flow{Name: "a", Evidence: learn.DNS}, learn.Naming{Resolved: true, Others: []string{"b"}})
	n.Count(&learn.Flow{Name: "a", Evidence: learn.SNI}, learn.Naming{Others: []string{"b"}})
	n.Count(&learn.Flow{Name: "a", Evidence: learn.SNI}, learn.Naming{Resolved: true, Others: []string{"b"}})
	dot := learn.Flow{Proto: learn.TCP, DstPort: 853}
	n.Count(&dot, learn.Naming{})
	want := learn.Names{Flows: 5, Ambiguous: 1, Conflicts: 1, Encrypted: 1}
	want.By[learn.Unnamed], want.By[learn.DNS], want.By[learn.SNI] = 2, 1, 2
	if diff := cmp.Diff(want, n); diff != "" || n.Named() != 3 {
		t.Errorf("%d named; %s", n.Named(), diff)
	}
}

func TestEncryptedDNSIsSuspected(t *testing.T) {
	for _, tt := range []struct {
		proto learn.Proto
		port  uint16
		dst   string
		name  string
		want  bool
	}{
		{learn.TCP, 853, "192.0.2.1", "", true},
		{learn.UDP, 853, "192.0.2.1", "", true},
		{learn.TCP, 443, "1.1.1.1", "", true},
		{learn.UDP, 443, "2001:4860:4860::8888", "", true},
		{learn.TCP, 443, "192.0.2.1", "dns.quad9.net", true},
		{learn.TCP, 443, "192.0.2.1", "api.example.com", false},
		{learn.UDP, 53, "1.1.1.1", "", false},
		{learn.ICMP, 0, "1.1.1.1", "", false},
	} {
		f := learn.Flow{Proto: tt.proto, DstPort: tt.port, Dst: netip.MustParseAddr(tt.dst), Name: tt.name}
		if got := learn.EncryptedDNS(&f); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
}

func TestMemoryOfManyTalkativeClientsIsBounded(t *testing.T) {
	n := learn.NewNamer()
	for i := range 1_000_000 {
		addr := netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)})
		n.Note(fmt.Sprintf("client %d", i%900), &learn.Answer{Time: noon, Name: "a.example", TTL: time.Hour, Addrs: []netip.Addr{addr}})
	}
	if n.Size() > 1<<19+1<<14 {
		t.Errorf("%d addresses are remembered", n.Size())
	}
	f := flowAfter(time.Minute, "198.15.66.63") // the last one
	if n.Name(&f, fmt.Sprintf("client %d", 999_999%900)); f.Name != "a.example" {
		t.Errorf("got %q: the newest answer was forgotten", f.Name)
	}
}

func TestNamesOfDestinationsAreCountedByFlows(t *testing.T) {
	at := func(flows uint64, port uint16, name string, e learn.Evidence) learn.Destination {
		return learn.Destination{
			Target:   learn.Target{Service: learn.Service{Proto: learn.TCP, Port: port}, Addr: netip.MustParseAddr("192.0.2.1"), Name: name},
			Evidence: e, Flows: flows,
		}
	}
	got := learn.NamesOf([]learn.Destination{
		at(4, 443, "a.example", learn.SNI), at(3, 443, "b.example", learn.DNS), at(2, 853, "", learn.Unnamed), at(1, 443, "dns.google", learn.SNI),
	})
	want := learn.Names{Flows: 10, By: [6]uint64{learn.Unnamed: 2, learn.DNS: 3, learn.SNI: 5}, Encrypted: 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
