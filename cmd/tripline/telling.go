package main

import (
	"errors"
	"fmt"

	"tripline/enforce"
)

// terms are when a finding changes its status: while following, many at once are
// one alert.
func (w *watching) terms() enforce.Terms {
	if w.o.follow {
		return enforce.Service()
	}
	return enforce.Report()
}

// tell tells of an event at once, while following: a report is written at the end,
// when all is counted. No event is nothing to tell.
func (w *watching) tell(event *enforce.Alert) error {
	if event == nil || !w.o.follow {
		return nil
	}
	if event.Status == enforce.StatusNew || event.Status == enforce.StatusMore {
		w.metrics.alerts.add(1, string(event.Kind), string(event.Severity))
	}
	w.outbox.take(event)
	if err := errors.Join(w.print(event), w.out.Flush()); err != nil {
		return fmt.Errorf("write alert: %w", err)
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

func (w *watching) print(al *enforce.Alert) error { return w.write(w.out, al) }

// found returns how many findings there were: verdicts on flows, and what parts
// found.
func (w *watching) found() (verdicts, others uint64) {
	l := w.watch.Ledger()
	verdicts = l.Opened(enforce.Destination)
	return verdicts, l.Opened("") - verdicts
}
