package learn

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// budgetsDoc is the section "budgets".
type budgetsDoc struct {
	FalseAlarms string   `yaml:"false_alarms"`
	Margin      string   `yaml:"margin"`
	Floor       string   `yaml:"floor"`
	Off         []string `yaml:"off"`
	Caps        []struct {
		Agent  string `yaml:"agent"`
		To     string `yaml:"to"`
		PerDay string `yaml:"per_day"`
	} `yaml:"caps"`
}

// witnesses reads the sections about what is held against traffic beside a policy.
func (d *configDoc) witnesses(c *Config, node *yaml.Node) error {
	return errors.Join(d.budgets(c, node), d.vault(c, node), d.registries(c, node))
}

// BudgetKinds are the kinds of findings that budgets make.
var BudgetKinds = []string{"volume_budget", "volume_cap", "direction_change", "slow_leak", "connection_count", "beacon"}

// budgets reads what is to be found of volumes, counts and rhythms. Without the
// section nothing is, unless a flag asks for it.
func (d *configDoc) budgets(c *Config, node *yaml.Node) error {
	if d.Budgets == nil {
		if at(node, "budgets").node != at(node).node { // "budgets:" with nothing below it
			def := DefaultBudgeting()
			c.Budgets = &def
		}
		return nil
	}
	b := DefaultBudgeting()
	if err := d.Budgets.figures(&b, node); err != nil {
		return err
	}
	for i, kind := range d.Budgets.Off {
		if !slices.Contains(BudgetKinds, kind) {
			return at(node, "budgets", "off", i).errorf("%q: want one of %s", Printable(kind), strings.Join(BudgetKinds, ", "))
		}
	}
	b.Off, c.Budgets = d.Budgets.Off, &b
	return d.Budgets.caps(c, node)
}

func (d *budgetsDoc) figures(b *Budgeting, node *yaml.Node) (err error) {
	if d.FalseAlarms != "" {
		if b.Alpha, err = parseShare(d.FalseAlarms); err != nil || b.Alpha <= 0 || b.Alpha >= 1 {
			return at(node, "budgets", "false_alarms").errorf("%q: want a share of hours between 0 and 1, such as 1%% or 0.01", Printable(d.FalseAlarms))
		}
	}
	if d.Margin != "" {
		if b.Margin, err = parseShare(d.Margin); err != nil || b.Margin < 0 || b.Margin > 1000 {
			return at(node, "budgets", "margin").errorf("%q: want how much more than was learned may pass, such as 100%% (twice as much)", Printable(d.Margin))
		}
	}
	if d.Floor != "" {
		if b.Floor, err = ParseSize(d.Floor); err != nil {
			return at(node, "budgets", "floor").wrap(err)
		}
	}
	return nil
}

// parseShare reads "1%" or "0.01".
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if math.IsNaN(v) {
		return 0, strconv.ErrSyntax
	}
	return v, err
}

func (d *budgetsDoc) caps(c *Config, node *yaml.Node) error {
	for i, doc := range d.Caps {
		limit := Cap{Agent: doc.Agent}
		if doc.To != "" {
			to, err := parseCapped(doc.To)
			if err != nil {
				return at(node, "budgets", "caps", i, "to").wrap(err)
			}
			limit.To = to
		}
		if doc.PerDay == "" {
			return at(node, "budgets", "caps", i).errorf("want per_day, such as 10 MB, or 0 for what never uploads")
		}
		n, err := ParseSize(doc.PerDay)
		if err != nil {
			return at(node, "budgets", "caps", i, "per_day").wrap(err)
		}
		limit.PerDay = n
		c.Budgets.Caps = append(c.Budgets.Caps, limit)
	}
	return nil
}

// parseCapped reads what a cap is for: as [ParseTo] does, or a wildcard.
func parseCapped(text string) (To, error) {
	if _, wildcard := Below(text); wildcard {
		name := strings.ToLower(text)
		return To{Name: name}, CheckName(name)
	}
	return ParseTo(text)
}
