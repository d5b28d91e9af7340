package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"tripline/learn"
)

// unmarked refuses a command that lacks the "--" before it: its first word is a
// program of this machine, and no file.
func unmarked(c *cobra.Command, args []string) error {
	if c.Flags().Lookup("no-namespaces") == nil || c.Flags().Changed("from") || len(args) == 0 || args[0] == "-" {
		return nil
	}
	if _, err := os.Stat(args[0]); err == nil {
		return nil
	}
	if _, err := exec.LookPath(args[0]); err != nil {
		return nil //nolint:nilerr // it is no program either: whoever reads files says so
	}
	return learn.WithHint(fmt.Errorf("%s is a program and no file: a command stands behind --", learn.Printable(args[0])),
		"tripline %s --agent %s -- %s", c.Name(), agentIn(c), learn.Printable(strings.Join(args, " ")))
}

// agentIn is the agent that was named on the command line.
func agentIn(c *cobra.Command) string {
	if names, err := c.Flags().GetStringArray("agent"); err == nil && len(names) == 1 {
		name, _, _ := strings.Cut(names[0], "=")
		return learn.Printable(name)
	}
	return "NAME"
}

// noArguments is for a command that runs the user's shell and nothing else.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return learn.WithHint(fmt.Errorf("%s: shell runs your shell and takes no command", learn.Printable(args[0])),
		"tripline enforce --agent %s -- %s, or learn", agentIn(c), learn.Printable(strings.Join(args, " ")))
}
