package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tripline/learn"
)

// unknownCommand says that there is no such command, and which one was meant.
func unknownCommand(c *cobra.Command, name string) error {
	err := fmt.Errorf("unknown command %q", learn.Printable(name))
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if near, ok := nearest(name, names); ok {
		return learn.WithHint(err, "did you mean %q?", c.CommandPath()+" "+near)
	}
	return learn.WithHint(err, "%s --help", c.CommandPath())
}

// wrongFlag explains an error about flags, and which flag was meant.
func wrongFlag(c *cobra.Command, err error) error {
	if c.HasSubCommands() && c.Flags().NArg() > 0 {
		return unknownCommand(c, c.Flags().Arg(0)) // whose flag it would have been
	}
	if text, _, ok := strings.Cut(err.Error(), ": strconv."); ok { // which is no word for a person
		err = errors.New(text)
	}
	if err := unmarked(c, c.Flags().Args()); err != nil { // whose flag it would have been
		return err
	}
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		var names []string
		for word := range strings.FieldsSeq(c.Flags().FlagUsages()) {
			if flag, ok := strings.CutPrefix(word, "--"); ok {
				names = append(names, flag)
			}
		}
		if near, ok := nearest(name, names); ok {
			return learn.WithHint(err, "did you mean --%s?", near)
		}
	}
	return learn.WithHint(err, "%s --help", c.CommandPath())
}

// nearest returns the name that differs least from what was typed, if it is
// near enough to be a slip of the fingers.
func nearest(typed string, names []string) (string, bool) {
	best, least := "", min(3, len(typed))
	for _, name := range names {
		if d := learn.Slips(name, typed); d < least {
			best, least = name, d
		}
	}
	for _, name := range names {
		if best == "" && len(typed) > 2 && strings.HasPrefix(name, typed) {
			best = name
		}
	}
	return best, best != ""
}
