package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/learn"
	"tripline/store"
)

type sayOptions struct {
	by, reason string
	span       age
}

func (o *sayOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.by, "by", userName(), "who says so: `NAME`")
	c.Flags().StringVar(&o.reason, "reason", "", "why, kept with it: `TEXT`")
}

func newAlertsAckCommand(a *app) *cobra.Command {
	var o sayOptions
	c := &cobra.Command{
		Use:   "ack ID --reason TEXT",
		Short: "Say that a finding is known",
		Long: `ack takes down that a finding is known. While it only repeats it stays quiet; when it
matters more, or what was refused is let through, it is told again. When it is over and
comes back, it is a new finding.

Exit status:
  0  taken down
  2  it was not; standard error says why`,
		Example: `  tripline alerts ack 3f9a2c --reason "the new mirror, to be approved on Monday"
  tripline alerts ack 3f9a2c --by ops --reason "ticket 4711"`,
		Args: wantID("ack"),
		RunE: func(_ *cobra.Command, args []string) error { return o.ack(a, args[0]) },
	}
	o.flags(c)
	return c
}

func (o *sayOptions) ack(a *app, id string) error {
	if strings.TrimSpace(o.reason) == "" {
		return errReason("tripline alerts ack " + learn.Printable(id))
	}
	return a.write("alerts ack", func(s *store.Store) error {
		h, err := a.past(s)
		if err != nil {
			return err
		}
		al, err := h.find(id)
		if err != nil {
			return err
		}
		data, err := json.Marshal(enforce.Ack{ID: al.ID, By: o.by, At: a.now(), Reason: o.reason, Severity: al.Severity, Action: al.Action})
		if err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
		if _, err := s.PutSaid(store.Said{Key: al.ID, Data: data}); err != nil {
			return err
		}
		line := alertLine{Alert: al}
		a.say("%s: acknowledged: %s", al.ID, learn.Printable(strings.TrimSpace(al.Agent+" "+line.what())))
		return nil
	})
}

func newAlertsUnackCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "unack ID",
		Short: "Take back that a finding is known",
		Long: `unack takes back what ack said: the finding is told when its status changes next.

Exit status:
  0  taken back
  2  it was not acknowledged, or that could not be written; standard error says why`,
		Example: `  tripline alerts unack 3f9a2c
  tripline alerts unack 3f9a2c17d04be5aa`,
		Args: wantID("unack"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.write("alerts unack", func(s *store.Store) error {
				h, err := a.past(s)
				if err != nil {
					return err
				}
				al, err := h.find(args[0])
				if err != nil {
					return err
				}
				was, err := s.PutSaid(store.Said{Key: al.ID})
				if err == nil && !was {
					err = fmt.Errorf("%s was not acknowledged", al.ID)
				}
				return err
			})
		},
	}
}

func newAlertsMuteCommand(a *app) *cobra.Command {
	var o sayOptions
	c := &cobra.Command{
		Use:   "mute SELECTOR --for DURATION --reason TEXT",
		Short: "Keep alerts quiet for a while",
		Long: `mute keeps quiet what SELECTOR selects until the time is over. What is found is kept
and counted all the same. SELECTOR is terms with commas between them, all of which must
hold: agent=NAME, kind=KIND, verdict=drift, severity=low (and less), port=tcp/443,
subject=TEXT, to=ADDRESS, PREFIX, NAME or *.NAME. A verdict, a destination or a port
needs no key, and any other word is an agent. The same selector again replaces the mute.

Exit status:
  0  taken down
  2  it was not; standard error says why`,
		Example: `  tripline alerts mute bot,drift --for 7d --reason "the provider moves"
  tripline alerts mute kind=sensor_silent --for 2h --reason "firewall upgrade"`,
		Args: wantSelector("mute"),
		RunE: func(_ *cobra.Command, args []string) error { return o.mute(a, args[0]) },
	}
	o.flags(c)
	c.Flags().Var(&o.span, "for", "how long: a `DURATION` such as 2h, 7d or 4w")
	return c
}

func wantSelector(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return learn.WithHint(errors.New("want one selector"), "tripline alerts %s bot,drift; terms have commas between them and no blanks", command)
		}
		return nil
	}
}

// mostMute is the longest mute: one without an end is forgotten.
const mostMute = 366 * 24 * time.Hour

func (o *sayOptions) mute(a *app, text string) error {
	m, err := enforce.ParseMatch(text)
	span := time.Duration(o.span)
	switch {
	case err != nil:
		return learn.WithHint(fmt.Errorf("selector %w", err), "tripline alerts mute --help")
	case span <= 0 || span > mostMute:
		return learn.WithHint(errors.New("--for: want how long, a year at most"), "--for 7d")
	case strings.TrimSpace(o.reason) == "":
		return errReason("tripline alerts mute " + quotedPath(text) + " --for " + span.String())
	}
	now := a.now()
	said := enforce.Mute{Selector: text, Until: now.Add(span), By: o.by, At: now, Reason: o.reason}
	data, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("mute: %w", err)
	}
	return a.write("alerts mute", func(s *store.Store) error {
		h, err := a.past(s)
		if err != nil {
			return err
		}
		if _, err := s.PutSaid(store.Said{Key: mutePrefix + text, Data: data}); err != nil {
			return err
		}
		a.say("muted until %s: %s", said.Until.Format("2006-01-02 15:04 MST"), learn.Printable(text))
		a.sayMuted(h, m)
		return nil
	})
}

// sayMuted says what of today a selector selects.
func (a *app) sayMuted(h *history, m enforce.Match) {
	var open, dire uint64
	for _, al := range h.alerts {
		if al.Status == enforce.StatusResolved || !m.Selects(al) {
			continue
		}
		if open++; isForbidden(al) {
			dire++
		}
	}
	a.say("it selects %s", count(open, "alert that is open now", "alerts that are open now"))
	if dire > 0 {
		a.warn("%s forbidden: they stay quiet, but each is said on standard error and counted", count(dire, "of them is", "of them are"))
	}
}

func newAlertsUnmuteCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "unmute SELECTOR",
		Short: "End a mute before its time",
		Long: `unmute ends the mute with that selector, as mutes lists it.

Exit status:
  0  ended
  2  there is none, or that could not be written; standard error says why`,
		Example: `  tripline alerts unmute bot,drift
  tripline alerts unmute kind=sensor_silent`,
		Args: wantSelector("unmute"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.write("alerts unmute", func(s *store.Store) error {
				was, err := s.PutSaid(store.Said{Key: mutePrefix + args[0]})
				if err == nil && !was {
					err = learn.WithHint(fmt.Errorf("no mute has the selector %q", learn.Printable(args[0])), "tripline alerts mutes")
				}
				return err
			})
		},
	}
}

func newAlertsMutesCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "mutes",
		Short: "List the mutes that hold now",
		Long: `mutes lists what is kept quiet, until when, and who said so.

Exit status:
  0  listed
  2  it could not be; standard error says why`,
		Example: `  tripline alerts mutes
  tripline alerts mutes --db copy.db`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var h *history
			if err := a.read(func(s *store.Store) (err error) { h, err = a.past(s); return err }); err != nil {
				return err
			}
			g := &grid{header: []string{"selector", "until", "by", "reason"}}
			for _, m := range h.quiet.Mutes(a.now()) {
				g.rows = append(g.rows, []string{m.Selector, m.Until.Format(clockForm), m.By, m.Reason})
			}
			if len(g.rows) == 0 {
				a.say("nothing is muted")
				return nil
			}
			return g.write(a.stdout)
		},
	}
}
