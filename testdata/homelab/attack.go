package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// A deed is one thing done from the agent's machine that the agent never did.
type deed struct {
	what  string
	after time.Duration // since the beginning of the second log
	to    netip.Addr
	service
}

var deeds = []deed{
	{"exfiltration to a rented machine", 10*time.Hour + 41*time.Minute + 17*time.Second, netip.MustParseAddr("203.0.113.77"), https},
	{"a reverse shell", 26*time.Hour + 3*time.Minute + 52*time.Second, netip.MustParseAddr("198.51.100.99"), service{tcp, 4444}},
	{"lateral movement to the next machine", 26*time.Hour + 19*time.Minute + 5*time.Second, netip.MustParseAddr("192.0.2.131"), ssh},
}

// attack hides the deeds in the log of the last days.
func (l *lab) attack(log *journal) {
	l.log = log
	for _, d := range deeds {
		l.connect(monday.AddDate(0, 0, weekDays).Add(d.after), bot, d.to, d.service)
	}
}

// answers says what is hidden in filter2.log, one deed a line.
func answers() string {
	var b strings.Builder
	for _, d := range deeds {
		at := monday.AddDate(0, 0, weekDays).Add(d.after)
		fmt.Fprintf(&b, "%s  %-13s  %-8s  %s\n", at.Format(time.DateTime), d.to, d.service, d.what)
	}
	return b.String()
}
