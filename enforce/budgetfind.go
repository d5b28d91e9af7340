package enforce

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// hour says what is found of an hour after a flow was added to it.
func (m *Meter) hour(f *learn.Flow, at place, b *learn.Budget, h *metering) (found []*Alert) {
	if b.Sized > 0 && h.Up > b.Limit && m.wants(VolumeBudget) && m.first(f, at) && h.once(toldVolume) {
		found = append(found, of(f, Finding(VolumeBudget, volumeSeverity(b, h.Up), f.Time, at.agent, at.to, overBudget(b, f, h))))
	}
	if b.Sized > 0 && b.Pull.Turned(h.Use) && h.Up > b.Limit/2 && m.wants(DirectionChange) && m.first(f, at) && h.once(toldDirection) {
		found = append(found, of(f, Finding(DirectionChange, High, f.Time, at.agent, at.to, turned(b, f, h))))
	}
	if b.Count.Limit > 0 && h.Flows > b.Count.Limit && m.wants(ConnectionCount) && m.first(f, at) && h.once(toldCount) {
		found = append(found, of(f, Finding(ConnectionCount, Medium, f.Time, at.agent, at.to, tooMany(b, f, h))))
	}
	return found
}

// first says whether a place was not told of already by the one that is a part of
// it: all of an agent is over its budget because one place is.
func (m *Meter) first(f *learn.Flow, at place) bool {
	hour := learn.BlockOf(f.Time)
	if at.to == learn.Everywhere {
		return m.over[at.agent] != hour
	}
	m.over[at.agent] = hour
	return true
}

// of adds the flow that was the one too many.
func of(f *learn.Flow, al *Alert) *Alert {
	al.Process, al.Proto, al.Port, al.Name, al.Evidence = f.Process, f.Proto.String(), f.Service().Port, f.Name, f.Evidence.String()
	al.Action, al.Interface, al.Dst = f.Action.String(), f.Interface, f.Dst.String()
	if f.Src != (netip.Addr{}) {
		al.Src = f.Src.String()
	}
	return al
}

// volumeSeverity: a budget that is wrong often says less, ten times as much says
// more.
func volumeSeverity(b *learn.Budget, up uint64) Severity {
	switch {
	case up/10 >= b.Limit:
		return High
	case b.OneIn < 10:
		return Low
	}
	return Medium
}

// since writes the hour of a flow: "since 14:00 UTC".
func since(f *learn.Flow) string {
	return "since " + learn.BlockOf(f.Time).Time().Format("15:04") + " UTC"
}

func overBudget(b *learn.Budget, f *learn.Flow, h *metering) string {
	return fmt.Sprintf("%s sent %s, more than the %s of an hour: %s; the largest was %s",
		learn.Size(h.Up), since(f), learn.Size(b.Limit), b.Words(), learn.Size(b.Largest))
}

func turned(b *learn.Budget, f *learn.Flow, h *metering) string {
	return fmt.Sprintf("%s sent and %s got %s: until now it got more than it sent in each of %d hours (%d %% were sent at most)",
		learn.Size(h.Up), learn.Size(h.Down), since(f), b.Pull.Hours, int(math.Round(50*(1+b.Pull.Highest))))
}

func tooMany(b *learn.Budget, f *learn.Flow, h *metering) string {
	return fmt.Sprintf("%s connections %s, more than %s: learned from %d hours with %.1f on average, %s at most; expect one false alarm in 10,000 hours",
		ipranges.Thousands(h.Flows), since(f), ipranges.Thousands(b.Count.Limit), b.Count.Hours, b.Count.Mean, ipranges.Thousands(b.Count.Most))
}

func slowLeak(at place, b *learn.Budget, day learn.Day, use learn.Use, sum float64) *Alert {
	why := fmt.Sprintf("more than usual for days, below the budget of an hour: %s sent on %s, %s on a usual day; the sum of what was too much is %.1f, the limit of %d days is %.1f",
		learn.Size(use.Up), day.Time().Format(time.DateOnly), learn.Size(uint64(math.Expm1(b.Drift.Centre))), sum, b.Drift.Days, b.Drift.Limit)
	return Finding(SlowLeak, Medium, (day + 1).Time().Add(-time.Second), at.agent, at.to, why)
}
