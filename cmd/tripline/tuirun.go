package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	tea "charm.land/bubbletea/v2"

	"tripline/learn"
	"tripline/store"
)

// interact lets a person decide on a terminal.
func (o *reviewOptions) interact(ctx context.Context, a *app, r *reviewed) error {
	if in, ok := a.stdin.(*os.File); !ok || !terminal(in) || !terminal(a.stdout) || os.Getenv("TERM") == "dumb" {
		return learn.WithHint(errors.New("--interactive needs a terminal, for input and for output"), "tripline review --row 1, --accept 1, --reject 1 and others decide without one")
	}
	if o.by == "" {
		o.by = userName()
	}
	m := newScreen(newSession(a, r, o.by), a.colored(a.stdout))
	out, _ := file(a.stdout)
	if _, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(a.stdin), tea.WithOutput(out)).Run(); errors.Is(err, tea.ErrInterrupted) {
		return errors.New("the review was interrupted: nothing was approved")
	} else if err != nil {
		return fmt.Errorf("show the review: %w", err)
	}
	return o.ended(a, m)
}

// ended does what a person left the screen with.
func (o *reviewOptions) ended(a *app, m *screen) error {
	switch m.end {
	case approving:
		return a.write("review", func(s *store.Store) error {
			if err := m.session.keep(s); err != nil {
				return err
			}
			o.approve, o.reason = m.session.now.digest, string(m.reason)
			return o.approveShown(a, s)
		})
	case keeping:
		if err := a.write("review", m.session.keep); err != nil {
			return err
		}
		a.say("%s kept; nothing was approved", count(uint64(len(m.session.took)), "decision", "decisions"))
	case untouched:
		a.say("nothing was approved")
	}
	return nil
}

// pending says whether there is anything to approve.
func (r *reviewed) pending() bool {
	for _, d := range r.drafts {
		if d.pending() {
			return true
		}
	}
	return false
}
