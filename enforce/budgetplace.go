package enforce

import (
	"cmp"
	"strings"
	"time"

	"tripline/learn"
)

// A metered is what is kept of one place.
type metered struct {
	First time.Time                 `json:"first"`
	Last  time.Time                 `json:"last"`
	Hours map[learn.Block]*metering `json:"hours,omitempty"` // that are open
	Days  map[learn.Day]learn.Use   `json:"days,omitempty"`  // likewise
	Sum   float64                   `json:"sum,omitempty"`   // of [learn.Drift]
	Until learn.Day                 `json:"until,omitempty"` // the first day that is not closed
	Told  learn.Day                 `json:"told,omitempty"`  // on which a cap was last exceeded
}

// A metering is what is kept of an hour, and what was told of it.
type metering struct {
	learn.Use
	Told uint8 `json:"told,omitempty"`
}

// What was told of an hour.
const (
	toldVolume = 1 << iota
	toldDirection
	toldCount
)

// once says whether something of an hour was not told yet, and notes it.
func (h *metering) once(what uint8) bool {
	fresh := h.Told&what == 0
	h.Told |= what
	return fresh
}

// add counts a flow in its hour and day. It is not ok where these are closed.
func (p *metered) add(f *learn.Flow, kept time.Duration) (hour *metering, ok bool) {
	day := learn.DayOf(f.Time)
	if day < p.Until || f.Time.Before(p.Last.Add(-kept)) {
		return nil, false
	}
	hour = p.Hours[learn.BlockOf(f.Time)]
	if hour == nil {
		p.drop(f.Time.Add(-kept))
		hour = &metering{}
		p.Hours[learn.BlockOf(f.Time)] = hour
	}
	hour.Add(f)
	use := p.Days[day]
	use.Add(f)
	p.Days[day] = use
	if f.Time.After(p.Last) {
		p.Last = f.Time
	}
	return hour, true
}

// drop forgets the hours that ended before a time.
func (p *metered) drop(before time.Time) {
	for b := range p.Hours {
		if (b + 1).Time().Before(before) {
			delete(p.Hours, b)
		}
	}
}

// close closes the days of a place that no flow can be late for at now.
func (m *Meter) close(at place, p *metered, now time.Time) []*Alert {
	return m.closeBefore(at, p, learn.DayOf(now.Add(-m.kept)))
}

func (m *Meter) closeBefore(at place, p *metered, end learn.Day) (found []*Alert) {
	for len(p.Days) > 0 {
		day := end
		for d := range p.Days {
			day = min(day, d)
		}
		if day >= end {
			break
		}
		if al := m.day(at, p, day, p.Days[day]); al != nil {
			found = append(found, al)
		}
		delete(p.Days, day)
		p.Until, m.changed[at] = day+1, true
	}
	return found
}

// day adds a day to the sum that finds slow leaks.
func (m *Meter) day(at place, p *metered, day learn.Day, use learn.Use) *Alert {
	b := m.budgets[at]
	if b == nil || b.Drift.Limit == 0 || use.Up+use.Down == 0 || !m.wants(SlowLeak) {
		return nil
	}
	p.Sum = b.Drift.Next(p.Sum, use.Up)
	if !b.Drift.Found(p.Sum) {
		return nil
	}
	al := slowLeak(at, b, day, use, p.Sum)
	p.Sum = 0
	return al
}

func comparePlaces(a, b place) int {
	return cmp.Or(strings.Compare(a.agent, b.agent), strings.Compare(a.to, b.to))
}
