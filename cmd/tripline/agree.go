package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/enforce/export"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

type agreeOptions struct {
	tables  []string
	command string
	agents  []string
	since   age
	prefix  string
	most    int
	format  string
}

func newAgreeCommand(a *app) *cobra.Command {
	o := agreeOptions{since: age(7 * 24 * time.Hour)}
	c := &cobra.Command{
		Use:   "agree --table FILE | --command COMMAND",
		Short: "Compare the firewall's tables with what agents used",
		Long: `agree takes what a firewall holds in the tables of an export and compares it with the
flows that were learned: what the approved policy admits and the table lacks would have
been blocked, and agree says by which name, how often and why: a name that was resolved
elsewhere, a table that is older than the baseline or the ranges, one that was cut off
or never loaded. It also says what a table holds that the policy does not admit.

--table takes what "pfctl -t NAME -T show" printed, or the text of an alias, as FILE or
NAME=FILE. --command is run for each table, with its name for {table}: without a shell,
for 30 seconds at most.

Exit status:
  0  every table holds what was used, and no more than it should
  1  something would have been blocked, or a table opens more
  2  tripline could not tell; standard error says why`,
		Example: `  tripline agree --command 'ssh root@192.0.2.1 pfctl -t {table} -T show' --agent bot
  tripline agree --table tripline_bot_tcp443=shown.txt --agent bot --since 24h`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), a) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.tables, "table", nil, "what the firewall holds: `FILE` or NAME=FILE, - is standard input; repeatable")
	f.StringVar(&o.command, "command", "", "a `COMMAND` that prints the table {table}")
	f.StringArrayVar(&o.agents, "agent", nil, "only the agent `NAME`; repeatable")
	f.Var(&o.since, "since", "how far back: a `DURATION` such as 7d or 24h (default 7d)")
	f.StringVar(&o.prefix, "prefix", "", "`WORD` that the names of aliases begin with (default tripline)")
	f.IntVar(&o.most, "max-entries", 0, "the tables were exported with at most `N` entries (default 0, no limit)")
	f.StringVar(&o.format, "format", "table", "`FORMAT` of what is found: table or json")
	return c
}

func (o *agreeOptions) run(ctx context.Context, a *app) error {
	if o.format != "table" && o.format != "json" {
		return fmt.Errorf("--format %q: want table or json", learn.Printable(o.format))
	}
	if (len(o.tables) == 0) == (o.command == "") {
		return learn.WithHint(errors.New("want what the firewall holds: --table or --command"), "tripline agree --command 'pfctl -t {table} -T show'")
	}
	var policy *enforce.Policy
	var tables []export.Table
	var used []export.Use
	err := a.read(func(s *store.Store) (err error) {
		if policy, err = a.policy(s, o.agents); err != nil {
			return err
		}
		if tables, err = a.tables(s, o.agents, export.Options{Prefix: o.prefix, Most: o.most}); err != nil {
			return err
		}
		used, err = usedSince(s, policy, a.now().Add(-time.Duration(o.since)))
		return err
	})
	if err != nil {
		return err
	}
	held, err := o.held(ctx, a, tables)
	if err != nil {
		return err
	}
	return o.tell(a, export.Agree(policy, tables, held, used), held)
}

// tables are what the firewall should have now.
func (a *app) tables(s *store.Store, agents []string, o export.Options) ([]export.Table, error) {
	p, err := a.filtered(s, agents)
	if err != nil {
		return nil, err
	}
	o.Agents = agents
	return export.Tables(p, o)
}

