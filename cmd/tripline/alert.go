package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tripline/enforce/alert"
	"tripline/learn"
)

func newAlertCommand(a *app) *cobra.Command {
	c := family(&cobra.Command{
		Use:   "alert",
		Short: "List the places alerts can go to, and try them",
		Long: `alert lists the kinds of sinks that "alerts:" in tripline.yaml takes, and sends a
test to those that stand there. "enforce" sends what it finds.

Exit status:
  0  done
  2  it could not be done; standard error says why`,
		Example: `  tripline alert kinds
  tripline alert test phone`,
	})
	c.AddCommand(newAlertKindsCommand(a), newAlertTestCommand(a))
	return c
}

func newAlertKindsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "kinds [KIND]",
		Short: "List the kinds of sinks, or the settings of one",
		Long: `kinds lists what "to:" of a sink takes. With the name of one it lists its settings;
those marked as secret are given as NAME_file or NAME_env, never in tripline.yaml.

Exit status:
  0  listed
  2  there is no such kind`,
		Example: `  tripline alert kinds
  tripline alert kinds telegram`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.sinkKinds()
			}
			return a.sinkKeys(args[0])
		},
	}
}

func (a *app) sinkKinds() error {
	g := &grid{header: []string{"kind", "where alerts go", "must have"}}
	for _, k := range alert.All {
		var must []string
		for _, key := range k.Keys {
			if key.Required {
				must = append(must, settingName(key))
			}
		}
		g.rows = append(g.rows, []string{k.Name, k.Short, strings.Join(must, ", ")})
	}
	return g.write(a.stdout)
}

func (a *app) sinkKeys(name string) error {
	var names []string
	for _, k := range alert.All {
		names = append(names, k.Name)
		if k.Name != name {
			continue
		}
		g := &grid{header: []string{"setting", "what it is", "must be there"}}
		for _, key := range append(k.Keys, alert.Common...) {
			g.rows = append(g.rows, []string{settingName(key), key.Short, yes(key.Required)})
		}
		return g.write(a.stdout)
	}
	err := fmt.Errorf("no kind of sink is called %q", learn.Printable(name))
	if near, ok := nearest(name, names); ok {
		return learn.WithHint(err, "did you mean %q?", near)
	}
	return learn.WithHint(err, "tripline alert kinds")
}

// settingName is how a setting is written.
func settingName(k alert.Key) string {
	if k.Secret {
		return k.Name + "_file or " + k.Name + "_env"
	}
	return k.Name
}

func newAlertTestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "test [SINK...]",
		Short: "Send a test alert, and say what was answered",
		Long: `test sends one alert, which says that it is a test, to all sinks of "alerts:" in
tripline.yaml or to those that are named, and prints what each of them answered.
Filters, quiet hours and the queue are left out: it goes out at once.

Exit status:
  0  every sink took it
  2  one did not; it says what was answered`,
		Example: `  tripline alert test
  tripline alert test phone siem`,
		RunE: func(c *cobra.Command, args []string) error { return a.testSinks(c.Context(), args) },
	}
}

func (a *app) testSinks(ctx context.Context, names []string) error {
	list, err := a.chosen(names)
	if err != nil {
		return err
	}
	failed := 0
	for _, conf := range list {
		if err := a.testSink(ctx, conf); err != nil {
			failed++
			complain(a.stderr, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s did not take the test", failed, count(uint64(len(list)), "sink", "sinks"))
	}
	return nil
}

func (a *app) testSink(ctx context.Context, conf *learn.Sink) error {
	r, err := alert.Open(conf, a.stdout, func(text string) { a.warn("%s", text) })
	if err != nil {
		return err
	}
	began := a.now()
	answer, err := r.Test(ctx, began)
	took := a.now().Sub(began)
	if err = errors.Join(err, r.Sink.Close()); err != nil {
		return learn.WithHint(fmt.Errorf("%s (%s): %w", conf.Name, r.Kind.Name, err), "%s",
			cmp.Or(learn.HintOf(err), "mend alerts: "+conf.Name+" in tripline.yaml or its peer, and try again"))
	}
	fmt.Fprintf(a.stdout, "%s (%s): %s, in %d ms\n", conf.Name, r.Kind.Name, learn.Printable(answer), took.Milliseconds())
	return nil
}

// chosen returns the sinks of those names, or all.
func (a *app) chosen(names []string) (list []*learn.Sink, err error) {
	var known []string
	byName := map[string]*learn.Sink{}
	for i := range a.config.Alerts {
		s := &a.config.Alerts[i]
		known, byName[s.Name] = append(known, s.Name), s
		if len(names) == 0 {
			list = append(list, s)
		}
	}
	if len(known) == 0 {
		return nil, learn.WithHint(errors.New("the configuration has no sinks: nothing is sent anywhere"),
			`add "alerts:" to tripline.yaml; "tripline alert kinds" lists what it takes`)
	}
	for _, name := range names {
		s := byName[name]
		if s == nil {
			err := fmt.Errorf("no sink is called %q", learn.Printable(name))
			if near, ok := nearest(name, known); ok {
				return nil, learn.WithHint(err, "did you mean %q?", near)
			}
			return nil, learn.WithHint(err, "tripline.yaml has %s", strings.Join(known, ", "))
		}
		list = append(list, s)
	}
	return list, nil
}
