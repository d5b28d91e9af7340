package main

import (
	"net/netip"
	"testing"

	"tripline/learn"
	"tripline/learn/source"
)

// Whose executable was named and not seen is told which were; who is found by address
// as well, which addresses were.
func TestNothingOfAProgramNamesThoseThatWere(t *testing.T) {
	tally := newTally()
	tally.src = source.Source{Name: "host", Sees: source.Sees{Process: true}}
	for _, exe := range []string{"/usr/bin/curl", "/usr/bin/python3.11", "/usr/bin/curl", "/opt/a\x1b[2J"} {
		f := learn.Flow{Src: netip.MustParseAddr("192.0.2.10"), Process: &learn.Process{Exe: exe}}
		tally.record(&source.Record{Flow: f, Counted: true, Why: source.Outbound})
		tally.claim(&f)
	}
	for agent, want := range map[string][2]string{
		"bot=exe:/usr/bin/python3": {
			"host has 4 outbound connections, but none of bot=exe:/usr/bin/python3: they are of /usr/bin/curl (2), /opt/a\\x1b[2J (1), /usr/bin/python3.11 (1)",
			"name the executable as the kernel does: --agent NAME=exe:/usr/bin/curl",
		},
		"bot=exe:/usr/bin/python3,192.0.2.9": {
			"host has 4 outbound connections, but none of bot=exe:/usr/bin/python3,192.0.2.9: they are of 192.0.2.10 (4)",
			"check the address of the agent, and that its connections are seen: " + tally.speaks().How,
		},
	} {
		a, err := learn.ParseAgent(agent)
		if err != nil {
			t.Fatal(err)
		}
		err = tally.errNothing("host", []learn.Agent{a})
		if err == nil || err.Error() != want[0] || learn.HintOf(err) != want[1] {
			t.Errorf("got %v\n%s\nwant %s\n%s", err, learn.HintOf(err), want[0], want[1])
		}
	}
}
