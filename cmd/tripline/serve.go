package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/enforce/export/publish"
	"tripline/learn"
	"tripline/store"
)

type serveOptions struct {
	publish publishOptions
	export  exportOptions
}

func newServeCommand(a *app) *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Let a firewall fetch the alias files over HTTP",
		Long: `serve lets pfSense and OPNsense fetch alias files as URL tables, from
http://ADDRESS:PORT/TOKEN/NAME.txt. With DIR it serves the files that an export wrote
there, and what is written there later. Without it, it writes the tables of the
approved baselines itself (into -o DIR), and again whenever a baseline, the ranges or
what names are resolved to change. "enforce --serve" does the same while it watches.

A firewall takes whatever comes with the status 200, and an empty answer empties the
table. So a table that holds no address, or would lose more than half of its addresses
though nobody approved anything, is not put in place: the last good one is served on,
and standard error says so. Whoever does not know the token learns nothing.

Exit status:
  0  served until it was interrupted
  2  it could not be served; standard error says why`,
		Example: `  tripline serve --listen 127.0.0.1:8080
  tripline serve aliases/ --listen 192.0.2.5:8443 --tls-cert fw.crt --tls-key fw.key`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), a, args) },
	}
	c.Flags().StringVar(&o.publish.Listen, "listen", "", "`ADDRESS:PORT` to serve at (default 127.0.0.1:8080)")
	o.publish.flags(c)
	o.export.flags(c)
	c.AddCommand(newServeTokenCommand(a))
	return c
}

func newServeTokenCommand(a *app) *cobra.Command {
	var o publishOptions
	var again bool
	c := &cobra.Command{
		Use:   "token",
		Short: "Print the secret part of the path, or make another",
		Long: `token prints the token that stands in the path of every table, and makes it if there is
none. Who has it can read which addresses agents may reach, and nothing else.

Exit status:
  0  printed
  2  it could not be read or made; standard error says why`,
		Example: `  tripline serve token
  tripline serve token --new`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.token(a, again) },
	}
	c.Flags().BoolVar(&again, "new", false, "make another one; the firewall has to be told, and tripline restarted")
	c.Flags().StringVar(&o.TokenFile, "token-file", "", "`FILE` that holds it (default serve.token beside the database)")
	return c
}

func (p *publishOptions) token(a *app, again bool) error {
	if err := p.settle(a); err != nil {
		return err
	}
	get := func(path string) (string, error) {
		token, made, err := publish.Token(path)
		if made {
			a.say("made in %s", path)
		}
		return token, err
	}
	if again {
		get = publish.NewToken
	}
	token, err := get(p.TokenFile)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout, token); err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	return nil
}

func (o *serveOptions) run(ctx context.Context, a *app, args []string) error {
	if err := o.publish.settle(a); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	o.publish.Listen = cmp.Or(o.publish.Listen, "127.0.0.1:8080")
	if len(args) == 1 {
		if o.export.out != "" {
			return errors.New("DIR is served as it is, and -o DIR is written: want one of them")
		}
		if _, err := os.ReadDir(args[0]); err != nil {
			return learn.WithHint(fmt.Errorf("serve: %w", err), "tripline export --to pfsense -o %s", quotedPath(args[0]))
		}
		return o.serve(ctx, a, args[0], nil)
	}
	o.export.out = cmp.Or(o.export.out, a.aliasDir())
	r := &rewriting{a: a, o: o}
	if err := r.look(); err != nil {
		return err
	}
	return o.serve(ctx, a, o.export.out, r)
}

// serve serves a directory until ctx ends, and keeps it fresh if it is ours.
func (o *serveOptions) serve(ctx context.Context, a *app, dir string, r *rewriting) error {
	p, err := newOutlet(a, o.publish, dir, r != nil)
	if err != nil {
		return err
	}
	defer p.close() //nolint:errcheck // it has ended
	tick := time.NewTicker(followAge)
	defer tick.Stop()
	for first := true; ; first = false {
		refused := p.look()
		for _, f := range refused {
			a.warn("%s is not served: %v; the last one is, if there was any", f.Name, f.Why)
		}
		if first {
			a.say("%s served", count(uint64(len(p.shelf.List())), "file is", "files are"))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := p.fate(); err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		if r != nil {
			r.again()
		}
	}
}

// A rewriting writes the tables of the approved baselines where what they are made
// of has changed.
type rewriting struct {
	a     *app
	o     *serveOptions
	state string
	told  string
}

// again looks, and says what went wrong once.
func (r *rewriting) again() {
	err := r.look()
	if err == nil || errors.Is(err, store.ErrLocked) {
		r.told = ""
		return
	}
	if text := err.Error(); text != r.told {
		r.told = text
		r.a.warn("the alias files are not fresh: %s%s; what there is is served on", text, andHint(err))
	}
}

func (r *rewriting) look() error {
	var p *enforce.Policy
	err := r.a.read(func(s *store.Store) error {
		names, err := agentNames(s, r.o.export.agents)
		if err != nil {
			return err
		}
		state, err := r.a.fingerprint(s, names)
		if err != nil {
			return err
		}
		parts := []string{state}
		for _, name := range names {
			all, err := s.Resolved(name)
			if err != nil {
				return err
			}
			parts = append(parts, fmt.Sprintln(name, learn.Fresh(all, r.a.now())))
		}
		state = strings.Join(parts, "")
		if state == r.state {
			return nil
		}
		if p, err = r.a.filtered(s, r.o.export.agents); err == nil {
			r.state = state
		}
		return err
	})
	if err != nil || p == nil {
		return err
	}
	r.o.export.whole = len(r.o.export.agents) == 0
	t, err := r.o.export.fresh(p, float64(r.o.publish.MaxShrink)/100)
	if err != nil {
		r.state = "" // the next time
		return err
	}
	t.tell(r.a)
	for _, f := range t.refused {
		r.a.warn("%s is not put in place, the last one stays: %v. If it is right: tripline export --to %s -o %s", f.table, f.why, r.o.export.to, quotedPath(r.o.export.out))
	}
	return nil
}
