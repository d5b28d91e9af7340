package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

// A budgetRow is what is learned and used of one place.
type budgetRow struct {
	Agent       string     `json:"agent"`
	To          string     `json:"to"`
	First       *time.Time `json:"first,omitempty"`
	Hours       int        `json:"hours"`
	Largest     uint64     `json:"largest"`
	Threshold   uint64     `json:"threshold"`
	Limit       uint64     `json:"limit"` // bytes up in an hour, 0 where there is no budget
	OneIn       int        `json:"one_in,omitempty"`
	Words       string     `json:"words"`
	Connections countJSON  `json:"connections"`
	Ratio       *ratioJSON `json:"ratio,omitempty"`
	Slow        *slowJSON  `json:"slow_leak,omitempty"`
	PerDay      *uint64    `json:"cap_per_day,omitempty"` // of a row that is a cap
	Today       *learn.Use `json:"today,omitempty"`       // as far as enforce has counted
}

type countJSON struct {
	Hours    int     `json:"hours"`
	Mean     float64 `json:"mean"`
	Variance float64 `json:"variance"`
	Most     uint64  `json:"most"`
	Limit    uint64  `json:"limit,omitempty"`
	Model    string  `json:"model,omitempty"`
}

type ratioJSON struct {
	Hours   int     `json:"hours"`
	Highest float64 `json:"highest"` // (up-down)/(up+down)
}

type slowJSON struct {
	Days     int     `json:"days"`
	Usual    uint64  `json:"usual"`
	Limit    float64 `json:"limit"`
	FoundIn  int     `json:"found_in_days"`
	Smallest uint64  `json:"smallest_leak"` // a day, that is found in so many days
}

// leakDays is in how many days the leak is found that is shown.
const leakDays = 14

// budgetRows joins budgets, caps and what enforce counted today.
func (a *app) budgetRows(s *store.Store, p *enforce.Policy, budgets []learn.Budget, how learn.Budgeting) (rows []budgetRow, err error) {
	used := map[string]map[string][]byte{}
	for _, agent := range p.Agents {
		if used[agent.Name], err = s.Uses(agent.Name); err != nil {
			return nil, err
		}
	}
	for i := range budgets {
		row := budgetRowOf(&budgets[i])
		if row.Today, err = a.usedToday(used[row.Agent][row.To]); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	for _, agent := range p.Agents {
		for i := range how.Caps {
			c := &how.Caps[i]
			if c.Agent != "" && c.Agent != agent.Name {
				continue
			}
			row := budgetRow{Agent: agent.Name, To: enforce.CapSubject(c), PerDay: &c.PerDay, Words: "a cap that the configuration sets"}
			if row.Today, err = a.usedToday(used[agent.Name][enforce.CapPlace(c)]); err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (a *app) usedToday(text []byte) (*learn.Use, error) {
	if text == nil {
		return nil, nil
	}
	use, err := enforce.UsedOn(learn.DayOf(a.now()), text)
	return &use, err
}

func budgetRowOf(b *learn.Budget) budgetRow {
	row := budgetRow{
		Agent: b.Agent, To: b.To, First: &b.First, Hours: b.Hours, Words: b.Words(),
		Largest: b.Largest, Threshold: b.Threshold, Limit: b.Limit, OneIn: b.OneIn,
		Connections: countJSON{Hours: b.Count.Hours, Mean: b.Count.Mean, Variance: b.Count.Variance, Most: b.Count.Most, Limit: b.Count.Limit},
	}
	if row.Connections.Limit > 0 {
		row.Connections.Model = "poisson"
		if b.Count.Bursty() {
			row.Connections.Model = "negative binomial"
		}
	}
	if b.Pull.Hours > 0 {
		row.Ratio = &ratioJSON{b.Pull.Hours, b.Pull.Highest}
	}
	if b.Drift.Limit > 0 {
		row.Slow = &slowJSON{b.Drift.Days, uint64(math.Expm1(b.Drift.Centre)), b.Drift.Limit, leakDays, b.Drift.LeakIn(leakDays)}
	}
	return row
}

func (a *app) printBudgets(rows []budgetRow) error {
	g := &grid{
		header: []string{"agent", "destination", "hours", "largest", "budget", "false alarms", "connections", "slow leak", "today"},
		right:  map[int]bool{2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true},
	}
	for i := range rows {
		g.rows = append(g.rows, rows[i].cells())
	}
	for _, name := range []string{"today", "slow leak", "connections"} {
		g.dropEmpty(name)
	}
	g.fit(width(a.stdout), "slow leak", "connections", "largest")
	if err := g.write(a.stdout); err != nil {
		return err
	}
	a.say("budget and largest are bytes up in one hour; false alarms are in hours of use, at most, while nothing changes.\n" +
		"connections are the most in an hour; slow leak is the least a day that is found in 14 days.")
	if a.config.Budgets == nil {
		a.say("Nobody is held to it yet: \"tripline enforce --budgets\", or \"budgets:\" in %s.", configName)
	}
	return nil
}

func (r *budgetRow) cells() []string {
	today := ""
	if r.Today != nil {
		today = learn.Size(r.Today.Up)
	}
	if r.PerDay != nil {
		return []string{r.Agent, r.To, "", "", learn.Size(*r.PerDay) + "/day", "cap", "", "", today}
	}
	cells := []string{r.Agent, r.To, ipranges.Thousands(uint64(r.Hours)), "", "none", "", "", "", today}
	if r.OneIn > 0 {
		cells[3], cells[4], cells[5] = learn.Size(r.Largest), learn.Size(r.Limit), fmt.Sprintf("1 in %d", r.OneIn)
	}
	if r.Connections.Limit > 0 {
		cells[6] = ipranges.Thousands(r.Connections.Limit)
	}
	if r.Slow != nil && r.Slow.Smallest > 0 {
		cells[7] = learn.Size(r.Slow.Smallest)
	}
	return cells
}

// budgetAgents names agents for a sentence.
func budgetAgents(p *enforce.Policy) string {
	names := make([]string, len(p.Agents))
	for i, agent := range p.Agents {
		names[i] = agent.Name
	}
	return strings.Join(names, ", ")
}
