// Command tripline learns what an agent says to the outside world, folds that
// into an allowlist a person can read and approve, writes it for the firewall
// they own, and tells them when something else happens.
//
// This package is words, colours, exit codes and wiring; nobody imports it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	// The zone database, for firewalls whose zone the machine does not know.
	_ "time/tzdata"

	"tripline/learn"
	"tripline/learn/sandbox"
)

// Exit codes, after diff(1).
const (
	exitOK      = 0 // nothing unexpected
	exitFound   = 1 // something unexpected was found
	exitTrouble = 2 // tripline could not tell
)

// errFound ends a command that did its work and found something. Nothing is
// printed for it.
var errFound = errors.New("something unexpected was found")

// errTold ends a command that could not do its work and has said why where its
// findings are.
var errTold = errors.New("what is wrong was told")

func main() {
	if status, entered := sandbox.Enter(os.Args); entered {
		os.Exit(status)
	}
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if runs(os.Args[1:]) { // what is ignored stays so, as for any command
		ends = slices.DeleteFunc(ends, signal.Ignored)
	} // a log is followed until it is interrupted, also in the background of a script, where shells ignore that
	ctx, stop := context.WithCancel(context.Background())
	if len(ends) > 0 {
		ctx, stop = signal.NotifyContext(ctx, ends...)
	}
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// runs says whether a command line runs another command.
func runs(args []string) bool { return slices.Contains(args, "--") || slices.Contains(args, "shell") }

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &sink{w: stdout}
	a := &app{args: args, stdin: stdin, stdout: out, stderr: stderr}
	root := newRootCommand(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if out.err != nil { // whatever else went wrong, the output is not whole
		err = out.err
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errTold):
		return exitTrouble
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	a.complain(stderr, err)
	if f, ok := errors.AsType[*failure](err); ok {
		return f.status
	}
	return exitTrouble
}

// complain prints an error, and its hint on a line of its own.
func complain(w io.Writer, err error) {
	fmt.Fprintf(w, "tripline: error: %s\n", lines(err.Error()))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "tripline: hint: %s\n", lines(hint))
	}
}

// hintOf is what can be done about an error, "" where nothing is known.
func hintOf(err error) string {
	hint := learn.HintOf(err)
	if hint == "" && errors.Is(err, syscall.ENOSPC) {
		hint = "free some space on that file system and run the command again"
	}
	return hint
}

// lines makes text printable and keeps its own line ends.
func lines(s string) string {
	parts := strings.Split(s, "\n")
	for i := range parts {
		parts[i] = learn.Printable(parts[i])
	}
	return strings.Join(parts, "\n")
}
