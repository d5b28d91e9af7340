package main

import (
	"fmt"
	"slices"
	"strconv"

	"tripline/learn"
)

// shown returns the forecasts that are shown: in runs, if that was asked for.
func (o *outlook) shown() []*learn.Forecast {
	if o.runs != nil {
		return o.runs
	}
	return o.levels
}

// told returns the forecasts that say something of their own: without names the
// level of names does not.
func (o *outlook) told() []*learn.Forecast {
	if o.named() {
		return o.shown()
	}
	return slices.DeleteFunc(slices.Clone(o.shown()), func(f *learn.Forecast) bool { return f.Level == learn.ByName })
}

// table prints what is still unseen, for people.
func (o *forecastOptions) table(a *app, r *reviewed) error {
	for i, d := range r.drafts {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		if err := o.agent(a, d); err != nil {
			return err
		}
	}
	return nil
}

func (o *forecastOptions) agent(a *app, d *draft) error {
	list := d.outlook.shown()
	fmt.Fprintf(a.stdout, "%s: %s\n", d.agent, observation(d.outlook))
	if f := list[0]; f.Instead != "" {
		fmt.Fprintf(a.stdout, "Still unseen: %s.\n", instead(f))
	} else {
		fmt.Fprintln(a.stdout)
		if err := levelGrid(d.outlook.told()).write(a.stdout); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout)
		words(a, list)
	}
	if text := d.outlook.notYet(); text != "" {
		fmt.Fprintf(a.stdout, "Not yet observed: %s.\n", text)
	}
	if o.full && len(d.outlook.scope) > 0 {
		fmt.Fprintln(a.stdout)
		if err := checkGrid(d.outlook).write(a.stdout); err != nil {
			return err
		}
	}
	d.outlook.after(a, d)
	return o.pastTable(a, d.outlook)
}

// levelGrid is a row for each level.
func levelGrid(list []*learn.Forecast) *grid {
	g := &grid{header: []string{"new", "unit", "known", "once"}, right: map[int]bool{2: true, 3: true}}
	for _, a := range list[0].Ahead {
		name := within(a.Hours)
		if a.Hours == 0 {
			name = "next " + count(uint64(a.Units), "run", "runs")
		}
		g.header = append(g.header, name)
	}
	g.header = append(g.header, "chance in a unit")
	for _, f := range list {
		row := []string{string(f.Level), unitWord(f), strconv.Itoa(f.Keys), strconv.Itoa(f.Once)}
		for i := range f.Ahead {
			row = append(row, aheadCell(&f.Ahead[i]))
		}
		g.rows = append(g.rows, append(row, chance(f.Chance)+", at most "+chance(f.AtMost)))
	}
	return g
}

func aheadCell(a *learn.Ahead) string {
	switch {
	case a.More == 0:
		return fmt.Sprintf("%s, at most %d", decimal(a.Expected), a.AtMost)
	case a.Hours == 0:
		return fmt.Sprintf("observe %d more", a.More)
	}
	return "observe " + duration(a.More) + " more"
}

// checkGrid is the whole checklist.
func checkGrid(o *outlook) *grid {
	g := &grid{header: []string{"what", "which", "seen"}, right: map[int]bool{2: true}}
	for _, c := range o.checks {
		name := c.Name
		if c.Kind == "hour" {
			name += " " + o.zone.String()
		}
		seen := strconv.Itoa(c.Seen)
		if c.Seen == 0 && c.Likely > 0 {
			seen = fmt.Sprintf("likely %d", c.Likely)
		}
		g.rows = append(g.rows, []string{c.Kind, name, seen})
	}
	return g
}

// after says what came since the baseline was approved.
func (o *outlook) after(a *app, d *draft) {
	n := o.since
	if n == nil || n.Units == 0 {
		return
	}
	l := o.approved
	verdict := "as foretold"
	if n.Stale {
		verdict = "STALE: more than was foretold; the agent's work has changed. Look at it again: tripline review"
	}
	fmt.Fprintf(a.stdout, "Baseline:     %s was approved on what was seen until %s UTC. Since then %d of %s brought something it does not admit, at most %s were foretold: %s.\n",
		d.approved.Digest[:12], l.until.Format(clockForm), n.New, stretches(n.Units, &learn.Forecast{Hours: o.unit}), chance(n.Bound), verdict)
}

// latest is how many figures of the past are shown unless all are asked for.
const latest = 12

// pastTable prints what became of earlier forecasts, the newest last.
func (o *forecastOptions) pastTable(a *app, x *outlook) error {
	past := slices.DeleteFunc(slices.Clone(x.past), func(p scored) bool { return p.until.Equal(x.levels[0].Until) })
	if len(past) == 0 {
		return nil
	}
	if !o.full {
		past = past[max(0, len(past)-latest):]
	}
	g := &grid{header: []string{"observed to", "within", "new", "expected", "at most", "came", ""}, right: map[int]bool{3: true, 4: true, 5: true}}
	for i := range past {
		g.rows = append(g.rows, past[i].cells())
	}
	fmt.Fprintln(a.stdout, "\nForetold before:")
	return g.write(a.stdout)
}

func (x *scored) cells() []string {
	came := strconv.Itoa(x.came)
	if x.state == forgotten {
		came = ""
	}
	return []string{
		x.until.Format(clockForm), duration(x.ahead.Hours), string(x.level),
		decimal(*x.ahead.Expected), strconv.Itoa(*x.ahead.AtMost), came, x.state,
	}
}
