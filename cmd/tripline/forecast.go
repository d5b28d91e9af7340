package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

type forecastOptions struct {
	agents []string
	unit   string
	format string
	full   bool
}

func newForecastCommand(a *app) *cobra.Command {
	var o forecastOptions
	c := &cobra.Command{
		Use:   "forecast",
		Short: "Tell what is still unseen, and how earlier forecasts did",
		Long: `forecast says how many new destinations are to be expected of each agent in the next
day and week, with a bound that holds in 95 % of cases; what had no chance to be seen
yet, such as a Sunday or a restart; and what came after earlier forecasts. It counts
hours in which the agent was active (or runs), never connections. Each line counts
something else as new: a destination (protocol, port, address and name), a name, or
what no rule of the proposal admits.

Every review and every forecast is kept and compared with what was learned later.
Where more came that an approved baseline does not admit than was foretold for it,
the baseline is stale: the agent's work has changed.

Exit status:
  0  printed
  1  a baseline is stale
  2  it could not be told; standard error says why`,
		Example: `  tripline forecast
  tripline forecast --agent bot --format json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run(a) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.agents, "agent", nil, "only the agent `NAME`; repeatable")
	f.StringVar(&o.unit, "unit", "hour", "`UNIT` of observation: hour, or run where runs are alike")
	f.StringVar(&o.format, "format", "table", "`FORMAT` of what is shown: table or json")
	f.BoolVar(&o.full, "all", false, "also what was seen of the checklist, and all earlier forecasts")
	return c
}

func (o *forecastOptions) run(a *app) error {
	if o.unit != "hour" && o.unit != "run" {
		return fmt.Errorf("--unit %q: want hour or run", learn.Printable(o.unit))
	}
	if o.format != "table" && o.format != "json" {
		return fmt.Errorf("--format %q: want table or json", learn.Printable(o.format))
	}
	var r *reviewed
	err := a.read(func(s *store.Store) (err error) {
		if r, err = a.fold(s, foldFlags{Agents: o.agents}); err != nil {
			return err
		}
		if err = a.foretell(s, r); err == nil {
			err = o.more(s, r)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := a.remember(r); err != nil {
		a.warn("this forecast cannot be compared with what comes: %v", err)
	}
	return o.show(a, r)
}

// more adds to what a review says: another unit, and what became of earlier
// forecasts.
func (o *forecastOptions) more(s *store.Store, r *reviewed) error {
	for _, d := range r.drafts {
		if err := d.outlook.score(s, r, d); err != nil {
			return err
		}
		if o.unit == "run" {
			if err := d.outlook.byRun(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *forecastOptions) show(a *app, r *reviewed) error {
	show := o.table
	if o.format == "json" {
		show = o.json
	}
	if err := show(a, r); err != nil {
		return err
	}
	if slices.ContainsFunc(r.drafts, func(d *draft) bool { return d.outlook.since != nil && d.outlook.since.Stale }) {
		return errFound
	}
	return nil
}

// An outlook is what is foretold of an agent, and what was.
type outlook struct {
	levels   []*learn.Forecast // by destination, name and rule, in hours
	runs     []*learn.Forecast // the same in runs, if asked for
	scope    []learn.Destination
	rule     func(*learn.Destination) string
	checks   []learn.Opportunity
	zone     *time.Location
	past     []scored
	since    *learn.Novelty // after the baseline was approved, nil if nothing was foretold then
	approved keptForecast   // with since: what was foretold when it was approved
	unit     int            // with since: hours in a unit
}

// foretell makes the outlook of every draft that was folded.
func (a *app) foretell(s *store.Store, r *reviewed) error {
	for _, d := range r.drafts {
		if r.kind != kindLearned {
			continue
		}
		rule, err := r.ruleOf(d.proposed, d.never)
		if err != nil {
			return err
		}
		d.outlook = &outlook{scope: d.scope(), rule: rule}
		for _, l := range d.outlook.keys() {
			d.outlook.levels = append(d.outlook.levels, learn.Hours(d.outlook.scope, l.key).Forecast(l.level))
		}
		if err := d.outlook.observe(a, s, d.agent); err != nil {
			return err
		}
	}
	return nil
}

// scope returns what a forecast is of: all that may ever be proposed.
func (d *draft) scope() []learn.Destination {
	out := map[learn.Target]bool{}
	for _, left := range [][]learn.Destination{d.left.Forbidden, d.left.Refused} {
		for i := range left {
			out[left[i].Target] = true
		}
	}
	if len(out) == 0 {
		return d.seen
	}
	return slices.DeleteFunc(slices.Clone(d.seen), func(x learn.Destination) bool { return out[x.Target] })
}

type keyed struct {
	level learn.Level
	key   func(*learn.Destination) string
}

func (o *outlook) keys() []keyed {
	name := learn.NameKey
	if !o.named() {
		name = nil
	}
	return []keyed{
		{learn.ByDestination, nil}, // the store keeps each once
		{learn.ByName, name},
		{learn.ByRule, func(d *learn.Destination) string { return learn.RuleKey(o.rule(d), d) }},
	}
}

// named says whether any destination has a name.
func (o *outlook) named() bool {
	return slices.ContainsFunc(o.scope, func(d learn.Destination) bool { return d.Name != "" })
}

// ruleOf returns which rule of a baseline admits a destination, "" if none does.
func (r *reviewed) ruleOf(b *learn.Baseline, never learn.Never) (func(*learn.Destination) string, error) {
	p, err := enforce.Compile([]*learn.Baseline{b}, r.space, never)
	if err != nil {
		return nil, err
	}
	return func(d *learn.Destination) string {
		ruling := p.Rule(&learn.Flow{Agent: b.Agent, Proto: d.Proto, DstPort: d.Port, Dst: d.Addr, Name: d.Name})
		if ruling.Verdict != enforce.Allowed || ruling.Rule == nil {
			return ""
		}
		return ruling.Rule.String()
	}, nil
}

// byRun foretells in runs, in the order they were made in.
func (o *outlook) byRun(s *store.Store) error {
	runs, err := s.Runs()
	if err != nil {
		return err
	}
	slices.SortStableFunc(runs, func(x, y store.Run) int { return x.Started.Compare(y.Started) })
	names := make([]string, len(runs))
	for i := range runs {
		names[i] = runs[i].Name
	}
	for _, l := range o.keys() {
		o.runs = append(o.runs, learn.Runs(o.scope, names, l.key).Forecast(l.level))
	}
	return nil
}

// of returns the forecast of a level.
func (o *outlook) of(level learn.Level) *learn.Forecast {
	for _, f := range o.levels {
		if f.Level == level {
			return f
		}
	}
	return nil
}
