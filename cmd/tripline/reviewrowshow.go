package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
)

// lines is an open row for people, no line with anything that is not printable.
func (x *openRow) lines() []string {
	var out []string
	say := func(head, format string, args ...any) {
		out = append(out, strings.TrimRight(fmt.Sprintf("%-10s", head)+learn.Printable(fmt.Sprintf(format, args...)), " "))
	}
	mark := x.Mark
	if mark == "=" {
		mark = "stays"
	}
	say("Row:", "%d of %s, %s  %s  %s", x.Row, x.Digest[:12], mark, x.To, strings.Join(x.Ports, " "))
	say("Agent:", "%s", x.Agent)
	if x.Owner != "" {
		say("Owner:", "%s", x.Owner)
	}
	say("Opens:", "%s for %s seen", opened(x.exposure), ipranges.Thousands(uint64(x.Seen)))
	if x.Before != nil {
		say("", "it was %s", opened(ipranges.Exposure{V4: x.Before.V4, V6: x.Before.V6}))
	}
	if len(x.Flags) > 0 {
		say("Flags:", "%s", strings.Join(x.Flags, ", "))
	}
	for _, text := range x.Decisions {
		say("Decided:", "%s", text)
	}
	x.times(say)
	for i, in := range x.Inside {
		say(first(i, "Admits:"), "%s", in.words())
	}
	if len(x.Near) > 0 {
		say("Near it:", "%s", strings.Join(x.Near, ", "))
	}
	out = append(out, x.table()...)
	return append(out, x.choices()...)
}

func first(i int, head string) string {
	if i == 0 {
		return head
	}
	return ""
}

func (in *insideJSON) words() string {
	text := in.Of
	if in.Admits != (admits{}) {
		text = opened(ipranges.Exposure{V4: in.Admits.V4, V6: in.Admits.V6}) + " of " + in.Of
	}
	if in.Because != "" {
		text += ": " + in.Because
	}
	return text
}

func (x *openRow) times(say func(head, format string, args ...any)) {
	if len(x.Destinations) == 0 {
		say("Seen:", "never; a person wrote it, or its flows were pruned")
		return
	}
	say("Seen:", "%s to %s, in %s and %s", x.First, x.Last, count(uint64(x.Blocks), "hour", "hours"), count(uint64(len(x.RunNames)), "run", "runs"))
	var strip strings.Builder
	for _, n := range x.Hours {
		strip.WriteByte(" .:#"[min(3, n)])
	}
	say("By hour:", "|%s| 0 to 23 UTC: . one block of time, : two, # more", strip.String())
	runs := x.RunNames
	if len(runs) > most {
		runs = append(slices.Clone(runs[:most]), fmt.Sprintf("and %d more", len(x.RunNames)-most))
	}
	say("Runs:", "%s", strings.Join(runs, ", "))
	for i := range x.Marks {
		say(first(i, "Marks:"), "%s", x.Marks[i].words(len(x.Destinations)))
	}
	if x.Up+x.Down > 0 {
		say("Bytes:", "%s up, %s down", ipranges.Thousands(x.Up), ipranges.Thousands(x.Down))
	}
}

// shownDestinations is how many are listed; JSON has them all.
const shownDestinations = 20

// table lists the destinations.
func (x *openRow) table() []string {
	if len(x.Destinations) == 0 {
		return nil
	}
	g := &grid{header: []string{"address", "name", "evidence", "port", "owner", "flows", "refused", "first", "last", "hours"}, right: map[int]bool{5: true, 6: true, 9: true}}
	for _, d := range x.Destinations[:min(shownDestinations, len(x.Destinations))] {
		refused := ""
		if d.Refused > 0 {
			refused = strconv.FormatUint(d.Refused, 10)
		}
		g.rows = append(g.rows, []string{
			d.where(), d.Name, d.Evidence, d.Port, cut(d.Owner, 32), strconv.FormatUint(d.Flows, 10), refused,
			d.First.Format("2 Jan 15:04"), d.Last.Format("2 Jan 15:04"), strconv.Itoa(d.Blocks),
		})
	}
	for _, name := range []string{"name", "evidence", "owner", "refused"} {
		g.dropEmpty(name)
	}
	out := append([]string{""}, g.lines()...)
	if n := len(x.Destinations) - shownDestinations; n > 0 {
		out = append(out, fmt.Sprintf("and %d more; --format json has them", n))
	}
	return out
}

// where is the address of a destination, or that nobody looked it up.
func (d *destinationJSON) where() string {
	if a, err := netip.ParseAddr(d.Address); err == nil && learn.IsStandIn(a) {
		return "not looked up"
	}
	return d.Address
}

// choices lists what is narrower and wider, with the command for each.
func (x *openRow) choices() []string {
	if len(x.Alternatives) == 0 {
		return nil
	}
	g := &grid{header: []string{"", "instead", "rules", "admits", "alarms a week", "command"}, right: map[int]bool{2: true, 3: true, 4: true}}
	for _, alt := range x.Alternatives {
		way, alarms := "narrower", "too early"
		if alt.Wider {
			way = "wider"
		}
		if alt.Alarms != nil {
			alarms = strconv.FormatFloat(*alt.Alarms, 'f', 1, 64)
		}
		g.rows = append(g.rows, []string{
			way, alt.To, strconv.Itoa(alt.Rules), ipranges.Exposure{V4: alt.Admits.V4, V6: alt.Admits.V6}.String(), alarms, alt.Command,
		})
	}
	return append([]string{""}, g.lines()...)
}

// lines draws the grid.
func (g *grid) lines() []string {
	var text strings.Builder
	if err := g.write(&text); err != nil {
		return nil // a buffer takes everything
	}
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
}
