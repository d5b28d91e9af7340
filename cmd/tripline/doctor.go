package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/store"
)

// A check looks at one thing that tripline needs and says how it is. Checks are
// one file each (doctorNAME.go) and stand in one list.
type check struct {
	name, short string
	asked       bool // only where it is named: what most do not use
	stored      bool // needs the database
	look        func(ctx context.Context, d *doctor) error
}

// checks are all of them, in the order they are made: what others need comes
// first.
func checks() []check {
	return []check{
		configCheck,
		databaseCheck,
		sourcesCheck,
		clocksCheck,
		rangesCheck,
		baselinesCheck,
		aliasesCheck,
		sinksCheck,
		metricsCheck,
		diskCheck,
		sandboxCheck,
	}
}

// A doctor is one examination.
type doctor struct {
	a        *app
	input    // what a user says of sources and agents
	send     bool
	out      string // where the alias files are
	format   string
	broken   error // why the configuration could not be read
	read     []*looked
	check    string
	outcomes []outcome
}

// Levels of an outcome.
const (
	levelOK   = "ok"
	levelWarn = "warn"
	levelFail = "fail"
)

// An outcome is one line of an examination. Its JSON form is only ever extended.
type outcome struct {
	Check   string `json:"check"`
	Level   string `json:"level"`
	Subject string `json:"subject,omitempty"` // what it is about: a file, an agent
	What    string `json:"what"`
	Do      string `json:"do,omitempty"` // a command to paste, or what to do in words
}

// ok notes that something is as it should be.
func (d *doctor) ok(subject, format string, args ...any) {
	d.note(outcome{Level: levelOK, Subject: subject, What: fmt.Sprintf(format, args...)})
}

// warn notes what a person should look at; do is what to do about it.
func (d *doctor) warn(subject, do, format string, args ...any) {
	d.note(outcome{Level: levelWarn, Subject: subject, What: fmt.Sprintf(format, args...), Do: do})
}

// fail notes what keeps tripline from doing its work; do is what to do about it.
func (d *doctor) fail(subject, do, format string, args ...any) {
	d.note(outcome{Level: levelFail, Subject: subject, What: fmt.Sprintf(format, args...), Do: do})
}

// failed notes an error with its own hint.
func (d *doctor) failed(subject string, err error) {
	d.fail(subject, learn.HintOf(err), "%v", err)
}

func (d *doctor) note(o outcome) {
	o.Check = d.check
	d.outcomes = append(d.outcomes, o)
}

// count returns how many outcomes have a level.
func (d *doctor) count(level string) (n uint64) {
	for _, o := range d.outcomes {
		if o.Level == level {
			n++
		}
	}
	return n
}

func newDoctorCommand(a *app) *cobra.Command {
	d := doctor{a: a}
	c := &cobra.Command{
		Use:   "doctor [CHECK...]",
		Short: "Look at everything that tripline needs, and say what to do",
		Long: `doctor looks at the configuration, the database, the logs that are read and their
clocks, the ranges, the baselines and the alias files, and says of each whether it is
as it should be, with what to do where it is not. It changes nothing.

` + checkLines() + `

Logs are those that learn and enforce have read; --from SOURCE=FILE looks at another.

Exit status:
  0  all is well
  1  something should be looked at
  2  something keeps tripline from doing its work, or could not be looked at`,
		Example: `  tripline doctor
  tripline doctor sources clocks --from filterlog=/var/log/filter.log`,
		ValidArgs: checkNames(),
		// Its own, for a configuration that cannot be read is what it looks at.
		PersistentPreRunE: func(*cobra.Command, []string) error { return d.configure() },
		RunE:              func(c *cobra.Command, args []string) error { return d.run(c.Context(), args) },
	}
	f := c.Flags()
	f.StringArrayVar(&d.from, "from", nil, "a log to look at: `SOURCE=FILE`; repeatable (default those that were read before)")
	f.StringArrayVar(&d.agents, "agent", nil, "whose connections to look for: `NAME=SELECTOR,...`; repeatable (default those that are known)")
	f.StringVar(&d.zone, "tz", "", "time `ZONE` of stamps that carry none (default UTC)")
	f.StringVarP(&d.out, "aliases", "o", "", "`DIR` of the alias files (default aliases beside the database)")
	f.BoolVar(&d.send, "send", false, "send a test alert to every sink")
	f.StringVar(&d.format, "format", "text", "`FORMAT` of what is found: text or json")
	return c
}

// configure takes an unreadable configuration for a finding.
func (d *doctor) configure() error {
	if err := d.a.checkColor(); err != nil {
		return err
	}
	if d.broken = d.a.configure(); d.broken != nil {
		d.a.config = learn.Config{Never: learn.NewNever(nil, nil)}
	}
	return nil
}

// checkLines are the checks as the help lists them.
func checkLines() string {
	var lines []string
	for _, c := range checks() {
		lines = append(lines, fmt.Sprintf("  %-10s %s", c.name, c.short))
	}
	return strings.Join(lines, "\n")
}

func checkNames() (names []string) {
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

func (d *doctor) run(ctx context.Context, args []string) error {
	if d.format != "text" && d.format != "json" {
		return fmt.Errorf("--format %q: want text or json", learn.Printable(d.format))
	}
	list, err := wantedChecks(args)
	if err != nil {
		return err
	}
	d.examine(ctx, list)
	if err := d.show(); err != nil {
		return err
	}
	return d.verdict()
}

// wantedChecks returns the checks of these names, or all that most need.
func wantedChecks(names []string) (list []check, err error) {
	for _, name := range names {
		if !slices.Contains(checkNames(), name) {
			return nil, learn.WithHint(fmt.Errorf("no check called %q", learn.Printable(name)), "the checks are: %s", strings.Join(checkNames(), ", "))
		}
	}
	for _, c := range checks() {
		if slices.Contains(names, c.name) || len(names) == 0 && !c.asked {
			list = append(list, c)
		}
	}
	return list, nil
}

// examine makes the checks. Without a database, those that need it are not made,
// and one line says so.
func (d *doctor) examine(ctx context.Context, list []check) {
	without := d.a.read(func(*store.Store) error { return nil })
	var skipped []string
	for _, c := range list {
		if d.check = c.name; c.stored && without != nil {
			skipped = append(skipped, c.name)
			continue
		}
		if err := c.look(ctx, d); err != nil {
			d.failed("", err)
		}
	}
	if len(skipped) == 0 {
		return
	}
	why := ""
	if d.check = databaseCheck.name; !slices.ContainsFunc(list, func(c check) bool { return c.name == d.check }) { // which said it
		why = ": " + without.Error()
	}
	d.fail("", learn.HintOf(without), "not looked at without the database: %s%s", strings.Join(skipped, ", "), why)
}

// verdict is how an examination ends.
func (d *doctor) verdict() error {
	switch {
	case d.count(levelFail) > 0:
		return errTold
	case d.count(levelWarn) > 0:
		return errFound
	}
	return nil
}
