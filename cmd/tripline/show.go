package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// A row is one rule of a review, every figure of the table.
type row struct {
	Mark     string   `json:"mark"` // + new, - would go, ~ changed, = kept
	Agent    string   `json:"agent"`
	To       string   `json:"to"`
	Kind     string   `json:"kind"` // name, label, asn or prefix
	Owner    string   `json:"owner,omitempty"`
	Ports    []string `json:"ports"`
	Seen     int      `json:"seen"`
	Admits   admits   `json:"admits"`
	Before   *admits  `json:"admitted_before,omitempty"`
	First    string   `json:"first,omitempty"`
	Last     string   `json:"last,omitempty"`
	Blocks   int      `json:"blocks"`
	Runs     int      `json:"runs"`
	Flags    []string `json:"flags,omitempty"`
	From     string   `json:"from"`
	exposure ipranges.Exposure
}

type admits struct {
	V4 uint64 `json:"ipv4"`
	V6 uint64 `json:"ipv6_64"`
}

func newAdmits(e ipranges.Exposure) admits { return admits{e.V4, e.V6} }

func (r *reviewed) rows() []row {
	var out []row
	for _, d := range r.drafts {
		for i := range d.changes {
			out = append(out, r.row(&d.changes[i]))
		}
	}
	return out
}

func (r *reviewed) row(c *learn.Change) row {
	rule := c.Rule()
	out := row{
		Mark: string(c.Mark), Agent: c.Agent, To: rule.To.String(), Kind: kind(rule.To), Owner: r.owner(rule.To),
		Seen: rule.Seen.Destinations, Admits: newAdmits(rule.Admits), exposure: rule.Admits,
		First: day(rule.Seen.First), Last: day(rule.Seen.Last), Blocks: rule.Seen.Blocks, Runs: rule.Seen.Runs,
		Flags: r.flags(rule), From: rule.From,
	}
	if c.Mark == learn.Kept {
		out.Mark = "="
	}
	for _, p := range rule.Ports {
		out.Ports = append(out.Ports, p.String())
	}
	if c.Mark == learn.Changed && c.Old.Admits != rule.Admits {
		before := newAdmits(c.Old.Admits)
		out.Before = &before
	}
	return out
}

func kind(t learn.To) string {
	switch {
	case t.Name != "":
		return "name"
	case t.Label != (ipranges.Label{}):
		return "label"
	case t.ASN != 0:
		return "asn"
	}
	return "prefix"
}

// owner says whose a prefix is: the published set around it, or the system that
// announces it.
func (r *reviewed) owner(t learn.To) string {
	if !t.Prefix.IsValid() {
		return ""
	}
	if l, ok := r.space.Table.Home(t.Prefix.Addr()); ok {
		return l.String()
	}
	if as, ok := r.space.AS(t.Prefix.Addr()); ok {
		return strings.TrimSpace(fmt.Sprintf("AS%d %s", as.Number, as.Org))
	}
	if learn.NewNever(nil, nil).Private(t.Prefix.Addr()) {
		return "private"
	}
	return ""
}

// usual are ports that need no second look.
var usual = []uint16{22, 25, 53, 80, 123, 143, 443, 465, 587, 853, 993, 995, 8080, 8443}

func (r *reviewed) flags(rule *learn.Rule) []string {
	var flags []string
	if r.shared(rule) {
		flags = append(flags, "shared")
	}
	if rule.Seen.Blocks == 1 {
		flags = append(flags, "once")
	}
	if rule.To.Prefix.IsValid() && r.owner(rule.To) == "" {
		flags = append(flags, "raw address")
	}
	if slices.ContainsFunc(rule.Ports, func(s learn.Service) bool {
		return s.Proto.HasPorts() && !slices.Contains(usual, s.Port)
	}) {
		flags = append(flags, "unusual port")
	}
	if rule.From != learn.Learned {
		flags = append(flags, rule.From)
	}
	return flags
}

// shared says whether anyone can rent a place at what a rule admits.
func (r *reviewed) shared(rule *learn.Rule) bool {
	if rule.To.Label != (ipranges.Label{}) {
		return ipranges.Shared(rule.To.Label)
	}
	addrs := rule.Addrs
	if rule.To.Prefix.IsValid() {
		addrs = append(addrs, rule.To.Prefix.Addr())
	}
	for _, a := range addrs {
		if slices.ContainsFunc(r.space.Table.Labels(a), ipranges.Shared) {
			return true
		}
	}
	return false
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func short(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("2 Jan")
}

// grid lays rows out for people.
func (r *reviewed) grid(rows []row) *grid {
	g := &grid{header: []string{"", "agent", "destination", "owner", "ports", "seen", "admits", "first", "last", "hours", "runs", "flags"}}
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
			mark, x.Agent, x.To, cut(x.Owner, 32), strings.Join(x.Ports, " "), fmt.Sprint(x.Seen), opens,
			short(x.First), short(x.Last), fmt.Sprint(x.Blocks), fmt.Sprint(x.Runs), strings.Join(x.Flags, ", "),
		})
	}
	g.right = map[int]bool{5: true, 6: true, 7: true, 8: true, 9: true, 10: true}
	if len(r.drafts) == 1 {
		g.drop(1)
	}
	return g
}