// usedSince returns what agents used that the policy admits.
func usedSince(s *store.Store, p *enforce.Policy, since time.Time) ([]export.Use, error) {
	u := newUses()
	for _, agent := range p.Agents {
		err := s.Replay(agent.Name, func(f *learn.Flow, _ string) {
			if !f.Time.Before(since) && p.Check(f) == enforce.Allowed {
				u.add(f)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read flows of %s: %w", agent.Name, err)
		}
	}
	return u.list(), nil
}

// uses are flows by what they went to.
type uses struct {
	at   map[useKey]*export.Use
	most int // 0: no bound
	lost uint64
}

type useKey struct {
	agent  string
	target learn.Target
}

func newUses() *uses { return &uses{at: map[useKey]*export.Use{}} }

func (u *uses) add(f *learn.Flow) {
	key := useKey{f.Agent, learn.Target{Service: f.Service(), Addr: f.Dst, Name: f.Name}}
	x := u.at[key]
	if x == nil {
		if u.most > 0 && len(u.at) >= u.most {
			u.lost++
			return
		}
		x = &export.Use{Agent: f.Agent, Target: key.target}
		u.at[key] = x
	}
	x.Flows++
	if f.Action == learn.Refused {
		x.Blocked++
	}
	if f.Time.After(x.Last) {
		x.Last = f.Time
	}
}

func (u *uses) list() []export.Use {
	out := make([]export.Use, 0, len(u.at))
	for _, x := range u.at {
		out = append(out, *x)
	}
	return out
}

// held reads what the firewall holds, by the name of the table.
func (o *agreeOptions) held(ctx context.Context, a *app, tables []export.Table) (map[string]export.Held, error) {
	if o.command != "" {
		args, err := commandWords(o.command)
		if err != nil {
			return nil, fmt.Errorf("--command: %w", err)
		}
		return heldBy(ctx, args, tables)
	}
	held := map[string]export.Held{}
	for _, text := range o.tables {
		name, path, named := strings.Cut(text, "=")
		if !named {
			name, path = "", text
		}
		h, err := readHeld(a, path)
		if err != nil {
			return nil, err
		}
		if name, err = whichTable(name, path, h, tables); err != nil {
			return nil, err
		}
		held[name] = h
	}
	return held, nil
}

// heldBy asks for each table.
func heldBy(ctx context.Context, args []string, tables []export.Table) (map[string]export.Held, error) {
	if !slices.ContainsFunc(args, func(s string) bool { return strings.Contains(s, "{table}") }) && len(tables) > 1 {
		return nil, learn.WithHint(errors.New("the command prints one table, and there are more"), "put {table} where the name of the table stands: pfctl -t {table} -T show")
	}
	held := map[string]export.Held{}
	for _, t := range tables {
		own := slices.Clone(args)
		for i := range own {
			own[i] = strings.ReplaceAll(own[i], "{table}", t.Name)
		}
		text, err := output(ctx, own)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
		h := export.ReadHeld(text)
		if h.Set.IsEmpty() && h.Unread > 0 {
			return nil, fmt.Errorf("table %s: the command printed no address, but %q", t.Name, learn.Printable(h.First))
		}
		held[t.Name] = h
	}
	return held, nil
}

func readHeld(a *app, path string) (export.Held, error) {
	in := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return export.Held{}, fmt.Errorf("read table: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	b := &bounded{most: commandMost}
	_, err := io.Copy(b, in)
	if err != nil {
		return export.Held{}, fmt.Errorf("read table %s: %w", path, err)
	}
	h := export.ReadHeld(b.text)
	if h.Set.IsEmpty() && h.Unread > 0 {
		return h, fmt.Errorf("read table %s: %s and no address; the first is %q", path, count(uint64(h.Unread), "line", "lines"), learn.Printable(h.First))
	}
	return h, nil
}

// whichTable says which table a file is of: as the user says, as the file itself
// or its name does, or the only one there is.
func whichTable(name, path string, h export.Held, tables []export.Table) (string, error) {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.Name
	}
	base := path[strings.LastIndex(path, "/")+1:]
	for _, n := range []string{name, h.Name, strings.TrimSuffix(base, ".txt")} {
		if slices.Contains(names, n) {
			return n, nil
		}
		if n == name && name != "" {
			return "", learn.WithHint(fmt.Errorf("no table is called %q", learn.Printable(name)), "the tables are: %s", strings.Join(names, ", "))
		}
	}
	if len(names) == 1 {
		return names[0], nil
	}
	return "", learn.WithHint(fmt.Errorf("which table %s is of is not known", learn.Printable(path)), "--table NAME=%s, with one of %s", quotedPath(path), strings.Join(names, ", "))
}

// tell says what was found.
func (o *agreeOptions) tell(a *app, g export.Agreement, held map[string]export.Held) error {
	for name, h := range held {
		if h.Unread > 0 {
			a.warn("table %s: %s could not be read (the first: %q)", name, count(uint64(h.Unread), "line", "lines"), learn.Printable(h.First))
		}
	}
	if o.format == "json" {
		if err := writeJSON(a, agreementJSON(g)); err != nil {
			return err
		}
	} else if err := showAgreement(a, g); err != nil {
		return err
	}
	var flows, blocked uint64
	for _, l := range g.Lacks {
		flows, blocked = flows+l.Flows, blocked+l.Blocked
	}
	a.say("%s of what the policy admits checked with %s: %s would have been blocked, %s were", count(g.Checked, "flow", "flows"),
		count(uint64(len(held)), "table", "tables"), ipranges.Thousands(flows), ipranges.Thousands(blocked))
	switch {
	case len(g.Lacks) > 0 || len(g.Surplus) > 0:
		return errFound
	case g.Checked == 0:
		return learn.WithHint(fmt.Errorf("no flow since %s is one of these tables': nothing can be told", a.now().Add(-time.Duration(o.since)).Format(clockForm)),
			"--since 90d looks further back; tripline learn records flows")
	}
	return nil
}

func showAgreement(a *app, g export.Agreement) error {
	if len(g.Lacks) > 0 {
		t := &grid{header: []string{"table", "would have been blocked", "flows", "blocked", "last", "likely cause"}, right: map[int]bool{2: true, 3: true}}
		for _, l := range g.Lacks {
			t.rows = append(t.rows, []string{l.Table, toOf(l), ipranges.Thousands(l.Flows), ipranges.Thousands(l.Blocked), day(l.Last), l.Why})
		}
		if err := t.write(a.stdout); err != nil {
			return err
		}
	}
	for _, s := range g.Surplus {
		if _, err := fmt.Fprintf(a.stdout, "%s opens %s addresses that the policy does not admit, the first %s: let the firewall load it again\n", s.Table, s.Opens, s.First); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// toOf is a destination with its address, where there is one.
func toOf(l export.Lack) string {
	if len(l.Addrs) == 1 && l.To != l.Addrs[0].String() {
		return l.To + " at " + l.Addrs[0].String()
	}
	if len(l.Addrs) > 1 {
		return fmt.Sprintf("%s at %d addresses", l.To, len(l.Addrs))
	}
	return l.To
}

type lackJSON struct {
	Table   string    `json:"table"`
	Agent   string    `json:"agent"`
	To      string    `json:"to"`
	Addrs   []string  `json:"addresses"`
	Flows   uint64    `json:"flows"`
	Blocked uint64    `json:"blocked"`
	Last    time.Time `json:"last"`
	Why     string    `json:"why"`
}

type surplusJSON struct {
	Table string `json:"table"`
	Agent string `json:"agent"`
	V4    uint64 `json:"ipv4"`
	V6    uint64 `json:"ipv6_64"`
	First string `json:"first"`
}

func agreementJSON(g export.Agreement) any {
	lacks, more := []lackJSON{}, []surplusJSON{}
	for _, l := range g.Lacks {
		j := lackJSON{Table: l.Table, Agent: l.Agent, To: l.To, Flows: l.Flows, Blocked: l.Blocked, Last: l.Last, Why: l.Why}
		for _, addr := range l.Addrs {
			j.Addrs = append(j.Addrs, addr.String())
		}
		lacks = append(lacks, j)
	}
	for _, s := range g.Surplus {
		more = append(more, surplusJSON{s.Table, s.Agent, s.Opens.V4, s.Opens.V6, s.First.String()})
	}
	return struct {
		Checked uint64        `json:"checked"`
		Lacks   []lackJSON    `json:"would_have_been_blocked"`
		More    []surplusJSON `json:"opens_more"`
	}{g.Checked, lacks, more}
}
