package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

func newCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Verify the database from end to end",
		Long: `check decodes every record of the database, compares what was folded with the flows
it came from and verifies the chain of baselines.

Exit status:
  0  sound
  2  it is not; standard error says what`,
		Example: `  tripline check
  tripline check --db /var/lib/tripline/tripline.db`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.read(func(s *store.Store) error {
				if err := s.Check(); err != nil {
					return err
				}
				a.say("%s is sound", s.Path())
				return nil
			})
		},
	}
}

func newPruneCommand(a *app) *cobra.Command {
	var keep age
	c := &cobra.Command{
		Use:   "prune --keep DURATION",
		Short: "Drop what was seen long ago",
		Long: `prune drops flows, destinations and alerts that were last seen before the time to keep.
What an approved baseline admits stays, however old it is.

Exit status:
  0  dropped, or there was nothing to drop
  2  it was not; standard error says why`,
		Example: `  tripline prune --keep 90d
  tripline prune --keep 52w --db copy.db`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if keep <= 0 {
				return learn.WithHint(fmt.Errorf("--keep %s: want how long to keep", time.Duration(keep)), "tripline prune --keep 90d keeps 90 days")
			}
			return a.write("prune", func(s *store.Store) error { return a.prune(s, a.now().Add(-time.Duration(keep))) })
		},
	}
	c.Flags().Var(&keep, "keep", "how long to keep: a `DURATION` such as 90d, 52w or 36h")
	return c
}

// An age is a flag such as 90d, 52w or 36h.
type age time.Duration

// String, Set and Type are what cobra wants of a flag.
func (d *age) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

// Type is not shown: the help of the flag names it.
func (d *age) Type() string { return "DURATION" }

// Set reads days and weeks, and what Go calls a duration.
func (d *age) Set(text string) error {
	var days dayCount
	if strings.TrimRight(text, "dw") != text && days.Set(text) == nil && days <= 36500 {
		*d = age(time.Duration(days) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("want a time such as 90d, 52w or 36h")
	}
	*d = age(v)
	return nil
}

func (a *app) prune(s *store.Store, before time.Time) error {
	cited, err := a.cited(s)
	if err != nil {
		return err
	}
	flows, destinations, err := s.Prune(before, cited)
	if err != nil {
		return err
	}
	alerts, err := pruneAlerts(s, before, a.now())
	if err != nil {
		return err
	}
	more := ""
	if alerts > 0 {
		more = " and " + count(uint64(alerts), "alert", "alerts")
	}
	a.say("dropped %s flows and %s destinations%s last seen before %s", ipranges.Thousands(uint64(flows)), ipranges.Thousands(uint64(destinations)), more, before.Format(time.DateOnly))
	return nil
}

// cited returns what the approved baselines admit.
func (a *app) cited(s *store.Store) (func(learn.Destination) bool, error) {
	list, err := baselines(s)
	if err != nil {
		return nil, err
	}
	space, _, err := loadSpace(s)
	if err != nil {
		return nil, err
	}
	// What is never to be admitted today may have been approved before: it is
	// evidence all the same.
	p, err := enforce.Compile(list, space, learn.Never{})
	if err != nil {
		return nil, err
	}
	return func(d learn.Destination) bool {
		return p.Check(&learn.Flow{Agent: d.Agent, Proto: d.Proto, DstPort: d.Port, Dst: d.Addr, Name: d.Name}) == enforce.Allowed
	}, nil
}
