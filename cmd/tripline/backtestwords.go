package main

import (
	"fmt"
	"strconv"

	"tripline/ipranges"
	"tripline/learn"
)

// lines are what a review says of the back-test of a draft.
func (d *draft) lines() []string {
	t := d.tested
	if t == nil {
		return nil
	}
	var out []string
	switch {
	case t.short != nil && (d.pending() || t.rules == nil):
		out = append(out, t.short.Error()+t.gone())
	case t.missed != nil && (d.pending() || t.rules == nil):
		out = append(out, t.missed.Error()+t.gone())
	case t.split != nil && (d.pending() || t.rules == nil):
		out = append(out, t.split.sentence()+t.gone())
	}
	if t.rules != nil {
		out = append(out, t.rules.lately(d)+t.gone())
	}
	return out
}

func (t *tested) gone() string {
	if t.pruned {
		return "; older flows were dropped"
	}
	return ""
}

// sentence says what rules that were learned on some days would have raised on
// others.
func (t *trial) sentence() string {
	first, last := t.Learned.Days+1, t.Learned.Days+t.Replayed.Days
	return fmt.Sprintf("learned on %s, %s would have raised %s", spell(1, t.Learned.Days), spell(first, last), t.raised())
}

// raised says how many alarms there would have been, and of how much.
func (t *trial) raised() string {
	of := count(uint64(t.Destinations), "destination", "destinations")
	if len(t.Alarms) == 0 {
		return "no alarm (" + of + ")"
	}
	return fmt.Sprintf("%s alarms a day (%s of %s)", rate(t.PerDay()), ipranges.Thousands(uint64(len(t.Alarms))), of)
}

// lately says what rules would have raised on the last days.
func (t *trial) lately(d *draft) string {
	what, it := "these rules", "they were"
	if t.of == d.approved {
		what, it = "baseline "+t.of.Digest[:12], "it was"
	}
	if t.Replayed.Days == 0 {
		return what + " cannot be tried: no flow is recorded that could be replayed"
	}
	text := fmt.Sprintf("over the last %s %s would have raised %s", span(t.Replayed), what, alarms(len(t.Alarms), t.Destinations))
	switch seen := t.Replayed.Days - t.unseen; {
	case t.unseen == 0:
		text += "; " + it + " learned from all of them"
	case seen > 0:
		text += fmt.Sprintf("; %s learned from %d of them", it, seen)
	}
	return text
}

func alarms(n, of int) string {
	text := count(uint64(of), "destination", "destinations")
	if n == 0 {
		return "no alarm (" + text + ")"
	}
	return fmt.Sprintf("%s (of %s)", count(uint64(n), "alarm", "alarms"), text)
}

// spell names days by their number.
func spell(first, last int) string {
	if first >= last {
		return "day " + strconv.Itoa(first)
	}
	return fmt.Sprintf("days %d-%d", first, last)
}

// span says how long a stretch is, from its beginning to its end.
func span(s learn.Stretch) string {
	hours := uint64(s.To - s.From)
	if hours < 2*uint64(dayLong) {
		return count(hours, "hour", "hours")
	}
	return count((hours+uint64(dayLong)/2)/uint64(dayLong), "day", "days")
}

// rate writes alarms a day with the digits that matter.
func rate(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < 0.1:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case x < 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}
