package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// An input is the flags of every command that reads a source.
type input struct {
	from     []string
	agents   []string
	zone     string
	local    []string
	inside   []string
	outside  []string
	firewall []string
	follow   bool
	follows  bool // the command can follow at all
	rotated  bool
	docker   string
	runs     bool // a command, and reads no source
}

func (in *input) flags(c *cobra.Command, follow bool) {
	f := c.Flags()
	f.StringArrayVar(&in.from, "from", []string{"filterlog"}, "what wrote the files: a `SOURCE` that \"tripline sources\" lists; SOURCE=PATH is read together with them; repeatable")
	f.StringArrayVar(&in.agents, "agent", nil, "`NAME=SELECTOR,...`: address, prefix, host name, if:INTERFACE, rule:TRACKER, container:NAME, label:KEY=VALUE, image:REFERENCE, compose:PROJECT/SERVICE, pod:NAMESPACE/NAME, exe:/PATH or cgroup:/PATH; repeatable")
	f.StringVar(&in.docker, "docker", "", "`SOCKET` of the container engine, for agents that are containers (default where DOCKER_HOST says, else Docker's, else Podman's)")
	f.StringVar(&in.zone, "tz", "", "time `ZONE` of stamps that carry none (default UTC)")
	f.StringArrayVar(&in.local, "local", nil, "`PREFIX` that is local beside private space; repeatable")
	f.StringArrayVar(&in.inside, "inside", nil, "`INTERFACE` towards the hosts, where the log leaves a doubt; repeatable")
	f.StringArrayVar(&in.outside, "outside", nil, "`INTERFACE` towards the internet; repeatable")
	f.StringArrayVar(&in.firewall, "firewall", nil, "`ADDRESS` of the firewall itself, never a destination; repeatable")
	if in.follows = follow; follow {
		f.BoolVarP(&in.follow, "follow", "f", false, "go on with what is appended, across rotation, until interrupted")
		f.BoolVar(&in.rotated, "rotated", false, "begin with the oldest rotated file of the log")
	}
}

// options returns what the source is told.
func (in *input) options(a *app, agents *learn.Agents) (source.StreamOptions, error) {
	o := source.StreamOptions{Stdin: a.stdin, Follow: in.follow, Rotated: in.rotated, Tell: func(text string) { a.say("%s", learn.Printable(text)) }}
	var err error
	if o.Zone, err = a.zone(in.zone); err != nil {
		return o, err
	}
	o.Local = append(o.Local, a.config.Local...)
	for _, text := range in.local {
		s, err := learn.ParseSelector(text)
		if err != nil || !s.Prefix.IsValid() {
			return o, fmt.Errorf("--local %q: want an address or a prefix", learn.Printable(text))
		}
		o.Local = append(o.Local, s.Prefix)
	}
	if agents != nil {
		o.Local = append(o.Local, agents.Sources()...)
	}
	o.Firewall = append(o.Firewall, a.config.Firewall...)
	for _, text := range in.firewall {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return o, fmt.Errorf("--firewall %q: want an address", learn.Printable(text))
		}
		o.Firewall = append(o.Firewall, ip.Unmap())
	}
	o.Inside = append(append(o.Inside, a.config.Inside...), in.inside...)
	o.Outside = append(append(o.Outside, a.config.Outside...), in.outside...)
	return o, nil
}

// selected returns the agents of the flags on top of the configuration's and the
// stored ones. A bare name picks one that is known; picks is then not empty.
func (in *input) selected(a *app, known []learn.Agent) (list []learn.Agent, err error) {
	byName := map[string]learn.Agent{}
	for _, agent := range append(known, a.config.Agents...) {
		byName[agent.Name] = agent
	}
	given := map[string]bool{}
	for _, text := range in.agents {
		agent, ok := byName[text]
		if !ok || strings.Contains(text, "=") {
			if agent, err = learn.ParseAgent(text); err != nil {
				return nil, in.knownHint(err, text, byName)
			}
		}
		if given[agent.Name] {
			agent.Selectors = append(byName[agent.Name].Selectors, agent.Selectors...)
		}
		given[agent.Name], byName[agent.Name] = true, agent
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if len(given) == 0 || given[name] {
			list = append(list, byName[name])
		}
	}
	if len(list) == 0 {
		return nil, learn.WithHint(errors.New("no agent is known: say whose traffic to look at"), "--agent NAME=ADDRESS, for example --agent bot=192.0.2.50")
	}
	return list, nil
}

