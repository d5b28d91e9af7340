package main

import (
	"tripline/learn"
)

// A reviewJSON is a review for programs.
type reviewJSON struct {
	Digest string      `json:"digest"`
	Agents []agentJSON `json:"agents"`
	Rules  []row       `json:"rules"`
}

type agentJSON struct {
	Agent     string   `json:"agent"`
	Baseline  string   `json:"baseline,omitempty"` // the approved one
	Rules     int      `json:"rules"`
	Seen      int      `json:"seen"`
	Admits    admits   `json:"admits"` // of all rules together
	Pending   bool     `json:"pending"`
	Forbidden []string `json:"left_out_forbidden,omitempty"`
	Refused   []string `json:"left_out_refused,omitempty"`

	Quarantined []string   `json:"left_out_quarantined,omitempty"`
	Expired     []string   `json:"left_out_expired,omitempty"`
	Idle        []idleJSON `json:"not_hit,omitempty"` // approved rules, for long
	Doubts      []string   `json:"doubts,omitempty"`
	Held        []heldJSON `json:"held_back,omitempty"` // by the ceiling
	Names       *namesJSON `json:"names,omitempty"`     // how its flows came by them
	Detours     []*detour  `json:"around_names,omitempty"`

	Backtest *backtestJSON `json:"backtest,omitempty"`
	Forecast *outlookJSON  `json:"forecast,omitempty"`
}

func showJSON(a *app, r *reviewed) error {
	out := reviewJSON{Digest: r.digest, Rules: r.rows()}
	for _, d := range r.drafts {
		j := agentJSON{Agent: d.agent, Baseline: head(d.approved), Rules: len(d.proposed.Rules), Pending: d.pending()}
		for i := range d.proposed.Rules {
			j.Seen += d.proposed.Rules[i].Seen.Destinations
		}
		j.Admits = newAdmits(learn.Exposure(d.proposed.Rules, r.space, d.never))
		j.Forbidden, j.Refused = endpoints(d.left.Forbidden), endpoints(d.left.Refused)
		j.Quarantined, j.Expired, j.Idle = endpoints(d.left.Quarantined), endpoints(d.left.Expired), idleOf(d)
		if r.kind == kindLearned {
			j.Doubts = learn.Doubts(d.seen)
		}
		j.Held, j.Names, j.Detours = heldOf(d), namesOf(d), d.detours
		j.Backtest = d.backtestJSON()
		j.Forecast = d.outlook.json()
		out.Agents = append(out.Agents, j)
	}
	return writeJSON(a, out)
}

func endpoints(ds []learn.Destination) []string {
	var out []string
	for i := range ds {
		out = append(out, learn.Place(ds[i].Addr, ds[i].Name, ds[i].Service))
	}
	return out
}
