package enforce_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// lone is a connection of bot at noon that the firewall did not tell of.
func lone() (learn.Flow, enforce.Side) {
	f := learn.Flow{
		Time: noon, Agent: "bot", Proto: learn.TCP, Src: netip.MustParseAddr("192.0.2.50"), SrcPort: 50001,
		Dst: netip.MustParseAddr("203.0.113.66"), DstPort: 443,
	}
	return f, enforce.Side{
		Source: "filterlog", By: []string{"capture"}, Host: 100, Alike: 90, Service: 80,
		From: noon.Add(-time.Hour), To: noon.Add(time.Minute), Follow: true,
	}
}

func TestAnotherWayOutIsFound(t *testing.T) {
	var o enforce.OneSided
	f, s := lone()
	al := o.Observe(&f, &s)
	if al == nil || al.Kind != enforce.OneSide || al.Severity != enforce.High || al.Subject != "203.0.113.66:443" || al.MissedBy != "filterlog" || al.SeenBy[0] != "capture" {
		t.Fatalf("got %+v", al)
	}
	if want := "seen by capture and not by filterlog, which told of 80 connections of this host to tcp/443: another way out"; al.Why != want {
		t.Errorf("got %q, want %q", al.Why, want)
	}
}

// What proves nothing is no finding, and is counted.
func TestOneSideProvesNothing(t *testing.T) {
	for _, c := range []struct {
		why    string
		change func(*learn.Flow, *enforce.Side)
	}{
		{"never told of", func(_ *learn.Flow, s *enforce.Side) { s.Host, s.Alike, s.Service = 0, 0, 0 }},
		{"hardly ever", func(_ *learn.Flow, s *enforce.Side) { s.Alike, s.Service = 2, 2 }},
		{"let through", func(f *learn.Flow, s *enforce.Side) { f.Action, s.Passed = learn.Refused, true }},
		{"lost records", func(_ *learn.Flow, s *enforce.Side) { s.Lossy = true }},
		{"before the other source began", func(_ *learn.Flow, s *enforce.Side) { s.From = noon.Add(time.Second) }},
		{"after the other source ended", func(_ *learn.Flow, s *enforce.Side) { s.To, s.Follow = noon.Add(-time.Second), false }},
		{"newest record", func(_ *learn.Flow, s *enforce.Side) { s.To = noon.Add(-time.Minute) }},
	} {
		var o enforce.OneSided
		f, s := lone()
		c.change(&f, &s)
		if al := o.Observe(&f, &s); al != nil {
			t.Errorf("%s: got %q, want no finding", c.why, al.Why)
		}
		for why, n := range o.Aside {
			if n != 1 || !strings.Contains(why, c.why) {
				t.Errorf("%s: got %d %q", c.why, n, why)
			}
		}
		if len(o.Aside) != 1 {
			t.Errorf("%s: it is not counted", c.why)
		}
	}
}

func TestAPortThatASourceNeverToldOfMattersLess(t *testing.T) {
	var o enforce.OneSided
	f, s := lone()
	s.Service = 0
	if al := o.Observe(&f, &s); al == nil || al.Severity != enforce.Medium || !strings.Contains(al.Why, "does not look at that port") {
		t.Errorf("got %+v", al)
	}
}

func TestAConnectionThatMayLastMattersLess(t *testing.T) {
	var o enforce.OneSided
	f, s := lone()
	s.Lasting = true
	if al := o.Observe(&f, &s); al == nil || al.Severity != enforce.Medium || !strings.HasSuffix(al.Why, "another way out, or it still lasts: that is told of when it has ended") {
		t.Errorf("got %+v", al)
	}
}

func TestASourceThatFellSilentIsSaid(t *testing.T) {
	var o enforce.OneSided
	f, s := lone()
	s.To = noon.Add(-time.Hour / 2)
	if al := o.Observe(&f, &s); al == nil || al.Subject != "filterlog" || al.Severity != enforce.Medium || !strings.Contains(al.Why, "has said nothing since 2026-03-02 11:30:00") {
		t.Errorf("got %+v", al)
	}
}
