package main

import (
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A backtestJSON is a back-test for programs. What is missing could not be had:
// it is never a zero.
type backtestJSON struct {
	Observed *int        `json:"observed_hours,omitempty"` // too few
	Needed   int         `json:"needed_hours,omitempty"`
	Pruned   bool        `json:"older_flows_dropped"`
	Missed   string      `json:"limits_missed,omitempty"`      // why there is no split
	Without  int         `json:"days_without_rules,omitempty"` // that keep the limits
	Split    *trialJSON  `json:"split,omitempty"`
	Days     []trialJSON `json:"days,omitempty"`
	Rules    *trialJSON  `json:"lately,omitempty"` // rules as they are, on the last days
}

type trialJSON struct {
	Baseline     string       `json:"baseline,omitempty"`
	Learned      *stretchJSON `json:"learned,omitempty"`
	Replayed     stretchJSON  `json:"replayed"`
	Rules        int          `json:"rules"`
	Admits       admits       `json:"admits"`
	Destinations int          `json:"destinations"`
	Alarms       int          `json:"alarms"`
	PerDay       float64      `json:"alarms_per_day"`
	Unseen       int          `json:"days_not_learned_from"`
	Found        []alarmJSON  `json:"found,omitempty"` // with --backtest
}

type stretchJSON struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Days  int       `json:"days"`
	Hours int       `json:"hours"`
}

type alarmJSON struct {
	First   time.Time        `json:"first"`
	Proto   string           `json:"proto"`
	Dst     string           `json:"dst"`
	Port    uint16           `json:"dport,omitempty"`
	Name    string           `json:"name,omitempty"`
	Hours   int              `json:"hours"`
	Verdict enforce.Verdict  `json:"verdict"`
	Why     string           `json:"why"`
	Owner   enforce.Owner    `json:"owner"`
	Nearest *enforce.Nearest `json:"nearest"`
	Admit   *enforce.Admit   `json:"admit"`
	Wider   *enforce.Admit   `json:"wider,omitempty"`
}

// backtestJSON is nil where nothing was tried.
func (d *draft) backtestJSON() *backtestJSON {
	t := d.tested
	if t == nil {
		return nil
	}
	out := &backtestJSON{Pruned: t.pruned, Without: t.without}
	if t.missed != nil {
		out.Missed = t.missed.Error()
	}
	if t.short != nil {
		out.Observed, out.Needed = &t.short.Hours, learn.LeastHistory
	}
	out.Split, out.Rules = t.split.json(t.full, d.agent), t.rules.json(t.full, d.agent)
	for _, one := range t.rolling {
		out.Days = append(out.Days, *one.json(t.full, d.agent))
	}
	return out
}

// json is nil where there is nothing that could be replayed.
func (t *trial) json(full bool, agent string) *trialJSON {
	if t == nil || t.Replayed.Days == 0 {
		return nil
	}
	out := &trialJSON{
		Baseline: t.of.Digest, Replayed: *newStretchJSON(t.Replayed), Rules: len(t.of.Rules), Admits: newAdmits(t.opens),
		Destinations: t.Destinations, Alarms: len(t.Alarms), PerDay: t.PerDay(), Unseen: t.unseen,
	}
	if t.Learned.Days > 0 {
		out.Learned = newStretchJSON(t.Learned)
	}
	for i := range t.Alarms {
		if full {
			out.Found = append(out.Found, t.alarmJSON(&t.Alarms[i], agent))
		}
	}
	return out
}

func newStretchJSON(s learn.Stretch) *stretchJSON {
	return &stretchJSON{From: s.From.Time(), To: s.To.Time(), Days: s.Days, Hours: s.Hours}
}

func (t *trial) alarmJSON(x *learn.Alarm, agent string) alarmJSON {
	e := t.policy.Explain(x.Flow(agent))
	return alarmJSON{
		First: x.First.Time(), Proto: e.Proto, Dst: e.Dst, Port: e.Port, Name: e.Name, Hours: x.Hours,
		Verdict: e.Verdict, Why: e.Why, Owner: e.Owner, Nearest: e.Nearest, Admit: e.Admit, Wider: e.Wider,
	}
}
