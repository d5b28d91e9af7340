package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

// opening shows one row of the review that was shown last.
func (o *reviewOptions) opening(a *app) error {
	var r *reviewed
	err := a.read(func(s *store.Store) (err error) {
		if r, err = o.shownLast(a, s); err != nil {
			return err
		}
		for _, d := range r.drafts {
			if d.seen, err = s.Destinations(d.agent); err != nil {
				return err
			}
			if d.marks, err = s.Marks(d.agent); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	rows := r.rows()
	n, err := rowNumber("row", o.row, rows)
	if err != nil {
		return err
	}
	switch o.format {
	case "table":
		for _, line := range r.opened(&rows[n-1]).lines() {
			fmt.Fprintln(a.stdout, line)
		}
		return nil
	case "json":
		return writeJSON(a, r.opened(&rows[n-1]))
	}
	return fmt.Errorf("--format %q: want table or json with --row", learn.Printable(o.format))
}

func writeJSON(a *app, v any) error {
	enc := json.NewEncoder(learn.PrintableJSON(a.stdout))
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// An openRow is all that is known of a row.
type openRow struct {
	row

	Digest       string            `json:"digest"`
	Destinations []destinationJSON `json:"destinations"`
	Up           uint64            `json:"bytes_up,omitempty"`
	Down         uint64            `json:"bytes_down,omitempty"`
	Hours        [24]int           `json:"hours_of_day"` // in how many blocks of time, UTC
	RunNames     []string          `json:"run_names,omitempty"`
	Marks        []markedJSON      `json:"marks,omitempty"`
	Inside       []insideJSON      `json:"also_admits,omitempty"`
	Near         []string          `json:"neighbours,omitempty"`
	Alternatives []alternativeJSON `json:"alternatives,omitempty"`
	Decisions    []string          `json:"decisions,omitempty"`
}

type destinationJSON struct {
	Address  string    `json:"address,omitempty"`
	Name     string    `json:"name,omitempty"`
	Evidence string    `json:"evidence,omitempty"`
	Port     string    `json:"port"`
	Owner    string    `json:"owner,omitempty"`
	Flows    uint64    `json:"flows"`
	Refused  uint64    `json:"refused"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Blocks   int       `json:"blocks"`
}

// An insideJSON is what a rule admits of a published set or a system.
type insideJSON struct {
	Of      string `json:"of"`
	Admits  admits `json:"admits"`
	Because string `json:"shared_because,omitempty"`
}

type alternativeJSON struct {
	To      string   `json:"to"`
	Wider   bool     `json:"wider"`
	Rules   int      `json:"rules"`
	Admits  admits   `json:"admits"`
	Alarms  *float64 `json:"alarms_per_week,omitempty"` // absent where too little was seen
	Command string   `json:"command"`
}

func (r *reviewed) opened(x *row) *openRow {
	d := r.draft(x.Agent)
	members := learn.Members(x.rule, d.seen, r.space)
	out := &openRow{row: *x, Digest: r.digest}
	runs := map[string]bool{}
	hours := map[learn.Block]bool{}
	for i := range members {
		m := &members[i]
		out.Destinations = append(out.Destinations, r.destination(m))
		out.Up, out.Down = out.Up+m.Up, out.Down+m.Down
		for _, b := range m.Blocks {
			hours[b] = true
		}
		for _, run := range m.Runs {
			runs[run] = true
		}
	}
	for b := range hours {
		out.Hours[b.Time().Hour()]++
	}
	out.RunNames = sorted(runs)
	out.Inside, out.Near = r.inside(x, d), r.neighbours(x, d)
	out.Decisions, out.Marks = d.said(x, members, r), d.marked(members)
	if x.Mark != markRejected && x.Mark != string(learn.Removed) {
		out.alternatives(r.alternatives(d, x, members), func(c learn.Choice) bool { return r.leave(d, c) })
	}
	return out
}

func sorted(set map[string]bool) []string {
	var out []string
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func (r *reviewed) destination(m *learn.Destination) destinationJSON {
	out := destinationJSON{
		Name: m.Name, Evidence: m.Evidence.String(), Port: m.Service.String(), Flows: m.Flows, Refused: m.Blocked,
		First: m.First, Last: m.Last, Blocks: len(m.Blocks),
	}
	if m.Addr.IsValid() {
		out.Address = m.Addr.String()
		out.Owner = r.owner(learn.To{Prefix: netip.PrefixFrom(m.Addr, m.Addr.BitLen())})
	}
	return out
}

// said returns the decisions behind a row, in words.
func (d *draft) said(x *row, members []learn.Destination, r *reviewed) (out []string) {
	skips, _ := r.options.skipped(d.agent) // they were read when this was folded
	for _, y := range slices.Concat(d.decisions, skips) {
		if y.Behind(x.rule, members, r.space) {
			t := taken{Decision: y}
			out = append(out, fmt.Sprintf("%s: %s, by %s on %s", y.Key(), t.words(), y.By, day(y.At)))
		}
	}
	return out
}

// most is how many published sets, systems and neighbours are named.
const most = 6

// inside returns what else a rule admits: of each published set that it holds a
// part of, and of each system, the widest first.
func (r *reviewed) inside(x *row, d *draft) (out []insideJSON) {
	set, err := x.rule.To.Set(r.space, x.rule.Addrs)
	if err != nil || x.rule.To.Single() && len(x.rule.Addrs) == 0 {
		return nil
	}
	set = d.never.Bound(set, x.rule.To.Single())
	for label, all := range r.space.Table.Entries() {
		if part := set.Intersect(all); !part.IsEmpty() {
			out = append(out, insideJSON{label.String(), newAdmits(part.Exposure()), ipranges.SharedBecause(label)})
		}
	}
	for _, as := range r.systems(set) {
		out = append(out, insideJSON{Of: as})
	}
	slices.SortStableFunc(out, func(a, b insideJSON) int {
		return cmp.Or(cmp.Compare(b.Admits.V4, a.Admits.V4), cmp.Compare(b.Admits.V6, a.Admits.V6))
	})
	return out[:min(most, len(out))]
}

// systems returns those that announce a part of set, at most a few.
func (r *reviewed) systems(set ipranges.Set) (out []string) {
	for _, p := range set.Prefixes() {
		for a := p.Addr(); a.IsValid() && p.Contains(a) && len(out) < most; {
			as, ok := r.space.AS(a)
			if !ok {
				break
			}
			if text := fmt.Sprintf("AS%d %s", as.Number, as.Org); !slices.Contains(out, text) {
				out = append(out, text)
			}
			a = after(as.Prefix)
		}
	}
	return out
}

// after returns the first address behind a prefix, the zero address if none.
func after(p netip.Prefix) netip.Addr {
	if !p.IsValid() {
		return netip.Addr{}
	}
	last := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < 8*len(last); i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(last) // as many bytes as it came with
	return a.Next()
}

// neighbours returns other rows for addresses of the same /16 (IPv6: /32).
func (r *reviewed) neighbours(x *row, d *draft) (out []string) {
	if !x.rule.To.Prefix.IsValid() {
		return nil
	}
	bits := 16
	if x.rule.To.Prefix.Addr().Is6() {
		bits = 32
	}
	around, err := x.rule.To.Prefix.Addr().Prefix(min(bits, x.rule.To.Prefix.Bits()))
	if err != nil {
		return nil
	}
	for i := range d.proposed.Rules {
		o := &d.proposed.Rules[i]
		if p := o.To.Prefix; p.IsValid() && o.To.String() != x.To && around.Overlaps(p) && len(out) < most {
			out = append(out, o.To.String())
		}
	}
	return out
}

func (x *openRow) alternatives(list []learn.Alternative, leave func(learn.Choice) bool) {
	for _, alt := range list {
		j := alternativeJSON{To: alt.Choice.String(), Wider: alt.Wider, Rules: alt.Rules, Admits: newAdmits(alt.Admits)}
		if alt.Alarms >= 0 {
			j.Alarms = &alt.Alarms
		}
		verb := "narrow"
		if alt.Wider {
			verb = "widen"
		}
		j.Command = fmt.Sprintf("tripline review --%s %d=%s", verb, x.Row, alt.Choice)
		if alt.Wider && !leave(alt.Choice) {
			j.Command += " --allow-wide " + alt.Choice.String()
		}
		x.Alternatives = append(x.Alternatives, j)
	}
}

// lines is an open row for people, no line with anything that is not printable.
func (x *openRow) lines() []string {
	var out []string
	say := func(head, format string, args ...any) {
		out = append(out, strings.TrimRight(fmt.Sprintf("%-10s", head)+learn.Printable(fmt.Sprintf(format, args...)), " "))
	}
	mark := x.Mark
	if mark == "=" {
		mark = "stays"
	}
	say("Row:", "%d of %s, %s  %s  %s", x.Row, x.Digest[:12], mark, x.To, strings.Join(x.Ports, " "))
	say("Agent:", "%s", x.Agent)
	if x.Owner != "" {
		say("Owner:", "%s", x.Owner)
	}
	say("Opens:", "%s for %d seen", opened(x.exposure), x.Seen)
	if x.Before != nil {
		say("", "it was %s", opened(ipranges.Exposure{V4: x.Before.V4, V6: x.Before.V6}))
	}
	if len(x.Flags) > 0 {
		say("Flags:", "%s", strings.Join(x.Flags, ", "))
	}
	for _, text := range x.Decisions {
		say("Decided:", "%s", text)
	}
	x.times(say)
	for i, in := range x.Inside {
		say(first(i, "Admits:"), "%s", in.words())
	}
	if len(x.Near) > 0 {
		say("Near it:", "%s", strings.Join(x.Near, ", "))
	}
	out = append(out, x.table()...)
	return append(out, x.choices()...)
}

func first(i int, head string) string {
	if i == 0 {
		return head
	}
	return ""
}

func (in *insideJSON) words() string {
	text := in.Of
	if in.Admits != (admits{}) {
		text = opened(ipranges.Exposure{V4: in.Admits.V4, V6: in.Admits.V6}) + " of " + in.Of
	}
	if in.Because != "" {
		text += ": " + in.Because
	}
	return text
}

func (x *openRow) times(say func(head, format string, args ...any)) {
	if len(x.Destinations) == 0 {
		say("Seen:", "never; a person wrote it, or its flows were pruned")
		return
	}
	say("Seen:", "%s to %s, in %s and %s", x.First, x.Last, count(uint64(x.Blocks), "hour", "hours"), count(uint64(len(x.RunNames)), "run", "runs"))
	var strip strings.Builder
	for _, n := range x.Hours {
		strip.WriteByte(" .:#"[min(3, n)])
	}
	say("By hour:", "|%s| 0 to 23 UTC: . one block of time, : two, # more", strip.String())
	runs := x.RunNames
	if len(runs) > most {
		runs = append(slices.Clone(runs[:most]), fmt.Sprintf("and %d more", len(x.RunNames)-most))
	}
	say("Runs:", "%s", strings.Join(runs, ", "))
	for i := range x.Marks {
		say(first(i, "Marks:"), "%s", x.Marks[i].words(len(x.Destinations)))
	}
	if x.Up+x.Down > 0 {
		say("Bytes:", "%s up, %s down", ipranges.Thousands(x.Up), ipranges.Thousands(x.Down))
	}
}

// shownDestinations is how many are listed; JSON has them all.
const shownDestinations = 20

// table lists the destinations.
func (x *openRow) table() []string {
	if len(x.Destinations) == 0 {
		return nil
	}
	g := &grid{header: []string{"address", "name", "evidence", "port", "owner", "flows", "refused", "first", "last", "hours"}, right: map[int]bool{5: true, 6: true, 9: true}}
	for _, d := range x.Destinations[:min(shownDestinations, len(x.Destinations))] {
		refused := ""
		if d.Refused > 0 {
			refused = strconv.FormatUint(d.Refused, 10)
		}
		g.rows = append(g.rows, []string{
			d.Address, d.Name, d.Evidence, d.Port, cut(d.Owner, 32), strconv.FormatUint(d.Flows, 10), refused,
			d.First.Format("2 Jan 15:04"), d.Last.Format("2 Jan 15:04"), strconv.Itoa(d.Blocks),
		})
	}
	for _, name := range []string{"name", "evidence", "owner", "refused"} {
		g.dropEmpty(name)
	}
	out := append([]string{""}, g.lines()...)
	if n := len(x.Destinations) - shownDestinations; n > 0 {
		out = append(out, fmt.Sprintf("and %d more; --format json has them", n))
	}
	return out
}

// choices lists what is narrower and wider, with the command for each.
func (x *openRow) choices() []string {
	if len(x.Alternatives) == 0 {
		return nil
	}
	g := &grid{header: []string{"", "instead", "rules", "admits", "alarms a week", "command"}, right: map[int]bool{2: true, 3: true, 4: true}}
	for _, alt := range x.Alternatives {
		way, alarms := "narrower", "too early"
		if alt.Wider {
			way = "wider"
		}
		if alt.Alarms != nil {
			alarms = strconv.FormatFloat(*alt.Alarms, 'f', 1, 64)
		}
		g.rows = append(g.rows, []string{
			way, alt.To, strconv.Itoa(alt.Rules), ipranges.Exposure{V4: alt.Admits.V4, V6: alt.Admits.V6}.String(), alarms, alt.Command,
		})
	}
	return append([]string{""}, g.lines()...)
}

// lines draws the grid.
func (g *grid) lines() []string {
	var text strings.Builder
	if err := g.write(&text); err != nil {
		return nil // a buffer takes everything
	}
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
}
