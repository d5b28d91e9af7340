package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestHelp holds what a user may expect of every command.
func TestHelp(t *testing.T) {
	root := newRootCommand(&app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard})
	eachCommand(root, func(c *cobra.Command) {
		t.Run(strings.ReplaceAll(c.CommandPath(), " ", "_"), func(t *testing.T) {
			checkWords(t, c)
			c.LocalFlags().VisitAll(func(f *pflag.Flag) { checkFlag(t, f) })
		})
	})
}

func eachCommand(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, f)
	}
}

func checkWords(t *testing.T, c *cobra.Command) {
	t.Helper()
	if c.Short == "" || len(c.Short) >= 60 || strings.HasSuffix(c.Short, ".") || c.Short[:1] != strings.ToUpper(c.Short[:1]) {
		t.Errorf("got Short %q; want a capital, under 60 characters, no full stop", c.Short)
	}
	if !strings.Contains(c.Long, "\n\nExit status:\n  0  ") {
		t.Errorf("its Long does not say the exit status:\n%s", c.Long)
	}
	for line := range strings.SplitSeq(c.Long, "\n") {
		if len(line) > 90 {
			t.Errorf("a line of its Long has %d columns: %s", len(line), line)
		}
	}
	if lines := strings.Split(c.Example, "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], "  tripline ") || !strings.HasPrefix(lines[1], "  tripline ") {
		t.Errorf("got Example %q; want two lines to paste", c.Example)
	}
}

// checkFlag wants a word for the value, in capitals, and words without a full
// stop.
func checkFlag(t *testing.T, f *pflag.Flag) {
	t.Helper()
	value, usage := pflag.UnquoteUsage(f)
	if f.Value.Type() != "bool" && value != strings.ToUpper(value) {
		t.Errorf("--%s: got value %q; want a word such as FILE", f.Name, value)
	}
	if usage == "" || strings.HasSuffix(usage, ".") {
		t.Errorf("--%s: got usage %q; want words without a full stop", f.Name, usage)
	}
}
