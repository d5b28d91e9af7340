package main

import (
	"cmp"
	"os"

	"github.com/spf13/cobra"
)

func newShellCommand(a *app) *cobra.Command {
	var l learnOptions
	var enforced bool
	c := &cobra.Command{
		Use:   "shell --agent NAME",
		Short: "Learn from an interactive session",
		Long: `shell starts your shell (SHELL, else /bin/sh) in a sandbox and records everything that
it and its children say, as "learn -- CMD" does; with --deny nothing leaves, with
--enforce only what the approved baseline of the agent admits. It is for Linux.

Exit status:
  0  the shell ended with 0
  1  it ended with 0 and something unexpected was found (--enforce)
  125  there is no sandbox, or it was not recorded; standard error says why
and any other status is the shell's.`,
		Example: `  tripline shell --agent bot
  tripline shell --agent bot --enforce`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			shell := []string{cmp.Or(os.Getenv("SHELL"), "/bin/sh")}
			if !enforced {
				return sandboxFailure(l.command(c.Context(), a, shell))
			}
			e := enforceOptions{input: l.input, sandbox: l.sandbox, export: exportOptions{to: defaultExport}}
			return sandboxFailure(e.command(c.Context(), a, shell))
		},
	}
	f := c.Flags()
	f.StringArrayVar(&l.agents, "agent", nil, "`NAME` of the agent")
	f.BoolVar(&l.deny, "deny", false, "let nothing leave; what would have is recorded")
	f.BoolVar(&enforced, "enforce", false, "let only what the approved baseline admits leave")
	f.StringVar(&l.run, "run", "", "`NAME` of this stretch of learning (default the time it began)")
	f.StringArrayVar(&l.marks, "mark", nil, "note that a `MARK` happened: restart, update, tool:browser or another word; repeatable")
	l.sandbox.flags(c)
	c.MarkFlagsMutuallyExclusive("deny", "enforce")
	return c
}
