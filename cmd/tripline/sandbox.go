package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/learn/sandbox"
	"tripline/learn/source"
)

// An exitStatus ends the program with the status of the command that it ran.
// Nothing is printed for it.
type exitStatus int //nolint:errname // as exec.ExitError it is no mishap, but here it is a status first

func (e exitStatus) Error() string { return "exit status " + strconv.Itoa(int(e)) }

// sandboxOptions are the flags of every command that runs another.
type sandboxOptions struct {
	hostPorts []uint
	publish   []string
	sockets   []string
	weak      bool
	bare      bool
	hashes    kib
	chosen    func() bool // whether bare was given
}

func (o *sandboxOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.UintSliceVar(&o.hostPorts, "host-port", nil, "TCP `PORT` of this host's loopback that CMD reaches at its own; repeatable")
	f.StringArrayVar(&o.publish, "publish", nil, "`[ADDRESS:]PORT[:PORT]` of this host that leads to what CMD listens on (default address 127.0.0.1); repeatable")
	f.StringArrayVar(&o.sockets, "socket", nil, "`PATH` of a socket or its directory that CMD may use: what listens there acts outside of the sandbox; repeatable")
	f.BoolVar(&o.weak, "weak-attribution", false, "do not stop CMD at each connection to see which process it is of: some that end at once are then unknown")
	f.BoolVar(&o.bare, "no-namespaces", false, "stop CMD's calls instead of giving it a network of its own: sees and holds less (default: where namespaces are forbidden; =false: never)")
	f.Var(&o.hashes, "record-payload-hashes", "record SHA-256 and length of the first `KIB` KiB of each HTTP body that is not encrypted, up and down (with no value 64); docs/sandbox.md says what that gives away")
	f.Lookup("record-payload-hashes").NoOptDefVal = "64"
	o.chosen = func() bool { return f.Changed("no-namespaces") }
}

// commandOf returns what stands behind "--"; nil if there is no "--", or if the
// source that was named says that files stand there.
func commandOf(c *cobra.Command, args []string) ([]string, error) {
	n := c.ArgsLenAtDash()
	if n < 0 || c.Flags().Changed("from") {
		return nil, cmp.Or(unmarked(c, args), noCommand(c))
	}
	if n > 0 {
		if _, err := strconv.Atoi(args[0]); err == nil && c.Flags().Changed("record-payload-hashes") {
			return nil, learn.WithHint(fmt.Errorf("%s before --: the flag has its value behind an equals sign", learn.Printable(args[0])), "--record-payload-hashes=%s", learn.Printable(args[0]))
		}
		return nil, learn.WithHint(fmt.Errorf("%s before --: a file and a command at once", learn.Printable(args[0])), "tripline %s --agent NAME -- CMD, or without --", c.Name())
	}
	if len(args) == 0 {
		return nil, learn.WithHint(errors.New("no command behind --"), "tripline %s --agent NAME -- CMD", c.Name())
	}
	return args, noLog(c)
}

// logFlags are those that mean nothing to a command.
var logFlags = []string{"follow", "rotated", "tz", "local", "inside", "outside", "firewall", "docker", "serve"}

// noLog refuses flags of a log where a command is run: what they ask for would not be
// done.
func noLog(c *cobra.Command) error {
	for _, name := range logFlags {
		if c.Flags().Changed(name) {
			return learn.WithHint(fmt.Errorf("--%s is for a log, and a command is run", name), "tripline %s --agent NAME -- CMD", c.Name())
		}
	}
	return nil
}

// sandboxFlags are those that mean nothing without a command.
var sandboxFlags = []string{"host-port", "publish", "socket", "weak-attribution", "no-namespaces", "record-payload-hashes"}

// noCommand refuses flags of a command where there is none: what they ask for would
// not be done.
func noCommand(c *cobra.Command) error {
	for _, name := range sandboxFlags {
		if c.Flags().Changed(name) {
			return learn.WithHint(fmt.Errorf("--%s is for a command", name), "tripline %s --agent NAME -- CMD", c.Name())
		}
	}
	return nil
}

