package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/enforce/export"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

type enforceOptions struct {
	input
	format  string
	queue   string
	figures string
	send    bool
	export  exportOptions
	publish publishOptions

	offenders, offendersShared bool

	service learn.Daemon
	budgets bool
	sandbox sandboxOptions
}

func newEnforceCommand(a *app) *cobra.Command {
	var o enforceOptions
	c := &cobra.Command{
		Use:   "enforce --from SOURCE FILE... | enforce --agent NAME -- CMD",
		Short: "Report what the approved baseline does not explain",
		Long: `enforce checks logs against the approved baselines and prints one alert for each new
finding; what repeats is counted. Verdicts: drift, close to an approved rule;
unexpected, nothing explains it; forbidden, no baseline may admit it.

With --follow it goes on with what is appended, to one log or several, and tells at
once what is new, what goes on (active, persistent) and what is over (resolved). Many
at once are one alert. The place in the log is kept with what was found: nothing is
missed after a crash, and what is told again has the same event ID. What was found, and
what you say of it, is in "tripline alerts".
With "alerts:" in tripline.yaml what is found is sent there as well (see
"tripline alert"): with --follow at once, else with --send.
With -o it also writes the alias files, and again whenever a baseline or the ranges
change.

What one of several sources saw and another one, that could have, did not is a finding
(one_side), and so is an agent that stops asking DNS while others do (unnamed). How
much of the traffic has a name is said at the end, and kept in --figures FILE.

With -- CMD it runs a command in a sandbox (on Linux, no root needed): only what the
baseline admits leaves, anything else is refused at once. Alerts are on standard error,
also once more for what an earlier command of the agent was found to do. The command's
status is passed on, 1 for one that ended well where something was found; 125 says that
there was no sandbox, or that not all could be kept.

Where more comes that the baseline does not admit than was foretold when it was
approved, it says once that the baseline is stale (see "tripline forecast").

Exit status:
  0  nothing unexpected
  1  something unexpected was found
  2  tripline could not tell; standard error says why`,
		Example: `  tripline enforce --from filterlog --follow /var/log/filter.log --to pfsense -o aliases/
  tripline enforce --agent bot -- python3 agent.py`,
		RunE: func(c *cobra.Command, args []string) error {
			command, err := commandOf(c, args)
			if err != nil {
				return a.usage(c, err)
			}
			if command != nil {
				return sandboxFailure(o.command(c.Context(), a, command))
			}
			return o.run(c.Context(), a, args)
		},
	}
	o.flags(c, true)
	c.Flags().StringVar(&o.format, "format", "", "`FORMAT` of alerts: text, json (one object a line), cef, ecs, leef, ocsf or wazuh (default text on a terminal and for CMD, else json)")
	c.Flags().StringVar(&o.queue, "queue", "", "`FILE` that keeps alerts until they are delivered (default beside the database, .alerts behind its name)")
	c.Flags().BoolVar(&o.send, "send", false, "send alerts to the sinks of tripline.yaml also without --follow")
	c.Flags().StringVar(&o.figures, "figures", "", "keep how much was seen in `FILE` as JSON: flows by verdict, the share that has a name, what each of several sources saw")
	o.sandbox.flags(c)
	o.export.flags(c)
	o.serviceFlags(c)
	c.Flags().BoolVar(&o.budgets, "budgets", false, "hold agents to what they sent before as well; \"tripline budget\" shows it")
	c.Flags().StringVar(&o.publish.Listen, "serve", "", "`ADDRESS:PORT` where a firewall fetches the alias files while following, such as 127.0.0.1:8080")
	o.publish.flags(c)
	offendersFlags(c, &o)
	return c
}

func (o *enforceOptions) run(ctx context.Context, a *app, args []string) error {
	src, args, err := o.connections(args)
	if err != nil {
		return err
	}
	if o.follow && len(args) > 1 { // two firewalls, say: one process follows both
		if src, args, err = o.together([]source.Source{src}, nil, args); err != nil {
			return err
		}
	}
	if err := errors.Join(o.serve(a), o.published(a)); err != nil {
		return err
	}
	w, err := o.prepare(ctx, a)
	if err != nil {
		return err
	}
	w.src, w.tally.src, w.path = src, src, args[0]
	if err := o.find(ctx, a, src, w.agents); err != nil {
		return err
	}
	a.locate(w.agents)
	defer a.containers.keep()
	if err := w.begin(ctx); err != nil {
		return errors.Join(err, w.closeParts())
	}
	defer w.ending(ctx)()
	return errors.Join(w.check(ctx, args), w.closeParts())
}

func (w *watching) check(ctx context.Context, args []string) error {
	if w.o.follow {
		return w.follow(ctx, args[0])
	}
	var broken error
	for i := 0; i < len(args) && broken == nil; i++ {
		broken = w.file(ctx, args[i])
	}
	if broken == nil {
		broken = w.tick(ctx, w.a.now())
	}
	if err := w.list(); err != nil { // what was found before the trouble as well
		return err
	}
	if broken != nil {
		return errors.Join(cutShort(broken, "copy the file again, whole; what it holds behind that is not known"), w.out.Flush())
	}
	return w.finish(args)
}

func (o *enforceOptions) prepare(ctx context.Context, a *app) (*watching, error) {
	w := &watching{a: a, o: o, tally: newTally(), ageing: newAgeing(a.now()), out: bufio.NewWriter(a.stdout), prints: a.stdout}
	if o.format == "" {
		o.format = "json"
		if terminal(a.stdout) {
			o.format = "text"
		}
	}
	format, err := alert.FindFormat(o.format)
	if err != nil {
		return nil, fmt.Errorf("--format: %w", err)
	}
	w.write = format.Write
	if format.Name == "text" && a.colored(a.stdout) {
		w.write = alert.Colored
	}
	if _, err := export.Find(o.export.to); err != nil {
		return nil, err
	}
	err = a.read(func(s *store.Store) error {
		if err := w.find(s); err != nil {
			return err
		}
		p, err := a.policy(s, w.names)
		if err != nil {
			return err
		}
		w.watch = enforce.NewWatch(p, w.terms())
		if w.state, err = a.fingerprint(s, w.names); err != nil {
			return err
		}
		said, err := s.Said()
		w.heed(said)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w, errors.Join(resolve(ctx, w.agents), w.export())
}
