package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
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
	}
	if m.Addr.IsValid() && !learn.IsStandIn(m.Addr) {
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