// options returns what the sandbox is told of all that.
func (o *sandboxOptions) options(a *app, agent string, command []string) (sandbox.Options, error) {
	var err error
	if a.pinned, err = os.Stat(a.path()); err != nil { // the command could put another one in its place
		return sandbox.Options{}, fmt.Errorf("database: %w", err)
	}
	s := sandbox.Options{Private: []string{a.path()}, Command: command, Label: labelOf(agent), Sockets: o.sockets, Weak: o.weak, HashPayload: int64(o.hashes) << 10, Warn: a.warn, Confine: confined(a.path())}
	switch {
	case o.bare:
		s.Namespaces = sandbox.NamespacesNever
	case o.chosen():
		s.Namespaces = sandbox.NamespacesAlways
	}
	for _, p := range o.hostPorts {
		if p == 0 || p > 65535 {
			return s, fmt.Errorf("--host-port %d: want 1 to 65535", p)
		}
		s.HostPorts = append(s.HostPorts, uint16(p))
	}
	for _, path := range o.sockets {
		if _, err := os.Stat(path); err != nil && !strings.HasPrefix(path, "@") {
			a.warn("--socket: %v", err) // it may begin to listen later
		}
	}
	for _, text := range o.publish {
		p, err := parsePublish(text)
		if err != nil {
			return s, err
		}
		s.Publish = append(s.Publish, p)
	}
	return s, nil
}

// A kib is a flag of so many KiB.
type kib uint32

// mostHashed is far beyond where a hash says more than the length.
const mostHashed = 1 << 20

// String implements pflag.Value.
func (k *kib) String() string {
	if *k == 0 {
		return ""
	}
	return strconv.Itoa(int(*k))
}

// Type is not shown: the help of the flag names it.
func (k *kib) Type() string { return "KIB" }

// Set implements pflag.Value.
func (k *kib) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 || n > mostHashed {
		return fmt.Errorf("want a number of KiB from 1 to %d", mostHashed)
	}
	*k = kib(n)
	return nil
}

// parsePublish reads "8080", "8080:80", "0.0.0.0:8080" or "[::1]:8080:80".
func parsePublish(text string) (p sandbox.Port, err error) {
	host, ports := "127.0.0.1", text
	if inner, rest, ok := strings.Cut(strings.TrimPrefix(text, "["), "]:"); ok && text[0] == '[' {
		host, ports = inner, rest
	} else if before, rest, ok := strings.Cut(text, ":"); ok && strings.Contains(before, ".") {
		host, ports = before, rest
	}
	outer, inner, both := strings.Cut(ports, ":")
	if !both {
		inner = outer
	}
	addr, err := netip.ParseAddr(host)
	from, wrong := strconv.ParseUint(outer, 10, 16)
	to, wronger := strconv.ParseUint(inner, 10, 16)
	if errors.Join(err, wrong, wronger) != nil || from == 0 || to == 0 {
		return p, wrongPublish(text)
	}
	return sandbox.Port{Listen: netip.AddrPortFrom(addr, uint16(from)), Port: uint16(to)}, nil
}

func wrongPublish(text string) error {
	return learn.WithHint(fmt.Errorf("--publish %q: want [ADDRESS:]PORT of this host, and :PORT of the command where that is another", learn.Printable(text)), "--publish 8080, --publish 8080:80 or --publish 127.0.0.1:8080")
}

// labelOf is the interface of flows of an agent's sandbox, by which they are
// found.
func labelOf(agent string) string { return learn.Sandboxed + agent }

