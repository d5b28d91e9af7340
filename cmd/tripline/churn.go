package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/learn"
	"tripline/store"
)

func newRangesDiffCommand(a *app) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "diff [NAME...] | OLD NEW",
		Short: "Say what publishers changed, and which rules it touches",
		Long: `diff compares the lists that are kept with those that they replaced, all of them or the
named ones, or two files of one publisher. It counts addresses of each label, not
prefixes, which publishers cut anew without any change. Below are the approved rules
that admit other addresses than before.

Exit status:
  0  compared
  2  it could not be done; standard error says why`,
		Example: `  tripline ranges diff aws
  tripline ranges diff ip-ranges-may.json ip-ranges-august.json`,
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "table" && format != "json" {
				return fmt.Errorf("--format %q: want table or json", learn.Printable(format))
			}
			if len(args) == 2 && isFile(args[0]) && isFile(args[1]) {
				return a.diffFiles(args[0], args[1], format)
			}
			return a.diffStored(args, format)
		},
	}
	c.Flags().StringVar(&format, "format", "table", "`FORMAT` of output: table or json (one object a line)")
	return c
}

// isFile says whether arg is one, and not the name of a list.
func isFile(arg string) bool {
	if _, err := feed.Find(arg); err == nil || arg == asnName {
		return false
	}
	info, err := os.Stat(arg)
	return err == nil && info.Mode().IsRegular()
}

// A churn is what changed of a label, or of what a rule admits.
type churn struct {
	Label   string `json:"label,omitempty"`
	Agent   string `json:"agent,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Added   admits `json:"added"`
	Removed admits `json:"removed"`
	Before  admits `json:"before"`
	After   admits `json:"after"`
}

func churnOf(c ipranges.Change) churn {
	return churn{
		Added: newAdmits(c.Added), Removed: newAdmits(c.Removed), Before: newAdmits(c.Before), After: newAdmits(c.After),
	}
}

func (a *app) diffFiles(older, newer, format string) error {
	was, err := readList(older)
	if err != nil {
		return err
	}
	is, err := readList(newer)
	if err != nil {
		return err
	}
	if was.Name != is.Name {
		return fmt.Errorf("compare ranges: %s is of %s, %s of %s", older, was.Name, newer, is.Name)
	}
	table := func(s *feed.Snapshot) *ipranges.Table {
		return ipranges.NewTable(feed.Assemble(map[string][]ipranges.Range{s.Name: s.Ranges}))
	}
	return a.printChurn(labelChurn(ipranges.Diff(table(was), table(is)), nil), nil, format)
}

func readList(path string) (*feed.Snapshot, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("compare ranges: %w", err)
	}
	f, err := feed.Detect(data[:min(len(data), 4096)])
	if err != nil {
		return nil, fmt.Errorf("compare ranges: %s: %w", path, err)
	}
	s, err := f.Read(data)
	if err != nil {
		return nil, fmt.Errorf("compare ranges: %s: %w", path, err)
	}
	return s, nil
}

func (a *app) diffStored(names []string, format string) error {
	return a.read(func(s *store.Store) error {
		wanted, err := replaced(s, names)
		if err != nil {
			return err
		}
		was, err := loadEarlier(s, wanted)
		if err != nil {
			return err
		}
		is, err := load(s)
		if err != nil {
			return err
		}
		earlier, now := was.space(), is.space()
		rules, err := touched(s, earlier, now)
		if err != nil {
			return err
		}
		return a.printChurn(labelChurn(ipranges.Diff(earlier.Table, now.Table), wanted), rules, format)
	})
}

// replaced returns the named lists that have one before them, all without a
// name. One that has not is an error if it was asked for.
func replaced(s *store.Store, names []string) (map[string]bool, error) {
	have, err := heads(s)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, name := range names {
		if _, ok := have[name]; !ok {
			return nil, learn.WithHint(fmt.Errorf("no ranges called %q are kept", learn.Printable(name)), "tripline ranges list")
		}
		if _, ok := have[name+before]; !ok {
			return nil, learn.WithHint(fmt.Errorf("%s has not changed since it was first kept", name), "tripline ranges pull %s", name)
		}
		wanted[name] = true
	}
	return wanted, nil
}

// labelChurn returns the changes of the wanted providers, of all if none is.
func labelChurn(changes []ipranges.Change, wanted map[string]bool) []churn {
	var out []churn
	for _, c := range changes {
		if len(wanted) > 0 && !wanted[c.Label.Provider] {
			continue
		}
		v := churnOf(c)
		v.Label = c.Label.String()
		out = append(out, v)
	}
	return out
}

// touched returns the approved rules that admit other addresses than before.
func touched(s *store.Store, earlier, now ipranges.Space) (out []churn, err error) {
	list, err := baselines(s)
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		for _, r := range b.Rules {
			if c, ok := ruleChange(r, earlier, now); ok {
				v := churnOf(c)
				v.Agent, v.Rule = b.Agent, r.To.String()
				out = append(out, v)
			}
		}
	}
	return out, nil
}

// ruleChange says what became of a rule that depends on what publishers say.
func ruleChange(r learn.Rule, earlier, now ipranges.Space) (ipranges.Change, bool) {
	was, is := published(r.To, earlier), published(r.To, now)
	c := ipranges.Change{
		Added: is.Subtract(was).Exposure(), Removed: was.Subtract(is).Exposure(), Before: was.Exposure(), After: is.Exposure(),
	}
	return c, !c.IsZero()
}

// published returns the addresses that publishers give a rule: those it admits,
// or those that its name must be at. What nobody publishes any more has none.
func published(to learn.To, space ipranges.Space) (set ipranges.Set) {
	labels := to.Within
	if to.Label != (ipranges.Label{}) {
		labels = []ipranges.Label{to.Label}
	}
	for _, l := range labels {
		part, _ := space.Table.Set(l)
		set = set.Union(part)
	}
	if to.ASN != 0 && space.ASNs != nil {
		set = space.ASNs.Announced(to.ASN)
	}
	return set
}

func (a *app) printChurn(labels, rules []churn, format string) error {
	if format == "json" {
		return jsonLines(a, slices.Concat(labels, rules))
	}
	if len(labels) == 0 {
		a.say("No label has other addresses than before.")
		return nil
	}
	if err := churnTable("label", labels, func(c churn) []string { return []string{c.Label} }).write(a.stdout); err != nil {
		return err
	}
	if len(rules) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(a.stdout, "\nApproved rules that this touches:"); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return churnTable("agent", rules, func(c churn) []string { return []string{c.Agent, c.Rule} }, "rule").write(a.stdout)
}

// churnTable has the columns that first returns, and the figures.
func churnTable(name string, list []churn, first func(churn) []string, more ...string) *grid {
	header := append([]string{name}, more...)
	g := &grid{header: append(header, "added", "removed", "before", "now"), right: map[int]bool{}}
	for i := range 4 {
		g.right[len(header)+i] = true
	}
	for _, c := range list {
		g.rows = append(g.rows, append(first(c), signed("+", c.Added), signed("-", c.Removed), c.Before.exposure().String(), c.After.exposure().String()))
	}
	return g
}

func signed(sign string, x admits) string {
	if x.V4 == 0 && x.V6 == 0 {
		return ""
	}
	return sign + x.exposure().String()
}

func (x admits) exposure() ipranges.Exposure { return ipranges.Exposure{V4: x.V4, V6: x.V6} }
