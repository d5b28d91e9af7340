package main

import "github.com/spf13/cobra"

// newHelpCommand is in place of cobra's, which succeeds for a command that does
// not exist.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does, and how it ends",
		Long: `help prints what a command does, what it reads and writes, its flags and its exit
status.

Exit status:
  0  printed
  2  there is no such command`,
		Example: `  tripline help learn
  tripline help ranges import`,
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			return about.Help()
		},
	}
}
