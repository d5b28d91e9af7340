package learn_test

import (
	"net/netip"
	"testing"
	"time"

	"tripline/learn"
)

var web = learn.Service{Proto: learn.TCP, Port: 443}

// monday is when the observations of these tests begin.
var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// seen returns a destination first seen some hours after monday, and last seen
// at the end of the week.
func seen(s learn.Service, addr string, hours int) learn.Destination {
	d := learn.Destination{Target: learn.Target{Service: s, Addr: netip.MustParseAddr(addr)}}
	first := monday.Add(time.Duration(hours) * time.Hour)
	for t := first; t.Before(monday.Add(7 * 24 * time.Hour)); t = t.Add(17 * time.Hour) {
		d.Add(&learn.Flow{Time: t}, "week")
	}
	return d
}

func TestFoldOfNothing(t *testing.T) {
	if got := learn.Fold(nil, learn.FoldOptions{}); len(got) != 0 {
		t.Errorf("got %v, want no rules", got)
	}
}

func TestFoldWithoutRanges(t *testing.T) {
	ds := []learn.Destination{seen(web, "192.0.2.7", 1), seen(web, "2001:db8::7", 1)}
	got := learn.Fold(ds, learn.FoldOptions{})
	if len(got) != 2 || got[0].To.String() != "192.0.2.7" || got[1].To.String() != "2001:db8::7" {
		t.Errorf("got %v, want the two hosts", got)
	}
}
