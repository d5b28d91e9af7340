package main

import (
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"tripline/ipranges/feed"
	"tripline/store"
)

func newRangesListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what is kept, and how old it is",
		Long: `list shows the lists that are kept, those that came with the program ("with tripline")
and the feeds that could be kept.

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
	err := a.withStore(func(s *store.Store) (err error) {
		have, err = heads(s)
		return err
	})
	if err != nil {
		return err
	}
	g := &grid{header: []string{"ranges", "what", "prefixes", "published", "age", "fetched", "from", "sha256"}, right: map[int]bool{2: true, 4: true}}
	for _, f := range feed.All {
		g.rows = append(g.rows, a.listRow(f, have[f.Name]))
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if f, err := feed.Own(name); err == nil {
			g.rows = append(g.rows, a.listRow(f, have[name]))
		}
	}
	g.rows = append(g.rows, a.listRow(feed.Feed{Name: asnName, Short: "AS numbers, a MaxMind database"}, have[asnName]))
	if columns := width(a.stdout); columns > 0 {
		for _, row := range g.rows {
			row[1] = cut(row[1], 44)
		}
		g.fit(columns, "sha256", "from", "fetched", "published")
	}
	return g.write(a.stdout)
}

// listRow is about what is kept of a feed, or came with the program.
func (a *app) listRow(f feed.Feed, n store.Snapshot) []string {
	fetched := n.Fetched.Format("2006-01-02 15:04")
	if b, ok := f.Builtin(); ok && (n.Name == "" || superseded(n)) {
		n = store.Snapshot{
			Name: f.Name, Source: b.URL, Published: b.Published, SHA256: b.SHA256,
			Meta: map[string]string{"entries": strconv.Itoa(len(b.Ranges))},
		}
		fetched = "with tripline"
	}
	if n.Name == "" {
		return []string{f.Name, f.Short, "none", "", "", "", "", ""}
	}
	return []string{f.Name, f.Short, n.Meta["entries"], day(n.Published), a.age(dated(n)), fetched, n.Source, n.SHA256[:12]}
}
