package main

import (
	"fmt"
	"strconv"
	"strings"

	"tripline/learn"
)

// A mergedRow is one rule of a union, or one that was dropped.
type mergedRow struct {
	To     string   `json:"to"`
	Ports  []string `json:"ports"`
	Seen   int      `json:"seen"`
	Admits admits   `json:"admits"`
	On     []string `json:"on"` // the parts that have it
	Note   string   `json:"note,omitempty"`

	opens string
}

type mergedJSON struct {
	Agents  []string    `json:"agents"` // that the result is for
	Of      []string    `json:"of"`
	Admits  admits      `json:"admits"` // of all rules together
	Rules   []mergedRow `json:"rules"`
	Dropped []mergedRow `json:"dropped,omitempty"`
}

func (m *merging) show(a *app, o *mergeOptions) error {
	if o.format == "yaml" {
		if _, err := a.stdout.Write(m.text); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	}
	if o.format == "json" {
		return m.json(a)
	}
	return m.table(a, o)
}

func (m *merging) names() []string {
	out := make([]string, len(m.parts))
	for i, p := range m.parts {
		out[i] = p.Name
	}
	return out
}

func (m *merging) row(x *learn.Merging) mergedRow {
	r := mergedRow{To: x.To.String(), Ports: services(x.Ports), Seen: x.Seen.Destinations, Admits: newAdmits(x.Admits), Note: x.Note, opens: x.Admits.String()}
	for _, of := range x.Of {
		r.On = append(r.On, m.parts[of.Part].Name)
	}
	if r.Note == "" {
		r.Note = m.differs(x)
	}
	return r
}

// differs says who has a rule for which ports, where that is not the same.
func (m *merging) differs(x *learn.Merging) string {
	var parts []string
	for _, of := range x.Of {
		if ports := services(of.Rule.Ports); strings.Join(ports, " ") != strings.Join(services(x.Of[0].Rule.Ports), " ") || len(parts) > 0 {
			parts = append(parts, strings.Join(ports, " ")+" on "+m.parts[of.Part].Name)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	first := x.Of[0]
	return strings.Join(services(first.Rule.Ports), " ") + " on " + m.parts[first.Part].Name + ", " + strings.Join(parts, ", ")
}

func services(list []learn.Service) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s.String()
	}
	return out
}

func (m *merging) rows(list []learn.Merging) []mergedRow {
	out := make([]mergedRow, len(list))
	for i := range list {
		out[i] = m.row(&list[i])
	}
	return out
}

func (m *merging) json(a *app) error {
	out := mergedJSON{Agents: m.as, Of: m.names(), Admits: newAdmits(m.union.Admits), Rules: m.rows(m.union.Rules), Dropped: m.rows(m.union.Dropped)}
	return writeJSON(a, out)
}

// where says which parts have a rule.
func (m *merging) where(r *mergedRow) string {
	switch len(r.On) {
	case len(m.parts):
		return "all"
	case 1:
		return "only on " + r.On[0]
	}
	return "on " + strings.Join(r.On, ", ")
}

func (m *merging) table(a *app, o *mergeOptions) error {
	g := &grid{header: []string{"destination", "ports", "seen", "admits", "where", "note"}, right: map[int]bool{2: true, 3: true}}
	rules, only := m.rows(m.union.Rules), 0
	for i := range rules {
		r := &rules[i]
		if len(r.On) < len(m.parts) {
			only++
		}
		g.rows = append(g.rows, []string{r.To, strings.Join(r.Ports, " "), strconv.Itoa(r.Seen), r.opens, m.where(r), r.Note})
	}
	for _, r := range m.rows(m.union.Dropped) {
		g.rows = append(g.rows, []string{r.To, strings.Join(r.Ports, " "), "", "", m.where(&r), "dropped: " + r.Note})
	}
	g.dropEmpty("note")
	fmt.Fprintf(a.stdout, "%s: %s of %s, %d not on all of them\n\n", strings.Join(m.as, ", "),
		count(uint64(len(rules)), "rule", "rules"), strings.Join(m.names(), ", "), only)
	if err := g.write(a.stdout); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nOpens:    %s.\n", opened(m.union.Admits))
	if o.out == "" {
		fmt.Fprintln(a.stdout, "Approve:  the same with --out merged.yaml, and then: tripline review --edit=merged.yaml")
	} else {
		fmt.Fprintf(a.stdout, "Approve:  %s was written; tripline review --edit=%s shows what it changes, with a digest\n", o.out, o.out)
	}
	return nil
}
