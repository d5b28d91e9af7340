package main

import (
	"github.com/spf13/cobra"

	"tripline/ipranges/feed"
	"tripline/learn"
	"tripline/store"
)

func newRangesListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what is kept, and how old it is",
		Long: `list shows the lists that are kept, and the feeds that could be.

Exit status:
  0  listed
  2  it could not be; standard error says why`,
		Example: `  tripline ranges list
  tripline ranges list --db copy.db`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.listRanges() },
	}
}

func (a *app) listRanges() error {
	have := map[string]store.Snapshot{}
	err := a.read(func(s *store.Store) error {
		list, err := s.Snapshots()
		for _, n := range list {
			have[n.Name] = n
		}
		return err
	})
	if err != nil && learn.HintOf(err) == "" {
		return err
	}
	g := &grid{header: []string{"ranges", "what", "prefixes", "published", "fetched", "from", "sha256"}, right: map[int]bool{2: true}}
	add := func(name, what string) {
		n, ok := have[name]
		if !ok {
			g.rows = append(g.rows, []string{name, what, "none", "", "", "", ""})
			return
		}
		g.rows = append(g.rows, []string{name, what, n.Meta["entries"], day(n.Published), n.Fetched.Format("2006-01-02 15:04"), n.Source, n.SHA256[:12]})
	}
	for _, f := range feed.All {
		add(f.Name, f.Short)
	}
	add(asnName, "AS numbers, a MaxMind database")
	if columns := width(a.stdout); columns > 0 {
		for _, row := range g.rows {
			row[1] = cut(row[1], 44)
		}
		g.fit(columns, "sha256", "from", "fetched")
	}
	return g.write(a.stdout)
}
