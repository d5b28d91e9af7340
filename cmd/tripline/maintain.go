package main

import (
	"fmt"
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
	var keep time.Duration
	c := &cobra.Command{
		Use:   "prune --keep DURATION",
		Short: "Drop what was seen long ago",
		Long: `prune drops flows and destinations that were last seen before the time to keep.
What an approved baseline admits stays, however old it is.

Exit status:
  0  dropped, or there was nothing to drop
  2  it was not; standard error says why`,
		Example: `  tripline prune --keep 2160h
  tripline prune --keep 8760h --db copy.db`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if keep <= 0 {
				return learn.WithHint(fmt.Errorf("--keep %s: want how long to keep", keep), "tripline prune --keep 2160h keeps 90 days")
			}
			return a.write("prune", func(s *store.Store) error { return a.prune(s, a.now().Add(-keep)) })
		},
	}
	c.Flags().DurationVar(&keep, "keep", 0, "how long to keep: a `DURATION` such as 2160h for 90 days")
	return c
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
	a.say("dropped %s flows and %s destinations last seen before %s", ipranges.Thousands(uint64(flows)), ipranges.Thousands(uint64(destinations)), before.Format(time.DateOnly))
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
