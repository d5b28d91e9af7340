package main

import (
	"github.com/spf13/cobra"

	"tripline/learn/source"
)

func newSourcesCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "sources",
		Short: "List the places flows can come from",
		Long: `sources lists what --from takes.

Exit status:
  0  listed`,
		Example: `  tripline sources
  tripline flows --from filterlog filter.log`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			g := &grid{header: []string{"source", "what it reads"}}
			for _, s := range source.All {
				g.rows = append(g.rows, []string{s.Name, s.Short})
			}
			return g.write(a.stdout)
		},
	}
}
