package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

type enforceOptions struct {
	input
	format string
	export exportOptions
}

func newEnforceCommand(a *app) *cobra.Command {
	var o enforceOptions
	c := &cobra.Command{
		Use:   "enforce --from SOURCE FILE...",
		Short: "Report what the approved baseline does not explain",
		Long: `enforce checks logs against the approved baselines and prints one alert for each new
finding; what repeats is counted. Verdicts: drift, close to an approved rule;
unexpected, nothing explains it; forbidden, no baseline may admit it.

With --follow it goes on with what is appended and prints an alert within a second;
the place in the log is kept, so nothing is missed or told twice after a restart.
With -o it also writes the alias files, and again whenever a baseline or the ranges
change.

Exit status:
  0  nothing unexpected
  1  something unexpected was found
  2  tripline could not tell; standard error says why`,
		Example: `  tripline enforce --from filterlog filter.log
  tripline enforce --from filterlog --follow /var/log/filter.log --to pfsense -o aliases/`,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), a, args) },
	}
	o.flags(c, true)
	c.Flags().StringVar(&o.format, "format", "", "json (one object a line) or text (default text on a terminal, else json)")
	o.export.flags(c)
	return c
}

func (o *enforceOptions) run(ctx context.Context, a *app, args []string) error {
	if err := paths(args); err != nil {
		return err
	}
	src, err := source.Find(o.from)
	if err != nil {
		return err
	}
	if o.follow && len(args) > 1 {
		return learn.WithHint(errors.New("--follow takes one file"), "check the older files first, without --follow")
	}
	w, err := o.prepare(ctx, a)
	if err != nil {
		return err
	}
	w.src = src
	if o.follow {
		return w.follow(ctx, args[0])
	}
	for _, path := range args {
		if err := w.file(ctx, path); err != nil {
			return err
		}
	}
	for _, al := range w.watch.Alerts() {
		if err := w.print(al); err != nil {
			return err
		}
	}
	return w.finish(args)
}

// A watching is one run of enforce.
type watching struct {
	a      *app
	o      *enforceOptions
	src    source.Source
	agents *learn.Agents
	names  []string
	watch  *enforce.Watch
	state  string // what the policy was compiled from
	out    *bufio.Writer
	write  func(io.Writer, *enforce.Alert) error
	tally  *tally
	polled time.Time
}

