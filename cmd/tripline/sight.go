package main

import (
	"fmt"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A blindness is something that tripline cannot see, or soon will not: a finding, a
// check of /healthz that fails, and a warning, told once.
type blindness struct {
	kind     enforce.Kind
	severity enforce.Severity
	agent    string
	subject  string // what it is about, the same whenever it is found again
	check    string // of /healthz; "" is none
	why, do  string
	event    bool // it happened and is over; it stands for an hour after the last one
}

// A blindAt is what makes two of them the same.
type blindAt struct {
	kind           enforce.Kind
	agent, subject string
}

func (b *blindness) at() blindAt { return blindAt{b.kind, b.agent, b.subject} }

// Sight is what cannot be seen now; nil in a report, where all is told at the end.
type sight map[blindAt]*standing

// A standing is a blindness that was told and is not over.
type standing struct {
	blindness
	last time.Time // it was found
	told time.Time // it was noted as found again
}

const (
	eventStands = time.Hour // without another one, then it is over
	sightAgain  = time.Hour // while it stands it is noted again, so that it is not over
)

// blind tells of what cannot be seen, once until it is over. It says whether it is
// new.
func (w *watching) blind(b blindness, now time.Time) (isNew bool, err error) {
	if b.check != "" {
		w.health.fails(b.check, now, b.why, b.do)
	}
	s := w.sight[b.at()]
	if s != nil {
		s.blindness, s.last = b, now
		if now.Sub(s.told) < sightAgain {
			return false, nil
		}
		s.told = now
	} else {
		w.sight[b.at()] = &standing{b, now, now}
	}
	if s == nil && !w.onScreen() {
		w.a.warn("%s", b.why)
	}
	why := b.why
	if b.do != "" {
		why += ". " + b.do
	}
	return s == nil, w.raise(enforce.Finding(b.kind, b.severity, now, b.agent, b.subject, why))
}

// onScreen says whether alerts and warnings go to the same reader: then one of them
// is enough.
func (w *watching) onScreen() bool {
	return w.o.format == "text" && (terminal(w.a.stdout) || w.prints == w.a.stderr)
}

// sees ends a blindness, and says why it is over. Where there was none it does
// nothing.
func (w *watching) sees(kind enforce.Kind, agent, subject, why string) error {
	at := blindAt{kind, agent, subject}
	s := w.sight[at]
	if s == nil {
		return nil
	}
	delete(w.sight, at)
	if s.check != "" && !w.failing(s.check) {
		w.health.passes(s.check)
	}
	w.a.say("%s", lines(why))
	return w.tellAll(w.watch.Ledger().Resolve(func(a *enforce.Alert) bool {
		return a.Kind == kind && a.Agent == agent && a.Subject == subject
	}))
}

// failing says whether something else makes a check fail.
func (w *watching) failing(check string) bool {
	for _, s := range w.sight {
		if s.check == check {
			return true
		}
	}
	return false
}

// calm ends what happened and did not happen again for an hour.
func (w *watching) calm(now time.Time) error {
	for at, s := range w.sight {
		if s.event && now.Sub(s.last) >= eventStands {
			if err := w.sees(at.kind, at.agent, at.subject, fmt.Sprintf("%s: no %s for an hour", at.subject, at.kind)); err != nil {
				return err
			}
		}
	}
	return nil
}

// recall takes up what could not be seen when watching ended: what is found again
// stands on, the rest is over in an hour.
func (w *watching) recall(now time.Time) {
	for _, al := range w.watch.Ledger().Open() {
		if isBlind(al) {
			b := blindness{kind: al.Kind, severity: al.Severity, agent: al.Agent, subject: al.Subject, why: al.Why, event: true}
			w.sight[b.at()] = &standing{b, now, now}
		}
	}
}

// errBlind says why a log without findings is not known to be clean when watching it
// ends; nil if it is.
func (w *watching) errBlind() error {
	for _, s := range w.sight {
		if s.kind == enforce.SensorSilent || s.kind == enforce.Unparsable {
			return learn.WithHint(fmt.Errorf("nothing unexpected in what was read, but %s", s.why), "%s", s.do)
		}
	}
	return nil
}