// drop removes a column.
func (g *grid) drop(col int) {
	g.header = slices.Delete(g.header, col, col+1)
	for i := range g.rows {
		g.rows[i] = slices.Delete(g.rows[i], col, col+1)
	}
	right := map[int]bool{}
	for c := range g.right {
		if c > col {
			c--
		}
		right[c] = true
	}
	g.right = right
}

// cut shortens long text of others, owners mostly.
func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

func showTable(a *app, r *reviewed, full bool) error {
	rows, kept := r.rows(), 0
	if !full {
		n := len(rows)
		rows = slices.DeleteFunc(rows, func(x row) bool { return x.Mark == "=" })
		kept = n - len(rows)
	}
	for _, d := range r.drafts {
		fmt.Fprintln(a.stdout, r.title(d))
	}
	fmt.Fprintln(a.stdout)
	if len(rows) > 0 {
		g := r.grid(rows)
		if a.colored(a.stdout) {
			g.paint = paint(rows)
		}
		if err := g.write(a.stdout); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout)
	}
	if kept > 0 {
		fmt.Fprintf(a.stdout, "%d rules stay as they are; --all shows them.\n", kept)
	}
	r.footer(a)
	return nil
}

// title is the first line of a review: what was learned and what is proposed.
func (r *reviewed) title(d *draft) string {
	count := map[learn.Mark]int{}
	for _, c := range d.changes {
		count[c.Mark]++
	}
	of := "nothing is approved yet"
	if d.approved != nil {
		of = "against baseline " + d.approved.Digest[:12]
	}
	return fmt.Sprintf("%s: %d rules proposed (%d new, %d changed, %d would go), %s", d.agent, len(d.proposed.Rules),
		count[learn.Added], count[learn.Changed], count[learn.Removed], of)
}

// footer says what the rows do not: what is left out, what all rules open, and
// how to approve.
func (r *reviewed) footer(a *app) {
	pending := false
	for _, d := range r.drafts {
		pending = pending || d.pending()
		left(a, d.agent, "in the bounding set and never proposed", d.left.Forbidden)
		left(a, d.agent, "only ever refused by the firewall and not proposed (--refused proposes them)", d.left.Refused)
		seen := 0
		for _, rule := range d.proposed.Rules {
			seen += rule.Seen.Destinations
		}
		opens := learn.Exposure(d.proposed.Rules, r.space, a.config.Never)
		fmt.Fprintf(a.stdout, "Opens:    %s: %s for %d seen.\n", d.agent, opened(opens), seen)
	}
	if r.space.Table == nil {
		fmt.Fprintln(a.stdout, "Ranges:   none are stored, so rules are prefixes only: tripline ranges pull")
	}
	fmt.Fprintf(a.stdout, "Digest:   %s\n", r.digest[:12])
	if !pending {
		fmt.Fprintln(a.stdout, "Nothing to approve: this is the baseline.")
		return
	}
	fmt.Fprintf(a.stdout, "Approve:  tripline review --approve %s --reason \"...\"\n", r.digest[:12])
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
		names = append(names, learn.Endpoint(ds[i].Addr.String(), ds[i].Service))
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
}

func showJSON(w io.Writer, r *reviewed) error {
	out := reviewJSON{Digest: r.digest, Rules: r.rows()}
	for _, d := range r.drafts {
		j := agentJSON{Agent: d.agent, Baseline: head(d.approved), Rules: len(d.proposed.Rules), Pending: d.pending()}
		for i := range d.proposed.Rules {
			j.Seen += d.proposed.Rules[i].Seen.Destinations
		}
		j.Admits = newAdmits(learn.Exposure(d.proposed.Rules, r.space, learn.NewNever(nil, nil)))
		j.Forbidden, j.Refused = endpoints(d.left.Forbidden), endpoints(d.left.Refused)
		out.Agents = append(out.Agents, j)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func endpoints(ds []learn.Destination) []string {
	var out []string
	for i := range ds {
		out = append(out, learn.Endpoint(ds[i].Addr.String(), ds[i].Service))
	}
	return out
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