func (o *enforceOptions) prepare(ctx context.Context, a *app) (*watching, error) {
	w := &watching{a: a, o: o, tally: newTally(), out: bufio.NewWriter(a.stdout)}
	if o.format == "" {
		o.format = "json"
		if terminal(a.stdout) {
			o.format = "text"
		}
	}
	for _, k := range alert.All {
		if k.Name == o.format {
			w.write = k.Write
		}
	}
	if w.write == nil {
		return nil, fmt.Errorf("--format %q: want json or text", learn.Printable(o.format))
	}
	err := a.read(func(s *store.Store) error {
		if err := w.find(s); err != nil {
			return err
		}
		p, err := a.policy(s, w.names)
		if err != nil {
			return err
		}
		w.watch = enforce.NewWatch(p)
		w.state, err = a.fingerprint(s, w.names)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w, errors.Join(resolve(ctx, w.agents), w.export(w.watch.Policy()))
}

// find gets the agents' selectors.
func (w *watching) find(s *store.Store) error {
	known, err := storedAgents(s)
	if err != nil {
		return err
	}
	list, err := w.o.selected(w.a, known)
	if err != nil {
		return err
	}
	if w.agents, err = learn.NewAgents(list); err != nil {
		return err
	}
	for _, agent := range w.agents.List() {
		w.names = append(w.names, agent.Name)
	}
	return nil
}

func (w *watching) export(p *enforce.Policy) error {
	if w.o.export.out == "" {
		return nil
	}
	n, err := w.o.export.write(w.a, p)
	if err == nil {
		w.a.say("%d alias files written to %s", n, w.o.export.out)
	}
	return err
}

func (w *watching) open(path string, cursor []byte) (*source.Stream, error) {
	opts, err := w.o.options(w.a, w.agents)
	if err != nil {
		return nil, err
	}
	opts.Whole = !w.o.follow
	return source.Open(w.src, path, cursor, opts)
}

// file checks one file from its beginning.
func (w *watching) file(ctx context.Context, path string) error {
	s, err := w.open(path, nil)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	bar := newProgress(w.a)
	defer bar.clear()
	var r source.Record
	for n := 0; ; n++ {
		if n&0xfff == 0 {
			bar.show(s, w.tally.claimed())
			if ctx.Err() != nil {
				return fmt.Errorf("read %s: %w", path, context.Cause(ctx))
			}
		}
		err := s.Next(&r)
		if exhausted(err) {
			return nil
		}
		if _, _, err := w.take(s, &r, err); err != nil {
			return err
		}
	}
}

// take checks what Next returned: a record, or why there is none.
func (w *watching) take(s *source.Stream, r *source.Record, err error) (*enforce.Alert, bool, error) {
	if bad, ok := recordError(err); ok {
		w.tally.error(s.File(), bad)
		return nil, false, nil
	}
	if err != nil || !w.tally.record(r) {
		return nil, false, err
	}
	if r.Agent, err = w.agents.Of(&r.Flow); err != nil {
		return nil, false, err
	}
	w.tally.claim(&r.Flow)
	if r.Agent == "" {
		return nil, false, nil
	}
	al, isNew := w.watch.Observe(&r.Flow)
	return al, isNew, nil
}

func (w *watching) print(al *enforce.Alert) error { return w.write(w.out, al) }

// finish says what was found, and what could not be told.
func (w *watching) finish(args []string) error {
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	w.tally.report(w.a)
	w.tally.stamps(w.a, &w.o.input)
	found := w.watch.Alerts()
	if len(found) == 0 || !w.o.follow {
		if err := w.tally.errNothing(strings.Join(args, " "), w.agents.List()); err != nil {
			return err
		}
	}
	w.a.say("%s flows of %s: %s allowed, %s drift, %s unexpected, %s forbidden; %d findings",
		ipranges.Thousands(w.tally.claimed()), strings.Join(w.names, ", "),
		ipranges.Thousands(w.watch.Flows(enforce.Allowed)), ipranges.Thousands(w.watch.Flows(enforce.Drift)),
		ipranges.Thousands(w.watch.Flows(enforce.Unexpected)), ipranges.Thousands(w.watch.Flows(enforce.Forbidden)), len(found))
	if len(found) > 0 {
		return errFound
	}
	return nil
}

// follow checks what is appended until it is interrupted.
func (w *watching) follow(ctx context.Context, path string) error {
	key, err := w.key(path)
	if err != nil {
		return err
	}
	var cursor []byte
	err = w.a.read(func(s *store.Store) (err error) {
		cursor, err = s.Cursor(key)
		return err
	})
	if err != nil {
		return err
	}
	s, err := w.open(path, cursor)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	if err := w.tail(ctx, s, key); err != nil {
		return err
	}
	w.tally.losses(w.a, path, s.Stats())
	if w.tally.records == 0 {
		w.a.say("nothing was appended to %s", path)
		return nil
	}
	return w.finish([]string{path})
}

// key is where the place in a log is kept. Standard input has none.
func (w *watching) key(path string) (string, error) {
	if path == "-" {
		return "enforce\x00-", nil
	}
	abs, err := filepath.Abs(path)
	return "enforce\x00" + w.src.Name + "\x00" + abs + "\x00" + strings.Join(w.names, ","), err
}

func (w *watching) tail(ctx context.Context, s *source.Stream, key string) error {
	var r source.Record
	dirty, saved := false, w.a.now()
	for ctx.Err() == nil {
		err := s.Next(&r)
		if exhausted(err) || w.a.now().Sub(saved) > followAge {
			if err := w.pause(ctx, s, key, dirty); err != nil {
				return err
			}
			dirty, saved = false, w.a.now()
		}
		if exhausted(err) {
			if err := s.Wait(ctx, followAge); err != nil && ctx.Err() == nil {
				return err
			}
			continue
		}
		dirty = true
		al, isNew, err := w.take(s, &r, err)
		if err != nil {
			return err
		}
		if isNew {
			if err := errors.Join(w.print(al), w.out.Flush()); err != nil {
				return fmt.Errorf("write alert: %w", err)
			}
		}
	}
	return w.pause(ctx, s, key, dirty)
}

// pause keeps the place in the log, behind what was told, and takes up a new
// baseline or new ranges.
func (w *watching) pause(ctx context.Context, s *source.Stream, key string, dirty bool) error {
	if dirty && !strings.HasSuffix(key, "\x00-") {
		cursor, err := s.Cursor()
		if err != nil {
			return err
		}
		err = w.a.write("enforce", func(s *store.Store) error {
			return s.Commit(store.Batch{At: w.a.now(), Cursors: map[string][]byte{key: cursor}})
		})
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil || w.a.now().Sub(w.polled) < followAge {
		return nil
	}
	w.polled = w.a.now()
	return w.refresh()
}

// refresh compiles the policy again where what it is made of has changed, and
// writes the alias files again.
func (w *watching) refresh() error {
	var p *enforce.Policy
	err := w.a.read(func(s *store.Store) error {
		state, err := w.a.fingerprint(s, w.names)
		if err != nil || state == w.state {
			return err
		}
		w.state = state
		p, err = w.a.policy(s, w.names)
		return err
	})
	if err != nil || p == nil {
		return err
	}
	w.a.say("the baseline or the ranges have changed: checking against the new ones")
	w.watch.Replace(p)
	return w.export(p)
}

// fingerprint names everything a policy is compiled from.
func (a *app) fingerprint(s *store.Store, names []string) (string, error) {
	var b strings.Builder
	for _, name := range names {
		digest, _, err := s.Baseline(name)
		if err != nil && !errors.Is(err, store.ErrNoBaseline) {
			return "", err
		}
		b.WriteString(name + " " + digest + "\n")
	}
	list, err := s.Snapshots()
	for _, n := range list {
		b.WriteString(n.Name + " " + n.SHA256 + "\n")
	}
	return b.String(), err
}
