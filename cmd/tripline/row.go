package main

import (
	"cmp"
	"slices"
	"strings"

	"tripline/learn"
)

// flagAgain is of a row that admits what a person rejected before.
const flagAgain = "rejected before"

// decided notes what a person decided of a row in this review or an earlier one.
func (x *row) decided(d *draft, r *reviewed) {
	for i := range d.decisions {
		if d.decisions[i].Verb == learn.Accept && d.decisions[i].Of(x.rule) {
			x.Decision = string(learn.Accept)
			x.Flags = append(x.Flags, "accepted")
			return
		}
	}
	if x.Mark != "=" && x.Mark != string(learn.Removed) && len(d.again) > 0 && len(learn.Members(x.rule, d.again, r.space)) > 0 {
		x.Flags = slices.Insert(x.Flags, 0, flagAgain)
	}
}

// rejectedRows returns a row for each rule that was rejected, or is never to be
// admitted.
func (r *reviewed) rejectedRows(d *draft) []row {
	var out []row
	for i := range d.decisions {
		x := &d.decisions[i]
		if x.Verb != learn.Reject && x.Verb != learn.Forbid {
			continue
		}
		rule := &learn.Rule{To: x.To, Ports: x.Ports, Addrs: x.Addrs, From: learn.Learned}
		set, err := x.To.Set(r.space, x.Addrs)
		if err == nil {
			rule.Admits = set.Exposure()
		}
		rule.Seen.Destinations = len(learn.Members(rule, slices.Concat(d.rejected, d.left.Forbidden), r.space))
		row := r.row(&learn.Change{Mark: markRejected, Agent: d.agent, New: rule})
		row.Decision = string(x.Verb)
		row.Flags = []string{past(x.Verb) + " by " + learn.Printable(x.By) + " on " + day(x.At)}
		out = append(out, row)
	}
	return out
}

// past is a decision as a row has it.
func past(v learn.Verb) string {
	if v == learn.Reject {
		return "rejected"
	}
	return string(v)
}

// markOrder is the order of rows: what is new or changed, what would go, what
// stays, what was rejected. What a person accepted comes last of its kind.
var markOrder = map[string]int{"+": 0, "~": 0, "-": 1, "=": 2, markRejected: 3}

// attention orders rows by what deserves it: those with warnings, the rejected
// ones first of all, then by addresses admitted for each that was seen, then the
// newest.
func attention(a, b row) int {
	return cmp.Or(
		cmp.Compare(markOrder[a.Mark], markOrder[b.Mark]),
		cmp.Compare(len(a.Decision), len(b.Decision)),
		cmp.Compare(b.warnings(), a.warnings()),
		cmp.Compare(b.openness(), a.openness()),
		cmp.Compare(b.First, a.First),
		cmp.Compare(a.Agent, b.Agent),
		byDestination(a, b),
	)
}

// warnings weighs the flags of a row.
func (x *row) warnings() int {
	sum := 0
	for _, flag := range x.Flags {
		switch flag {
		case flagAgain:
			sum += 100
		case "shared", "wide":
			sum += 10
		case "raw address", "unusual port", "once", flagsAround[learn.OtherResolver], flagsAround[learn.HiddenDNS]:
			sum++
		}
	}
	return sum
}

// openness is how many addresses are admitted for each that was seen.
func (x *row) openness() float64 { return float64(x.exposure.Total()) / float64(max(1, x.Seen)) }

func byDestination(a, b row) int {
	return cmp.Or(a.rule.To.Prefix.Compare(b.rule.To.Prefix), cmp.Compare(a.To, b.To),
		slices.CompareFunc(a.Ports, b.Ports, strings.Compare))
}

// orders are the orders that --sort knows. Numbers stay with their rows.
var orders = map[string]func(a, b row) int{
	"attention":   func(a, b row) int { return cmp.Compare(a.Row, b.Row) },
	"destination": func(a, b row) int { return cmp.Or(cmp.Compare(a.Agent, b.Agent), byDestination(a, b)) },
	"admits":      func(a, b row) int { return cmp.Compare(b.exposure.Total(), a.exposure.Total()) },
}
