package main

import (
	"github.com/spf13/cobra"

	"tripline/learn/source"
)

func newSourcesCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "sources",
		Short: "List the places flows can come from",
		Long: `sources lists what --from takes, and what each of them knows of a connection
beside addresses and ports.

Exit status:
  0  listed`,
		Example: `  tripline sources
  tripline flows --from filterlog filter.log`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			g := &grid{header: []string{"source", "what it reads", "names", "bytes", "process", "does not see"}}
			for _, s := range source.All {
				g.rows = append(g.rows, []string{s.Name, s.Short, named(s.Sees), yes(s.Sees.Bytes), yes(s.Sees.Process), s.Sees.Blind})
			}
			return g.write(a.stdout)
		},
	}
}

// named says whether a source has names, or nothing else.
func named(s source.Sees) string {
	if s.Evidence {
		return "only"
	}
	return yes(s.Names)
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}
