package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// mostAlarms is how many alarms of a trial a table has; JSON has all.
const mostAlarms = 50

// checkBacktest says whether the flags can be those of a back-test.
func (o *reviewOptions) checkBacktest() error {
	switch {
	case !o.replays:
		return nil
	case o.days < 1:
		return learn.WithHint(fmt.Errorf("--backtest=%d: want how many days to replay one by one", o.days), "tripline review --backtest=%d", lately)
	case o.format != "table" && o.format != "json":
		return fmt.Errorf("--backtest with --format %s: want table or json", learn.Printable(o.format))
	case o.decide.any() || o.row != "" || o.approve != "":
		return errors.New("--backtest only shows: decisions, --row and --approve come one after the other")
	}
	return nil
}

// showBacktest prints the back-tests of a review in full, and nothing else.
func (r *reviewed) showBacktest(a *app) error {
	for i, d := range r.drafts {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		if err := showTested(a, d); err != nil {
			return err
		}
	}
	return nil
}

func showTested(a *app, d *draft) error {
	t := d.tested
	if t.short != nil {
		fmt.Fprintf(a.stdout, "%s: %s%s\n", d.agent, t.short, t.gone())
	}
	if t.missed != nil {
		fmt.Fprintf(a.stdout, "%s: %s%s\n", d.agent, t.missed, t.gone())
	}
	if t.split != nil {
		fmt.Fprintf(a.stdout, "%s: %s%s\n", d.agent, t.split.sentence(), t.gone())
		fmt.Fprintf(a.stdout, "Learned:  %s: %s, %s\n", dates(t.split.Learned), rulesOf(t.split.of), opened(t.split.opens))
		fmt.Fprintf(a.stdout, "Replayed: %s\n", dates(t.split.Replayed))
		if err := showAlarms(a, d.agent, t.split); err != nil {
			return err
		}
		if err := showRolling(a, d.agent, t.rolling, t.split); err != nil {
			return err
		}
		if t.without > 0 {
			fmt.Fprintf(a.stdout, "The days before %s give no rules that keep the limits.\n", count(uint64(t.without), "other day", "other days"))
		}
	}
	if t.rules == nil {
		return nil
	}
	if t.short != nil || t.split != nil || t.missed != nil {
		fmt.Fprintln(a.stdout)
	}
	fmt.Fprintf(a.stdout, "%s: %s%s\n", d.agent, t.rules.lately(d), t.gone())
	return showAlarms(a, d.agent, t.rules)
}

func rulesOf(b *learn.Baseline) string { return count(uint64(len(b.Rules)), "rule", "rules") }

// dates says when a stretch was, as dates of days in UTC.
func dates(s learn.Stretch) string {
	first, last := s.From.Time(), (s.To - 1).Time()
	what := first.Format("2 Jan 2006")
	if to := last.Format("2 Jan 2006"); to != what {
		what += " to " + to
	}
	with := count(uint64(s.Hours), "hour", "hours")
	if days := int((s.To-1)/dayLong-s.From/dayLong) + 1; days > s.Days {
		with = fmt.Sprintf("%d of %d days have flows, ", s.Days, days) + with
	}
	return what + " (" + with + ")"
}

// showAlarms prints what trials would have raised, and how to admit it.
func showAlarms(a *app, agent string, trials ...*trial) error {
	g := &grid{header: []string{"first (UTC)", "destination", "port", "verdict", "hours", "owner", "opens", "to admit it"}, right: map[int]bool{4: true, 6: true}}
	all := 0
	for _, t := range trials {
		for _, x := range t.Alarms[:min(mostAlarms-len(g.rows), len(t.Alarms))] {
			g.rows = append(g.rows, t.alarmRow(&x, agent))
		}
		all += len(t.Alarms)
	}
	if all == 0 {
		return nil
	}
	g.dropEmpty("owner")
	gone := g.fit(width(a.stdout), "owner", "hours", "opens")
	fmt.Fprintln(a.stdout)
	if err := g.write(a.stdout); err != nil {
		return err
	}
	if len(gone) > 0 {
		fmt.Fprintf(a.stdout, "(A wider terminal also shows: %s.)\n", strings.Join(gone, ", "))
	}
	if more := all - len(g.rows); more > 0 {
		fmt.Fprintf(a.stdout, "And %s more: --format json has all.\n", ipranges.Thousands(uint64(more)))
	}
	return nil
}

func (t *trial) alarmRow(x *learn.Alarm, agent string) []string {
	e := t.policy.Explain(x.Flow(agent))
	to := x.Addr.String()
	if x.Name != "" {
		to = x.Name + " " + to
	}
	admit, opens := "nothing may", ""
	if e.Admit != nil {
		admit, opens = e.Admit.Command, ipranges.Exposure{V4: e.Admit.V4, V6: e.Admit.V6}.String()
	}
	return []string{
		x.First.Time().Format("2 Jan 15:04"), cut(to, 64), x.Service.String(), e.Verdict.String(),
		strconv.Itoa(x.Hours), cut(ownerOf(e.Owner), 24), opens, admit,
	}
}

// ownerOf says in one word whose address it is.
func ownerOf(o enforce.Owner) string {
	switch {
	case len(o.Labels) > 0:
		return o.Labels[0]
	case o.ASN != 0:
		return "AS" + strconv.FormatUint(uint64(o.ASN), 10) + " " + o.Org
	}
	return ""
}

// showRolling prints a row for each day that was replayed on its own, and the
// alarms that were not shown yet.
func showRolling(a *app, agent string, list []*trial, shown *trial) error {
	if len(list) == 0 {
		return nil
	}
	g := &grid{header: []string{"replayed", "learned on", "rules", "admits", "hours", "destinations", "alarms"}, right: map[int]bool{2: true, 3: true, 4: true, 5: true, 6: true}}
	var sum, hours int
	for _, t := range list {
		sum, hours = sum+len(t.Alarms), hours+t.Replayed.Hours
		g.rows = append(g.rows, []string{
			t.Replayed.From.Time().Format("Mon 2 Jan"), count(uint64(t.Learned.Days), "day", "days"),
			strconv.Itoa(len(t.of.Rules)), t.opens.String(), strconv.Itoa(t.Replayed.Hours), strconv.Itoa(t.Destinations), strconv.Itoa(len(t.Alarms)),
		})
	}
	fmt.Fprintf(a.stdout, "\nThe last %s one by one, each learned on the days before it: %s alarms a day.\n", count(uint64(len(list)), "day", "days"), rate(float64(sum)*float64(dayLong)/float64(hours)))
	if err := g.write(a.stdout); err != nil {
		return err
	}
	return showAlarms(a, agent, others(list, shown)...)
}

// others are the trials without the alarms that were shown for another one.
func others(list []*trial, shown *trial) []*trial {
	known := map[learn.Target]bool{}
	for i := range shown.Alarms {
		known[shown.Alarms[i].Target] = true
	}
	out := make([]*trial, len(list))
	for i, t := range list {
		left := *t
		left.Alarms = slices.DeleteFunc(slices.Clone(t.Alarms), func(x learn.Alarm) bool { return known[x.Target] })
		out[i] = &left
	}
	return out
}
