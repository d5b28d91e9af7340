package main

import (
	"strings"
	"testing"
)

// TestNarrowTerminalsShorten what can be: neither addresses nor figures below a
// million.
func TestNarrowTerminalsShorten(t *testing.T) {
	g := &grid{header: []string{"destination", "admits"}, rows: [][]string{
		{"azure/AzureActiveDirectory.ServiceEndpoint/centralfrance", "5,464,096 + 1,331,430,400 /64 (was 999,999)"},
		{"2001:db8:1111:2222:3333:4444:5555:6666", "1"},
	}}
	g.shrink(200, "destination", 24, middle)
	if strings.Contains(g.rows[0][0], "…") {
		t.Errorf("%q was cut, there is room", g.rows[0][0])
	}
	g.shrink(80, "admits", 0, rounded)
	g.shrink(60, "destination", 24, middle)
	if got := firstWords("tcp/53 tcp/88 udp/53", 14); got != "tcp/53 +2" {
		t.Errorf("got %q of three ports", got)
	}
	for i, want := range [][2]string{
		{"azure/Azu…point/centralfrance", "5.5M + 1.3G /64 (was 999,999)"}, {"2001:db8:1111:2222:3333:4444:5555:6666", "1"},
	} {
		if got := [2]string(g.rows[i]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
