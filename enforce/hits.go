package enforce

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tripline/learn"
)

// hits notes when rules last admitted a flow: one entry for each rule and day,
// however many flows there are. The zero value is empty.
type hits struct {
	agents map[string]*agentHits
	latest *agentHits // of the flow before this one, mostly of this one too
}

type agentHits struct {
	name  string
	today learn.Day // of the flow before this one
	days  map[learn.Day]bool
	last  map[*Rule]time.Time
}

// note counts a flow of an agent that has a baseline.
func (h *hits) note(f *learn.Flow, v Verdict, r *Rule) {
	a := h.latest
	if a == nil || a.name != f.Agent {
		a = h.of(f.Agent)
		h.latest = a
	}
	if day := learn.DayOf(f.Time); day != a.today || len(a.days) == 0 {
		a.days[day] = true
		a.today = day
	}
	if v == Allowed && r != nil && f.Time.After(a.last[r]) {
		a.last[r] = f.Time
	}
}

func (h *hits) of(agent string) *agentHits {
	if h.agents == nil {
		h.agents = map[string]*agentHits{}
	}
	a := h.agents[agent]
	if a == nil {
		a = &agentHits{name: agent, days: map[learn.Day]bool{}, last: map[*Rule]time.Time{}}
		h.agents[agent] = a
	}
	return a
}

// Hits returns, by agent, when its rules last admitted a flow, as far as that
// was observed since [Watch.Noted].
func (w *Watch) Hits() []learn.Hits {
	var out []learn.Hits
	for _, a := range slices.SortedFunc(maps.Values(w.hits.agents), func(a, b *agentHits) int { return strings.Compare(a.name, b.name) }) {
		h := learn.Hits{Agent: a.name, Days: slices.Sorted(maps.Keys(a.days)), Last: map[string]time.Time{}}
		for r, last := range a.last {
			if to := r.To.String(); last.After(h.Last[to]) { // rules of two policies may be for the same
				h.Last[to] = last
			}
		}
		out = append(out, h)
	}
	return out
}

// Noted forgets what [Watch.Hits] returned, once it is kept elsewhere.
func (w *Watch) Noted() { w.hits = hits{} }