func (in *input) knownHint(err error, text string, known map[string]learn.Agent) error {
	if strings.Contains(text, "=") || len(known) == 0 {
		return err
	}
	begins := "a new one is --agent NAME=ADDRESS"
	if in.runs {
		begins = "a new one begins with tripline learn --agent NAME -- CMD"
	}
	names := slices.Sorted(maps.Keys(known))
	return learn.WithHint(fmt.Errorf("no agent called %q", learn.Printable(text)), "known agents: %s; %s", strings.Join(names, ", "), begins)
}

// storedAgents returns the agents that were learned.
func storedAgents(s *store.Store) ([]learn.Agent, error) {
	stored, err := s.Agents()
	if err != nil {
		return nil, err
	}
	var list []learn.Agent
	for _, sa := range stored {
		agent, err := learn.ParseAgent(string(sa.Data))
		if err != nil {
			return nil, fmt.Errorf("stored agent %s: %w", sa.Name, err)
		}
		list = append(list, agent)
	}
	return list, nil
}

// resolve looks up the agents' host names, all of them, and returns the first
// error.
func resolve(ctx context.Context, agents *learn.Agents) (first error) {
	for _, host := range agents.Hosts() {
		if err := lookUp(ctx, agents, host); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func lookUp(ctx context.Context, agents *learn.Agents, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return learn.WithHint(fmt.Errorf("agent host name %s: %w", host, err), "give the agent's address instead, or check the resolver of this machine")
	}
	return agents.Resolve(host, addrs)
}

// Lookups resolve agents' host names again and again while a log is followed.
type lookups struct{ last time.Time }

// again resolves them once a minute. Where that fails, what was known stays.
func (l *lookups) again(ctx context.Context, a *app, agents *learn.Agents) {
	a.containers.keep()
	if len(agents.Hosts()) == 0 || a.now().Sub(l.last) < time.Minute {
		return
	}
	l.last = a.now()
	if err := resolve(ctx, agents); err != nil && ctx.Err() == nil {
		a.warn("%v; the addresses known before stay", err)
	}
}

// A progress draws one line on a terminal while long work goes on.
type progress struct {
	a    *app
	last time.Time
	on   bool
}

func newProgress(a *app) *progress { return &progress{a: a, on: !a.quiet && terminal(a.stderr)} }

func (p *progress) show(s source.Stream, flows uint64) {
	if !p.on || time.Since(p.last) < 200*time.Millisecond {
		return
	}
	p.last = p.a.now()
	part := ""
	if done, total := s.Progress(); total > 0 {
		part = fmt.Sprintf(" %3d %%", 100*done/total)
	}
	fmt.Fprintf(p.a.stderr, "\r\033[K%s%s, %s flows", s.File(), part, ipranges.Thousands(flows))
}

func (p *progress) clear() {
	if p.on {
		fmt.Fprint(p.a.stderr, "\r\033[K")
	}
}

// stamps says which zone was assumed, once.
func (t *tally) stamps(a *app, in *input) {
	if t.assumed && in.zone == "" && a.config.Zone == "" {
		a.say("The time stamps carry no zone and were read as UTC.\nIf the firewall's clock shows another: --tz Europe/Berlin")
	}
}

// losses counts and says what reading itself could not keep.
func (t *tally) losses(a *app, name string, st source.Stats) {
	t.lose(a, name, st)
	(&vigil{a: a, path: name}).end(st)
}

// lose counts it, where it was said already.
func (t *tally) lose(a *app, name string, st source.Stats) {
	t.torn = t.torn || st.Torn > 0
	t.missing = t.missing || missing(t.src, name)
	t.lost += st.Lost
	t.gone += st.Dropped + st.Missing
	t.sampled = max(t.sampled, st.Sampled)
	if st.Torn > 0 {
		a.say("%s: its last line has no end yet (%d bytes); it is read when it is complete", name, st.Torn)
	}
}

// checkPaths refuses to read nothing, and directories where a source reads none.
func checkPaths(src source.Source, args []string) error {
	if len(args) == 0 && src.Live != nil {
		return learn.WithHint(errors.New("no file to read"), "tripline learn --from %s --follow watches this machine", src.Name)
	}
	if len(args) == 0 {
		return learn.WithHint(errors.New("no file to read"), "name a log file such as /var/log/filter.log, or - for standard input")
	}
	for _, p := range args {
		if p == "-" || src.Folder {
			continue
		}
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			return learn.WithHint(fmt.Errorf("read %s: it is a directory", p), "name the log file in it")
		}
	}
	return nil
}

// cutShort gives a hint where a compressed file ends in the middle.
func cutShort(err error, hint string) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return learn.WithHint(err, "%s", hint)
	}
	return err
}

// exhausted says whether err means that there is nothing more now.
func exhausted(err error) bool { return errors.Is(err, io.EOF) }
