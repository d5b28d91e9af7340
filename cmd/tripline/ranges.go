package main

import "github.com/spf13/cobra"

func newRangesCommand(a *app) *cobra.Command {
	c := family(&cobra.Command{
		Use:   "ranges",
		Short: "Keep and ask what providers publish of their addresses",
		Long: `ranges keeps the lists of addresses that providers publish, and an ASN database, in
the database. Folding, reviewing and explaining use them. A few small lists come with
the program; without the others, rules are mostly prefixes.

Exit status:
  0  done
  2  it could not be done; standard error says why`,
		Example: `  tripline ranges pull
  tripline ranges lookup 52.216.1.2`,
	})
	c.AddCommand(
		newRangesPullCommand(a), newRangesImportCommand(a), newRangesAddCommand(a), newRangesListCommand(a), newRangesDiffCommand(a),
		newRangesLookupCommand(a),
	)
	return c
}
