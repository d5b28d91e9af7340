package main

import (
	"time"

	"tripline/learn"
)

// A levelJSON is a forecast at one level, for programs and to be kept.
type levelJSON struct {
	Level   learn.Level `json:"level"`
	Hours   int         `json:"unit_hours"` // 0: a unit is a run
	Units   int         `json:"units"`
	Known   int         `json:"known"`
	Once    int         `json:"seen_in_one_unit"`
	Twice   int         `json:"seen_in_two_units"`
	Alone   int         `json:"units_with_something_of_their_own"`
	Aside   int         `json:"hours_left_aside,omitempty"` // their clock was wrong
	Chance  *float64    `json:"chance,omitempty"`           // that the next unit brings something new
	AtMost  *float64    `json:"chance_at_most,omitempty"`
	Late    *lateJSON   `json:"second_half,omitempty"`
	Remain  *float64    `json:"remain_at_least,omitempty"`
	Ahead   []aheadJSON `json:"ahead,omitempty"`
	Instead string      `json:"no_forecast,omitempty"` // why
	More    int         `json:"observe_more,omitempty"`
	Doubt   string      `json:"not_stable,omitempty"` // why
}

type lateJSON struct {
	Units  int     `json:"units"`
	New    int     `json:"units_with_news"`
	Keys   int     `json:"new"`
	AtMost float64 `json:"chance_at_most"`
}

// An aheadJSON has figures, or how much more to observe (hours, or runs).
type aheadJSON struct {
	Hours    int      `json:"hours,omitempty"`
	Runs     int      `json:"runs,omitempty"`
	Expected *float64 `json:"expected,omitempty"`
	AtMost   *int     `json:"at_most,omitempty"`
	More     int      `json:"observe_more,omitempty"`
}

func levelsJSON(list []*learn.Forecast) (out []levelJSON) {
	for _, f := range list {
		j := levelJSON{
			Level: f.Level, Hours: f.Hours, Units: f.Units, Known: f.Keys, Once: f.Once, Twice: f.Twice,
			Alone: f.Alone, Aside: f.Aside, Instead: f.Instead, More: f.More, Doubt: f.Doubt,
		}
		if f.Instead == "" {
			j.Chance, j.AtMost, j.Remain = &f.Chance, &f.AtMost, &f.Remain
			j.Late = &lateJSON{f.Late.Units, f.Late.New, f.Late.Keys, f.Late.Chance}
		}
		for i := range f.Ahead {
			j.Ahead = append(j.Ahead, newAhead(&f.Ahead[i]))
		}
		out = append(out, j)
	}
	return out
}

func newAhead(a *learn.Ahead) aheadJSON {
	j := aheadJSON{Hours: a.Hours, More: a.More}
	if a.Hours == 0 {
		j.Runs = int(a.Units)
	}
	if a.More == 0 {
		j.Expected, j.AtMost = &a.Expected, &a.AtMost
	}
	return j
}

// An outlookJSON is what is still unseen of an agent.
type outlookJSON struct {
	Since  *time.Time        `json:"observed_from,omitempty"`
	Until  *time.Time        `json:"observed_to,omitempty"`
	Levels []levelJSON       `json:"levels"`
	NotYet []string          `json:"not_yet_observed"`
	Zone   string            `json:"tz"` // of hours and days
	Checks []opportunityJSON `json:"opportunities"`
	Past   []scoredJSON      `json:"past,omitempty"`
	After  *afterJSON        `json:"since_approval,omitempty"`
}

type opportunityJSON struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Seen   int    `json:"seen"`
	Likely int    `json:"likely,omitempty"`
}

type scoredJSON struct {
	Made     time.Time   `json:"made"`
	Until    time.Time   `json:"observed_to"`
	Digest   string      `json:"digest"`
	Level    learn.Level `json:"level"`
	Hours    int         `json:"hours"`
	Expected float64     `json:"expected"`
	AtMost   int         `json:"at_most"`
	Came     *int        `json:"came,omitempty"` // absent where it is not known
	State    string      `json:"state"`
}

type afterJSON struct {
	Units int     `json:"units"`
	New   int     `json:"units_with_news"`
	Bound float64 `json:"chance_at_most"`
	Stale bool    `json:"stale"`
}

// json is nil where nothing was foretold.
func (o *outlook) json() *outlookJSON {
	if o == nil {
		return nil
	}
	out := &outlookJSON{Levels: levelsJSON(o.shown()), Zone: o.zone.String(), NotYet: []string{}, Checks: []opportunityJSON{}}
	if f := o.levels[0]; !f.Since.IsZero() {
		out.Since, out.Until = &f.Since, &f.Until
	}
	if len(o.scope) > 0 {
		out.NotYet = append(out.NotYet, learn.NotYet(o.checks, out.Zone)...)
		for _, c := range o.checks {
			out.Checks = append(out.Checks, opportunityJSON(c))
		}
	}
	for i := range o.past {
		out.Past = append(out.Past, o.past[i].json())
	}
	if n := o.since; n != nil {
		out.After = &afterJSON{n.Units, n.New, n.Bound, n.Stale}
	}
	return out
}

type forecastsJSON struct {
	Digest string              `json:"digest"`
	Agents []forecastAgentJSON `json:"agents"`
}

type forecastAgentJSON struct {
	Agent string `json:"agent"`
	outlookJSON
}

func (o *forecastOptions) json(a *app, r *reviewed) error {
	out := forecastsJSON{Digest: r.digest}
	for _, d := range r.drafts {
		out.Agents = append(out.Agents, forecastAgentJSON{d.agent, *d.outlook.json()})
	}
	return writeJSON(a, out)
}
