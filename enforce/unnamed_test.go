package enforce_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A day is what an agent and others do on it, and what is found.
type day struct {
	asking  enforce.Asking
	at      time.Time
	flows   int
	found   []*enforce.Alert
	vouched bool
}

// asks lets an agent be answered and connect there; it is "" for others, who only
// ask.
func (d *day) asks(agent string, times int) {
	for range times {
		d.at = d.at.Add(time.Minute)
		d.asking.Answer(agent, d.at)
		if agent != "" {
			d.goes(agent, 1, true, "")
		}
	}
}

// goes lets an agent connect to addresses that are new each time.
func (d *day) goes(agent string, times int, resolved bool, name string) {
	for range times {
		d.flows++
		d.at = d.at.Add(time.Second)
		d.to(agent, netip.AddrFrom4([4]byte{198, 51, 100, byte(d.flows)}), resolved, name)
	}
}

func (d *day) to(agent string, dst netip.Addr, resolved bool, name string) {
	f := learn.Flow{Time: d.at, Agent: agent, Proto: learn.TCP, DstPort: 443, Dst: dst, Resolved: resolved, Name: name}
	if al := d.asking.Flow(&f, d.vouched); al != nil {
		d.found = append(d.found, al)
	}
}

func TestAnAgentThatStopsAskingIsFound(t *testing.T) {
	d := &day{at: noon}
	d.asks("bot", 10)
	d.asks("", 20)
	d.goes("bot", 12, false, "")
	if len(d.found) != 3 {
		t.Fatalf("got %d findings, want one for each flow from the tenth on", len(d.found))
	}
	al := d.found[0]
	if al.Kind != enforce.Unnamed || al.Severity != enforce.Medium || al.Agent != "bot" || al.Subject != "DNS" {
		t.Errorf("got %+v", al)
	}
	if want := "10 connections to 10 addresses since 2026-03-02 12:10:09 that no answer of DNS led to: none was given to the agent, and others got 20."; !strings.HasPrefix(al.Why, want) {
		t.Errorf("got %q, want %q...", al.Why, want)
	}
	d.asks("bot", 1)
	before := len(d.found)
	if d.goes("bot", 9, false, ""); len(d.found) != before {
		t.Error("it asks again, and is found still")
	}
}

func TestEncryptedDNSMakesItWorse(t *testing.T) {
	d := &day{at: noon}
	d.asks("bot", 10)
	d.asks("", 20)
	d.to("bot", netip.MustParseAddr("1.1.1.1"), false, "")
	d.goes("bot", 10, false, "www.example.com")
	if len(d.found) != 1 || d.found[0].Severity != enforce.High || !strings.HasSuffix(d.found[0].Why, "; 10 of them say a name themselves; 1 connection may be encrypted DNS") {
		t.Errorf("got %+v", d.found)
	}
}

// What looks alike is not found.
func TestStoppedAskingIsNotFoundWhere(t *testing.T) {
	for what, do := range map[string]func(*day){
		"nothing happened": func(*day) {},
		"too few connections": func(d *day) {
			d.asks("bot", 10)
			d.asks("", 20)
			d.goes("bot", 9, false, "")
		},
		"too few addresses": func(d *day) {
			d.asks("bot", 10)
			d.asks("", 20)
			for range 100 {
				d.to("bot", netip.MustParseAddr("203.0.113.9"), false, "")
				d.to("bot", netip.MustParseAddr("203.0.113.10"), false, "")
			}
		},
		"it was never seen to ask": func(d *day) {
			d.asks("", 20)
			d.goes("bot", 100, false, "")
		},
		"the baseline admits the addresses": func(d *day) {
			d.asks("bot", 10)
			d.asks("", 20)
			d.vouched = true
			d.goes("bot", 100, false, "")
		},
		"the addresses were learned": func(d *day) {
			d.asks("bot", 10)
			d.asks("", 20)
			for i := range 100 {
				a := netip.AddrFrom4([4]byte{203, 0, 113, byte(i)})
				d.asking.Knew("bot", a, 0)
				d.to("bot", a, false, "")
			}
		},
		"the source of answers is silent for all": func(d *day) {
			d.asks("bot", 10)
			d.at = d.at.Add(time.Hour)
			d.goes("bot", 100, false, "")
		},
		"the source of answers fell silent before": func(d *day) {
			d.asks("bot", 10)
			d.asks("", 20)
			d.at = d.at.Add(time.Hour)
			d.goes("bot", 100, false, "")
		},
		"it was answered a moment ago": func(d *day) {
			d.asks("", 20)
			d.asks("bot", 10)
			for range 10 {
				d.asking.Answer("", d.at)
			}
			d.goes("bot", 100, false, "")
		},
		"DNS led it there": func(d *day) {
			d.asks("bot", 10)
			d.asks("", 20)
			d.goes("bot", 100, true, "")
		},
	} {
		d := &day{at: noon}
		do(d)
		if len(d.found) > 0 {
			t.Errorf("%s: found %q", what, d.found[0].Why)
		}
	}
}

// After a restart, what was learned says that the agent used to ask.
func TestWhatWasLearnedTellsThatItAsked(t *testing.T) {
	d := &day{at: noon}
	d.asking.Knew("bot", netip.MustParseAddr("203.0.113.7"), 50)
	d.goes("bot", 1, false, "")
	d.asks("", 20)
	d.goes("bot", 9, false, "")
	if len(d.found) != 1 {
		t.Errorf("got %d findings, want 1", len(d.found))
	}
}

func TestAskingIsBounded(t *testing.T) {
	d := &day{at: noon}
	d.asks("bot", 10)
	for i := range 1 << 16 {
		d.to("bot", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), i%2 == 0, "")
	}
	if n := testing.AllocsPerRun(100, func() { d.to("bot", netip.MustParseAddr("10.200.0.1"), true, "") }); n > 1 {
		t.Errorf("one more flow allocates %v times", n)
	}
}
