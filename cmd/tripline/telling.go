package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// terms are when a finding changes its status: while following, many at once are
// one alert.
func (w *watching) terms() enforce.Terms {
	t, set := enforce.Report(), w.a.config.Findings
	switch {
	case w.o.runs:
		t = enforce.Command()
	case w.o.follow:
		t = enforce.Service()
	}
	t.Again = cmp.Or(set.Active, t.Again)
	t.Persistent = cmp.Or(set.Persistent, t.Persistent)
	t.Resolved = cmp.Or(set.Resolved, t.Resolved)
	return t
}

// tell tells of an event at once, while following: a report is written at the end,
// when all is counted. No event is nothing to tell.
func (w *watching) tell(event *enforce.Alert) error {
	if event == nil || !w.o.follow {
		return nil
	}
	begins := event.Event != "" && (event.Status == enforce.StatusNew || event.Status == enforce.StatusMore)
	if begins {
		w.metrics.alerts.add(1, string(event.Kind), string(event.Severity))
	}
	if why := w.quiet.Of(event, w.a.now()); why != "" {
		if w.hushed.count(why, event); (begins || w.o.runs) && isForbidden(event) {
			w.a.warn("%s: forbidden, but %s: %s. tripline alerts show %s", learn.Printable(event.Agent), why, whither(event), event.ID)
		}
		return nil
	}
	if event.Event != "" { // it tells of a change
		w.outbox.take(event)
	}
	if err := errors.Join(w.print(event), w.out.Flush()); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	if !isBlind(event) && event.Status != enforce.StatusResolved {
		w.told++
	}
	return nil
}

func (w *watching) tellAll(events []*enforce.Alert) error {
	for _, e := range events {
		if err := w.tell(e); err != nil {
			return err
		}
	}
	return nil
}

// list writes a report: all that was found, but for what somebody wants to hear
// nothing of.
func (w *watching) list() error {
	for _, al := range w.watch.Alerts() {
		why := w.quiet.Of(al, w.a.now())
		w.hushed.count(why, al)
		if why != "" {
			continue
		}
		w.outbox.take(al)
		al.Event = "" // it tells of no change
		if err := w.print(al); err != nil {
			return err
		}
	}
	return nil
}

// whither is where an alert is about, in words.
func whither(al *enforce.Alert) string {
	to := al.To()
	text := to
	if s, err := learn.ParseService(al.Proto + "/" + strconv.Itoa(int(al.Port))); err == nil {
		text = learn.Endpoint(to, s)
	}
	if al.Name != "" && al.Name != to {
		text += " " + al.Name
	}
	return learn.Printable(text)
}

func (w *watching) print(al *enforce.Alert) error { return w.write(w.out, al) }

// isBlind says whether an alert is about what could not be seen: then nothing is
// known to be unexpected.
func isBlind(al *enforce.Alert) bool { return slices.Contains(enforce.Blindnesses, al.Kind) }

func isForbidden(al *enforce.Alert) bool {
	return al.Kind == enforce.Destination && al.Verdict == enforce.Forbidden
}

// unexpected says whether something was found that is worth an exit status: all but
// what is quiet, and whatever is forbidden.
func (w *watching) unexpected() bool {
	if w.told > 0 {
		return true
	}
	return slices.ContainsFunc(w.watch.Ledger().Seen(), func(al *enforce.Alert) bool {
		return isForbidden(al) || !isBlind(al) && w.quiet.Of(al, w.a.now()) == ""
	})
}

// findings says how many findings there were: verdicts on flows, what parts found,
// and what was not told.
func (w *watching) findings() string {
	l := w.watch.Ledger()
	verdicts := l.Opened(enforce.Destination)
	text := count(verdicts, "finding", "findings")
	if others := l.Opened("") - verdicts; others > 0 {
		text += ", " + count(others, "other finding", "other findings")
	}
	if known := l.Known(); known > 0 {
		text += fmt.Sprintf(", %s known before", ipranges.Thousands(known))
	}
	return text + w.hushed.String()
}
