package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/learn"
)

// grid lays rows out for people.
func (r *reviewed) grid(rows []row) *grid {
	g := &grid{header: []string{"", "row", "agent", "destination", "owner", "ports", "seen", "admits", "first", "last", "hours", "runs", "flags"}}
	for _, x := range rows {
		mark := x.Mark
		if mark == "=" {
			mark = " "
		}
		opens := x.exposure.String()
		if x.Before != nil {
			opens += " (was " + ipranges.Exposure{V4: x.Before.V4, V6: x.Before.V6}.String() + ")"
		}
		g.rows = append(g.rows, []string{
			mark, strconv.Itoa(x.Row), x.Agent, x.To, cut(x.Owner, 32), strings.Join(x.Ports, " "), strconv.Itoa(x.Seen), opens,
			short(x.First), short(x.Last), strconv.Itoa(x.Blocks), strconv.Itoa(x.Runs), strings.Join(x.Flags, ", "),
		})
	}
	g.right = map[int]bool{1: true, 6: true, 7: true, 8: true, 9: true, 10: true, 11: true}
	if len(r.drafts) == 1 {
		g.drop(2)
	}
	return g
}

// How much of a destination and of ports is shown at least.
const (
	leastShown = 24
	leastPorts = 18
)

// rounded writes the millions of an exposure in fewer digits; --row and --format
// json have them all.
func rounded(text string, _ int) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		n, err := strconv.ParseUint(strings.Trim(strings.ReplaceAll(w, ",", ""), "()"), 10, 64)
		if err != nil || n < 1e6 {
			continue
		}
		v, unit := float64(n)/1e6, "M"
		if n >= 1e9 {
			v, unit = float64(n)/1e9, "G"
		}
		end := w[len(strings.TrimRight(w, ")")):]
		words[i] = fmt.Sprintf("%.1f%s%s", v, unit, end)
	}
	return strings.Join(words, " ")
}

// cut shortens long text of others, owners mostly.
func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

func showTable(a *app, r *reviewed, full bool, order func(a, b row) int) error {
	rows, kept, rejected := r.rows(), 0, 0
	slices.SortStableFunc(rows, order)
	if !full {
		rows = slices.DeleteFunc(rows, func(x row) bool {
			switch x.Mark {
			case "=":
				kept++
			case markRejected:
				rejected++
			}
			return x.Mark == "=" || x.Mark == markRejected
		})
	}
	for _, d := range r.drafts {
		fmt.Fprintln(a.stdout, r.title(d))
	}
	fmt.Fprintln(a.stdout)
	if len(rows) > 0 {
		g := r.grid(rows)
		g.dropEmpty("owner")
		gone := g.fit(width(a.stdout), "runs", "hours", "owner", "first", "last")
		g.shrink(width(a.stdout), "ports", leastPorts, firstWords)
		g.shrink(width(a.stdout), "admits", 0, rounded)
		g.shrink(width(a.stdout), "destination", leastShown, middle)
		if a.colored(a.stdout) {
			g.paint = paint(rows)
		}
		if err := g.write(a.stdout); err != nil {
			return err
		}
		if len(gone) > 0 {
			fmt.Fprintf(a.stdout, "(A wider terminal also shows: %s.)\n", strings.Join(gone, ", "))
		}
		fmt.Fprintln(a.stdout)
	}
	if kept > 0 {
		fmt.Fprintf(a.stdout, "%s; --all shows them.\n", count(uint64(kept), "rule stays as it is", "rules stay as they are"))
	}
	if rejected > 0 {
		fmt.Fprintf(a.stdout, "%s rejected; --all shows them.\n", count(uint64(rejected), "row is", "rows are"))
	}
	r.footer(a)
	return nil
}

// title is the first line of a review: what was learned and what is proposed.
func (r *reviewed) title(d *draft) string {
	marks := map[learn.Mark]int{}
	for _, c := range d.changes {
		marks[c.Mark]++
	}
	of := "nothing is approved yet"
	if d.approved != nil {
		of = "against baseline " + d.approved.Digest[:12]
	}
	return fmt.Sprintf("%s: %s proposed (%d new, %d changed, %d would go), %s", d.agent, count(uint64(len(d.proposed.Rules)), "rule", "rules"),
		marks[learn.Added], marks[learn.Changed], marks[learn.Removed], of)
}