// sole returns the one agent that the command is. It needs no selector: what runs
// in the sandbox is the agent.
func (in *input) sole(known []learn.Agent) (learn.Agent, error) {
	switch {
	case len(in.agents) == 0 && len(known) == 1:
		return known[0], nil
	case len(in.agents) != 1:
		return learn.Agent{}, learn.WithHint(errors.New("which agent the command is, is not known"), "--agent NAME, for example --agent bot")
	}
	name := in.agents[0]
	if strings.Contains(name, "=") {
		return learn.Agent{}, learn.WithHint(fmt.Errorf("--agent %s: the command is the agent, whatever its address", learn.Printable(name)),
			"--agent %s", learn.Printable(name[:strings.IndexByte(name, '=')]))
	}
	if i := slices.IndexFunc(known, func(k learn.Agent) bool { return k.Name == name }); i >= 0 {
		return known[i], nil
	}
	return learn.ParseAgent(name + "=if:" + labelOf(name))
}

// sandboxFailure gives what went wrong around a command another status than that
// of programs that ran, as env and timeout do.
func sandboxFailure(err error) error {
	if _, ours := errors.AsType[exitStatus](err); err == nil || ours || errors.Is(err, errFound) {
		return err
	}
	status := sandbox.StatusFailed
	if e, ok := errors.AsType[*sandbox.Error](err); ok {
		status = e.Status
	}
	return &failure{status, err}
}

// A failure is an error with an exit status of its own.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage gives a mistake on the command line that status, where a command was to be run:
// it could have ended with any other itself.
func (a *app) usage(c *cobra.Command, err error) error {
	if err != nil && c.Flags().Lookup("no-namespaces") != nil && slices.Contains(a.args, "--") {
		return sandboxFailure(err)
	}
	return err
}

// An intake takes what is told from many and hands it to one.
type intake chan *sandbox.Told

// drain calls take for each, and pause about every second, until the sandbox
// has ended.
func (in intake) drain(take func(*sandbox.Told) error, pause func() error) (err error) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		select {
		case f, more := <-in:
			if !more {
				return err
			}
			if err == nil { // what comes after it is lost, and said
				err = take(f)
			}
		case <-ticks.C:
			if err == nil {
				err = pause()
			}
		}
	}
}

// inSandbox runs a command. What it says goes to take, one at a time.
func inSandbox(ctx context.Context, o sandbox.Options, agent string, take func(*sandbox.Told) error, pause func() error) (sandbox.Result, error) {
	in := make(intake, chunk)
	o.Flow = func(f *sandbox.Told) {
		f.Agent = agent
		in <- f
	}
	taken := make(chan error, 1)
	go func() { taken <- in.drain(take, pause) }()
	result, err := sandbox.Run(ctx, o)
	close(in)
	return result, errors.Join(err, <-taken)
}

// seenBy is what is seen of a command in its sandbox.
func seenBy(r sandbox.Result) source.Sees {
	sees := sandboxSource.Sees
	sees.Bytes = r.Link != "" // without namespaces they pass by
	return sees
}

// tellSandbox says what cannot be told of what was seen.
func (a *app) tellSandbox(r sandbox.Result) {
	a.tellAsked(r.Only, r.More)
	for _, s := range []struct {
		n    uint64
		text string
	}{
		{r.Failed, "%s the outside did not take"},
		{r.Host, "%s to listed ports of this host"},
	} {
		if s.n > 0 {
			a.say(s.text, count(s.n, "connection", "connections"))
		}
	}
	for _, s := range []struct {
		n    uint64
		text string
	}{
		{r.Unknown, "%s: which process it was is not known, it was gone"},
		{r.Spoofed, "%s dropped: a forged source"},
		{r.Strange, "%s dropped: neither TCP, UDP nor echo, or to everybody on a link"},
		{r.Dropped, "%s dropped: too fast"},
	} {
		if s.n > 0 {
			what := count(s.n, "packet", "packets")
			if strings.Contains(s.text, "process") {
				what = count(s.n, "connection", "connections")
			}
			a.warn(s.text, what)
		}
	}
}
