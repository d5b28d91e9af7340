package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

type alertsListOptions struct {
	agents   []string
	states   []string
	severity string
	since    age
	format   string
}

// The states that --state knows beside those of alerts.
const (
	stateOpen = "open"
	stateAll  = "all"
)

var alertStates = []string{
	stateOpen, stateAll, enforce.StatusNew, enforce.StatusActive, enforce.StatusPersistent, enforce.StatusMore, enforce.StatusResolved,
	enforce.Acknowledged, enforce.Muted,
}

func newAlertsListCommand(a *app) *cobra.Command {
	var o alertsListOptions
	c := &cobra.Command{
		Use:   "ls",
		Short: "List what was found, the last seen first",
		Long: `ls lists what was found and is not over, the last seen first. The ID is what show and
ack take; its first digits are enough.

Exit status:
  0  listed
  2  it could not be; standard error says why`,
		Example: `  tripline alerts ls --severity high --since 24h
  tripline alerts ls --agent bot --state all --format json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run(a) },
	}
	f := c.Flags()
	f.StringArrayVar(&o.agents, "agent", nil, "only the agent `NAME`; repeatable")
	f.StringArrayVar(&o.states, "state", []string{stateOpen}, "only what is in this `STATE`: "+strings.Join(alertStates, ", ")+"; repeatable")
	f.StringVar(&o.severity, "severity", "", "only what matters at least that much: `SEVERITY` info, low, medium, high or critical")
	f.Var(&o.since, "since", "only what was seen within this `DURATION`, such as 24h or 7d")
	f.StringVar(&o.format, "format", "table", "`FORMAT` of what is printed: table or json (one object a line)")
	return c
}

func (o *alertsListOptions) check() error {
	if o.format != "table" && o.format != "json" {
		return fmt.Errorf("--format %q: want table or json", learn.Printable(o.format))
	}
	if o.severity != "" && !slices.Contains(enforce.Severities, enforce.Severity(o.severity)) {
		return fmt.Errorf("--severity %q: want info, low, medium, high or critical", learn.Printable(o.severity))
	}
	for _, state := range o.states {
		if !slices.Contains(alertStates, state) {
			return fmt.Errorf("--state %q: want one of %s", learn.Printable(state), strings.Join(alertStates, ", "))
		}
	}
	return nil
}

func (o *alertsListOptions) run(a *app) error {
	if err := o.check(); err != nil {
		return err
	}
	var h *history
	err := a.read(func(s *store.Store) (err error) {
		if h, err = a.past(s); err != nil {
			return err
		}
		return o.known(s, h)
	})
	if err != nil {
		return err
	}
	now, lines := a.now(), []alertLine{}
	for _, al := range h.alerts {
		if said := h.said(al, now); o.wants(al, said, now) {
			lines = append(lines, alertLine{al, said})
		}
	}
	switch {
	case o.format == "json":
		return jsonLines(a, lines)
	case len(h.alerts) == 0:
		a.say("nothing was found yet, or not kept: tripline enforce --from filterlog --follow /var/log/filter.log, or tripline enforce --agent bot -- CMD")
		return nil
	case len(lines) == 0:
		a.say("nothing of that kind; %s in all: tripline alerts ls --state all", count(uint64(len(h.alerts)), "alert is kept", "alerts are kept"))
		return nil
	}
	if err := a.alertGrid(lines).write(a.stdout); err != nil {
		return err
	}
	a.saySilenced(lines)
	return nil
}

// known refuses an agent that there is none of: that nothing was found of it says
// nothing. One that was forgotten may have alerts.
func (o *alertsListOptions) known(s *store.Store, h *history) error {
	for _, name := range o.agents {
		if slices.ContainsFunc(h.alerts, func(al *enforce.Alert) bool { return al.Agent == name }) {
			continue
		}
		if _, err := agentNames(s, []string{name}); err != nil {
			return err
		}
	}
	return nil
}

// wants says whether an alert is to be listed.
func (o *alertsListOptions) wants(al *enforce.Alert, said string, now time.Time) bool {
	if len(o.agents) > 0 && !slices.Contains(o.agents, al.Agent) {
		return false
	}
	if o.severity != "" && enforce.Severity(o.severity).Above(al.Severity) {
		return false
	}
	if o.since > 0 && now.Sub(al.Last) > time.Duration(o.since) {
		return false
	}
	return slices.ContainsFunc(o.states, func(state string) bool {
		return state == stateAll || state == al.Status || state == said || state == stateOpen && al.Status != enforce.StatusResolved
	})
}

// An alertLine is an alert with what a person said of it.
type alertLine struct {
	*enforce.Alert
	Said string `json:"said,omitempty"`
}

func (a *app) alertGrid(lines []alertLine) *grid {
	g := &grid{header: []string{"id", "severity", "state", "agent", "what", "count", "first", "last", "said"}, right: map[int]bool{5: true}}
	for _, l := range lines {
		g.rows = append(g.rows, []string{
			l.ID[:min(len(l.ID), 12)], string(l.Severity), l.Status, l.Agent, l.what(), strconv.FormatUint(l.Count, 10),
			l.Time.Format(clockForm), l.Last.Format(clockForm), l.Said,
		})
	}
	g.dropEmpty("said")
	if columns := width(a.stdout); columns > 0 {
		g.fit(columns, "first", "severity")
		g.shrink(columns, "what", 24, middle)
	}
	if a.colored(a.stdout) {
		g.paint = func(row, _ int, text string) string { return severityColor(lines[row].Severity) + text + "\033[0m" }
	}
	return g
}

// severityColor is the colour of how much something matters.
func severityColor(s enforce.Severity) string {
	return map[enforce.Severity]string{
		enforce.Info: "\033[2m", enforce.Low: "\033[36m", enforce.Medium: "\033[33m", enforce.High: "\033[31m", enforce.Critical: "\033[1;31m",
	}[s]
}

// what is what an alert is about, in a few words.
func (l *alertLine) what() string {
	if l.Kind != enforce.Destination {
		return strings.TrimSpace(string(l.Kind) + " " + l.Subject)
	}
	text := l.Verdict.String() + " " + whither(l.Alert)
	if words := learn.Around(l.Interface, l.Tracker); l.Tracker == learn.OnlyAsked && words != "" {
		text += ", " + words
	}
	if l.Group {
		text += " and others"
	}
	return text
}

// saySilenced says what of it nobody is told of, above all what is forbidden.
func (a *app) saySilenced(lines []alertLine) {
	var h hushed
	for _, l := range lines {
		h.count(l.Said, l.Alert)
	}
	if h.all() > 0 {
		a.say("%s%s", count(uint64(len(lines)), "alert", "alerts"), strings.TrimSuffix(h.String(), ": tripline alerts ls"))
	}
}