// footer says what the rows do not: what is left out, what all rules open, and
// how to approve.
func (r *reviewed) footer(a *app) {
	pending := false
	for _, d := range r.drafts {
		pending = pending || d.pending()
		left(a, d.agent, "in the bounding set and never proposed", d.left.Forbidden)
		left(a, d.agent, "only ever refused and not proposed (--refused proposes them)", d.left.Refused)
		a.lifeLines(r, d)
		seen := 0
		for _, rule := range d.proposed.Rules {
			seen += rule.Seen.Destinations
		}
		if n := learn.NamesOf(d.seen); n.Named() > 0 {
			fmt.Fprintf(a.stdout, "Names:    %s: %s.\n", d.agent, namesText(&n))
		}
		a.detourLines(d)
		opens := learn.Exposure(d.proposed.Rules, r.space, d.never)
		fmt.Fprintf(a.stdout, "Opens:    %s: %s for %s seen.\n", d.agent, opened(opens), ipranges.Thousands(uint64(seen)))
		a.heldLines(d)
		if d.pick != nil {
			fmt.Fprintf(a.stdout, "Picked:   %s: %s\n", d.agent, picked(d.pick))
		}
		for _, line := range d.lines() {
			fmt.Fprintf(a.stdout, "Back-test: %s: %s.\n", d.agent, line)
		}
		d.outlook.footer(a, d.agent)
	}
	if !slices.ContainsFunc(r.drafts, func(d *draft) bool { return pulled(d.proposed.Ranges) }) {
		fmt.Fprintln(a.stdout, "Ranges:   only those that came with tripline; elsewhere rules are prefixes only: tripline ranges pull")
	}
	fmt.Fprintf(a.stdout, "Digest:   %s\n", r.digest[:12])
	if !pending {
		fmt.Fprintln(a.stdout, "Nothing to approve: this is the baseline.")
		return
	}
	fmt.Fprintf(a.stdout, "Approve:  tripline review --approve %s --reason \"...\"\n", r.digest[:12])
}

// pulled says whether any of the range data a proposal was folded with was pulled
// or imported.
func pulled(ranges map[string]string) bool {
	for name, digest := range ranges {
		f, err := feed.Find(name)
		if err != nil {
			return true // an ASN database, or a list of the user's own
		}
		if own, ok := f.Builtin(); !ok || digest != "sha256:"+own.SHA256 {
			return true
		}
	}
	return false
}

// opened writes an exposure as a sentence has it.
func opened(e ipranges.Exposure) string {
	v4 := count(e.V4, "address", "addresses")
	v6 := count(e.V6, "IPv6 /64 network", "IPv6 /64 networks")
	switch {
	case e.V6 == 0:
		return v4
	case e.V4 == 0:
		return v6
	}
	return v4 + " and " + v6
}

func left(a *app, agent, what string, ds []learn.Destination) {
	if len(ds) == 0 {
		return
	}
	var names []string
	for i := range ds[:min(3, len(ds))] {
		names = append(names, learn.Printable(learn.Place(ds[i].Addr, ds[i].Name, ds[i].Service)))
	}
	more := ""
	if len(ds) > 3 {
		more = fmt.Sprintf(" and %d more", len(ds)-3)
	}
	fmt.Fprintf(a.stdout, "Left out: %s: %d %s: %s%s\n", agent, len(ds), what, strings.Join(names, ", "), more)
}

// paint colours the mark and the flags of a row.
func paint(rows []row) func(int, int, string) string {
	colors := map[string]string{"+": "\033[32m", "-": "\033[31m", "~": "\033[33m"}
	return func(i, col int, text string) string {
		if c := colors[rows[i].Mark]; c != "" && col == 0 {
			return c + text + "\033[0m"
		}
		return text
	}
}

func showMarkdown(a *app, r *reviewed) error {
	for _, d := range r.drafts {
		fmt.Fprintf(a.stdout, "%s\n\n", r.title(d))
	}
	if rows := r.rows(); len(rows) > 0 {
		if err := r.grid(rows).markdown(a.stdout); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.stdout, "\nDigest: `%s`\n", r.digest[:12])
	return nil
}
