package main

import (
	"github.com/spf13/cobra"
)

func newRootCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "tripline",
		Short: "Learn what an agent talks to, and hear of anything else",
		Long: `tripline watches what an AI agent (or any workload) says to the outside world,
learns what is normal in a controlled run, folds that into an allowlist a person
can read and approve, writes it for pfSense, and reports whatever else happens.

    learn  ->  review  ->  export  ->  enforce
    observe    approve     pfSense     diff live traffic, alert

Exit status:
  0  nothing unexpected
  1  something unexpected was found
  2  tripline could not tell; standard error says why`,
		Example: `  tripline learn --agent bot=192.0.2.50 --from filterlog filter.log
  tripline learn --agent bot -- python3 agent.py`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return unknownCommand(c, args[0])
		},
		Args:              cobra.ArbitraryArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.configure() },
	}
	c.SetIn(a.stdin)
	c.SetOut(a.stdout)
	c.SetErr(a.stderr)
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return a.usage(c, wrongFlag(c, err)) })
	c.SetVersionTemplate("tripline {{.Version}}\n")
	f := c.PersistentFlags()
	f.StringVar(&a.dbPath, "db", "", "database `FILE` (default "+databasePath()+")")
	f.StringVar(&a.configPath, "config", "", "configuration `FILE` (default tripline.yaml here, beside the database or in "+systemConfig()+")")
	f.StringVar(&a.color, "color", "auto", "`WHEN` to use colour: auto, always or never")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "say nothing but errors on standard error")
	c.CompletionOptions.HiddenDefaultCmd = true
	c.SetHelpCommand(newHelpCommand())
	c.AddCommand(
		newLearnCommand(a), newReviewCommand(a), newExportCommand(a), newEnforceCommand(a),
		newAlertsCommand(a), newExplainCommand(a), newAllowCommand(a), newFlowsCommand(a), newForecastCommand(a), newRangesCommand(a),
		newHistoryCommand(a), newSourcesCommand(a), newCheckCommand(a), newPruneCommand(a),
		newMergeCommand(a), newAlertCommand(a), newDoctorCommand(a),
		newBudgetCommand(a), newShellCommand(a),
		newServeCommand(a), newAgreeCommand(a), newLockCheckCommand(a),
	)
	return c
}

// family makes a command that only holds others complain about what it does not
// know, where cobra would print help and succeed.
func family(c *cobra.Command) *cobra.Command {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		return unknownCommand(c, args[0])
	}
	return c
}
