package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/store"
)

// A dayCount is a flag such as 30d.
type dayCount int

// String, Set and Type are what cobra wants of a flag.
func (d *dayCount) String() string {
	if *d == 0 {
		return ""
	}
	return strconv.Itoa(int(*d)) + "d"
}

// Type is not shown: the help of the flag names it.
func (d *dayCount) Type() string { return "DAYS" }

// Set reads "30d", "30" or "4w".
func (d *dayCount) Set(text string) error {
	number, unit := strings.TrimRight(text, "dw"), 1
	switch text[len(number):] {
	case "w":
		unit = 7
	case "", "d":
	default:
		number = ""
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 36500 {
		return errors.New("want a number of days such as 30d")
	}
	*d = dayCount(n * unit)
	return nil
}

// lifeFlags are those of what goes and of what waits.
func (o *foldFlags) lifeFlags(c *cobra.Command) {
	f := c.Flags()
	f.Var(&o.Expire, "expire", "also propose to remove rules that were not hit for `DAYS` of observation, such as 30d")
	f.IntVar(&o.MinHours, "min-hours", 0, "leave out what was seen in fewer different hours than `N` (default the quarantine of the configuration)")
	f.IntVar(&o.MinRuns, "min-runs", 0, "leave out what was seen in fewer runs than `N` (default the quarantine of the configuration)")
}

// checkLife says whether the flags are what they can be.
func (o *foldFlags) checkLife() error {
	if o.MinHours < 0 || o.MinRuns < 0 {
		return errors.New("--min-hours and --min-runs: want 0 or more")
	}
	return nil
}

// quarantine returns how often something must have been seen, by the flags and
// else by the configuration.
func (a *app) quarantine(o foldFlags) learn.Quarantine {
	q := a.config.Quarantine
	if o.MinHours > 0 {
		q.Hours = o.MinHours
	}
	if o.MinRuns > 0 {
		q.Runs = o.MinRuns
	}
	return q
}

// life returns what is known of the life of an agent's approved rules.
func life(s *store.Store, head *learn.Baseline, agent string, o foldFlags) (l learn.Life, err error) {
	if head == nil {
		return l, nil
	}
	hits, err := s.Hits(agent)
	if err != nil {
		return l, err
	}
	l = learn.Life{Expire: int(o.Expire), Hits: hits.Last, Days: hits.Days}
	chain, err := chainOf(s, agent)
	if err != nil {
		return l, err
	}
	l.Since = learn.FirstApproved(learn.Origins(chain))
	return l, nil
}

// notHit is the flag of a row that would go because its rule was not hit.
func (d *draft) notHit(c *learn.Change) []string {
	if c.Mark != learn.Removed {
		return nil
	}
	for _, x := range d.left.Idle {
		if x.Rule.To.String() == c.Old.To.String() {
			return []string{"not hit since " + notSince(x)}
		}
	}
	return nil
}

// An idleJSON is an approved rule that was not hit for long.
type idleJSON struct {
	To   string `json:"to"`
	Last string `json:"last,omitempty"` // the day of the last hit
	Days int    `json:"observed_days"`  // since
}

func idleOf(d *draft) (out []idleJSON) {
	for _, x := range d.left.Idle {
		out = append(out, idleJSON{x.Rule.To.String(), day(x.Last), x.Days})
	}
	return out
}

func notSince(x learn.Idle) string {
	if x.Last.IsZero() {
		return "it was approved"
	}
	return x.Last.UTC().Format("2 Jan 2006")
}

// lifeLines say what waits, and what could go.
func (a *app) lifeLines(r *reviewed, d *draft) {
	if r.kind == kindLearned {
		for _, doubt := range learn.Doubts(d.seen) {
			fmt.Fprintf(a.stdout, "Doubt:    %s: %s\n", d.agent, doubt)
		}
	}
	q := a.quarantine(r.options)
	left(a, d.agent, "quarantined, seen in "+seldom(q)+"; enforce reports them as unexpected", d.left.Quarantined)
	left(a, d.agent, "not seen since their rule went", d.left.Expired)
	if n := len(d.left.Idle); n > 0 && r.options.Expire == 0 {
		fmt.Fprintf(a.stdout, "Not hit:  %s: %s for %d days: tripline review --expire %dd\n",
			d.agent, count(uint64(n), "rule was not hit", "rules were not hit"), learn.DefaultExpire, learn.DefaultExpire)
	}
}

// seldom says what a quarantine is for.
func seldom(q learn.Quarantine) string {
	if q.Hours <= 2 && q.Runs <= 2 && (q.Hours <= 1 || q.Runs <= 1) {
		return map[bool]string{true: "one hour alone", false: "one run alone"}[q.Hours == 2]
	}
	var parts []string
	if q.Hours > 1 {
		parts = append(parts, fmt.Sprintf("fewer than %d hours", q.Hours))
	}
	if q.Runs > 1 {
		parts = append(parts, fmt.Sprintf("fewer than %d runs", q.Runs))
	}
	return strings.Join(parts, " or ")
}
