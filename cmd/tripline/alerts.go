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

func newAlertsCommand(a *app) *cobra.Command {
	c := family(&cobra.Command{
		Use:   "alerts",
		Short: "Look at what was found, and say what is known",
		Long: `alerts shows what enforce found, now and before, and takes down what you say of it.
What is acknowledged stays quiet while it only repeats and is told again when it gets
worse; a mute keeps quiet all that it selects until it ends. An enforce that runs takes
both up within two seconds. Nothing forbidden is kept quiet without a word.

Exit status:
  0  done
  2  it could not be done; standard error says why`,
		Example: `  tripline alerts ls
  tripline alerts ack 3f9a2c --reason "the new mirror, to be approved on Monday"`,
	})
	c.AddCommand(newAlertsListCommand(a), newAlertsShowCommand(a), newAlertsAckCommand(a), newAlertsUnackCommand(a),
		newAlertsMuteCommand(a), newAlertsUnmuteCommand(a), newAlertsMutesCommand(a))
	return c
}

// A history is what is kept of alerts.
type history struct {
	alerts []*enforce.Alert // the ones last seen first
	quiet  *enforce.Quiet
}

// past reads what is kept of alerts.
func (a *app) past(s *store.Store) (*history, error) {
	list, err := s.Alerts()
	if err != nil {
		return nil, err
	}
	said, err := s.Said()
	if err != nil {
		return nil, err
	}
	h := &history{}
	if h.quiet, err = quietOf(said); err != nil {
		return nil, fmt.Errorf("what was said of alerts: %w", err)
	}
	for _, k := range list {
		al := &enforce.Alert{}
		if err := json.Unmarshal(k.Data, al); err != nil {
			return nil, fmt.Errorf("alert %s: %w", k.ID, err)
		}
		h.alerts = append(h.alerts, al)
	}
	return h, nil
}

// errNoAlert is what a wrong ID is.
var errNoAlert = errors.New("no alert has this ID")

// find returns the one alert whose ID begins like that.
func (h *history) find(prefix string) (*enforce.Alert, error) {
	var found *enforce.Alert
	for _, al := range h.alerts {
		switch {
		case prefix == "" || !strings.HasPrefix(al.ID, strings.ToLower(prefix)):
		case found != nil:
			return nil, learn.WithHint(fmt.Errorf("%s: more than one alert begins like that: %s and %s", learn.Printable(prefix), found.ID, al.ID), "give more of its digits")
		default:
			found = al
		}
	}
	if found == nil {
		return nil, learn.WithHint(fmt.Errorf("%q: %w", learn.Printable(prefix), errNoAlert), "tripline alerts ls --state all")
	}
	return found, nil
}

// said says what a person said of an alert: "acknowledged", "muted" or "".
func (h *history) said(al *enforce.Alert, now time.Time) string {
	if _, ok := h.quiet.Ack(al.ID); ok && al.Status == enforce.StatusResolved {
		return enforce.Acknowledged
	}
	return h.quiet.Of(al, now)
}

// errReason says that what was said needs a reason.
func errReason(line string) error {
	return learn.WithHint(errors.New("it needs a reason: who reads the alerts after you wants to know"), "%s --reason \"known since Monday\"", line)
}
