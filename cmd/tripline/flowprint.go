package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tripline/learn"
	"tripline/learn/source"
)

// A shower prints one record of a file; r is nil for what could not be read.
type shower func(file string, r *source.Record, bad *source.RecordError)

func (o *flowsOptions) printer(w *bufio.Writer) (show shower, finish func(), err error) {
	switch o.format {
	case "json":
		return o.json(w), func() {}, nil
	case "table":
		return o.table(w), func() {}, nil
	case "count":
		show, finish := countFlows(w)
		return show, finish, nil
	}
	return nil, nil, o.wrongFormat()
}

func (o *flowsOptions) wrongFormat() error {
	return fmt.Errorf("--format %q: want table, json or count", learn.Printable(o.format))
}

// A flowJSON is one record in JSON. Ports are null where the record has none.
type flowJSON struct {
	Time      time.Time  `json:"time"`
	Action    string     `json:"action"`
	Direction string     `json:"direction"`
	Interface string     `json:"interface"`
	Rule      string     `json:"rule"`
	Proto     string     `json:"proto"`
	Src       netip.Addr `json:"src"`
	SPort     *uint16    `json:"sport"`
	Dst       netip.Addr `json:"dst"`
	DPort     *uint16    `json:"dport"`
	Name      string     `json:"name,omitempty"`
	NameBy    string     `json:"name_by,omitempty"`
	Hidden    bool       `json:"name_hidden,omitempty"`
	Up        uint64     `json:"up,omitempty"`
	Down      uint64     `json:"down,omitempty"`
	Answer    *answer    `json:"answer,omitempty"`
	TCPFlags  string     `json:"tcpflags"`
	Reason    string     `json:"reason"`
	Agent     string     `json:"agent,omitempty"`
	Counted   bool       `json:"counted"`
	Why       source.Why `json:"why"`

	Process *learn.Process `json:"process,omitempty"`
	Payload *learn.Payload `json:"payload,omitempty"`
}

// An answer is what DNS told a client.
type answer struct {
	Name  string       `json:"name"`
	Addrs []netip.Addr `json:"addrs"`
	Chain []string     `json:"chain,omitempty"`
	TTL   float64      `json:"ttl,omitempty"` // seconds
}

func newFlowJSON(r *source.Record) flowJSON {
	j := flowJSON{
		Time: r.Time, Action: r.Act, Direction: r.Direction, Interface: r.Interface, Rule: r.Rule,
		Proto: r.Proto.String(), Src: r.Src, Dst: r.Dst, TCPFlags: r.Flags, Reason: r.Reason,
		Agent: r.Agent, Counted: r.Counted, Why: r.Why,
		Name: r.Name, NameBy: r.Evidence.String(), Hidden: r.Hidden, Up: r.Up, Down: r.Down, Process: r.Process, Payload: r.Payload,
	}
	if a := r.Answer; a != nil {
		j.Answer = &answer{a.Name, a.Addrs, a.Chain, max(0, a.TTL.Seconds())}
	}
	if r.Proto.HasPorts() && !r.Fragment && r.Dst.IsValid() {
		j.SPort, j.DPort = &r.SrcPort, &r.DstPort
	}
	return j
}

func (o *flowsOptions) json(w io.Writer) shower {
	enc := json.NewEncoder(learn.PrintableJSON(w))
	enc.SetEscapeHTML(false)
	return func(_ string, r *source.Record, _ *source.RecordError) {
		switch {
		case r == nil && o.all:
			fmt.Fprintln(w, "null")
		case r != nil && (o.all || r.Counted):
			_ = enc.Encode(newFlowJSON(r)) // the writer keeps the error for Flush
		}
	}
}

// table prints fixed columns as it goes: a log has no end one should wait for.
func (o *flowsOptions) table(w io.Writer) shower {
	header := sync.OnceFunc(func() {
		o.row(w, "time", "action", "dir", "on", "proto", "from", "to", "tcp", "why", "")
	})
	return func(file string, r *source.Record, bad *source.RecordError) {
		if o.all || r != nil && r.Counted {
			header()
		}
		switch {
		case r == nil && o.all:
			fmt.Fprintf(w, "%-19s %s: %s\n", "unreadable", bad.Cause, place(file, bad))
		case r != nil && (o.all || r.Counted):
			o.row(w, r.Time.Format(time.DateTime), r.Act, r.Direction, r.Interface, r.Proto.String(),
				endpoint(r, r.Src, r.SrcPort), destination(r), r.Flags, string(r.Why), opener(r.Process))
		}
	}
}

// row prints what fits a narrow terminal; with --all there is more to say.
func (o *flowsOptions) row(w io.Writer, cells ...any) {
	format := "%-19s %-6s %-3s %-6s %-5s %-20s %-20s %-3s %s%s"
	if !o.all {
		why := cells[8]
		if why == string(source.Outbound) || why == string(source.Blocked) {
			why = "" // the action says it
		}
		format, cells = "%-19s %-6s %-6s %-4s %-20s %-20s %s%s", []any{cells[0], cells[1], cells[3], cells[4], cells[5], cells[6], why, cells[9]}
	}
	fmt.Fprintln(w, strings.TrimRight(learn.Printable(fmt.Sprintf(format, cells...)), " "))
}

// opener says who opened a flow: " by /usr/bin/curl (pid 4242)".
func opener(p *learn.Process) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf(" by %s (pid %d)", cmp.Or(p.Exe, "a process"), p.PID)
}

// destination is where a flow went, and what it was called.
func destination(r *source.Record) string {
	to := endpoint(r, r.Dst, r.DstPort)
	switch {
	case r.Answer != nil:
		return r.Answer.Name + " is " + addresses(r.Answer.Addrs)
	case r.Name != "" && learn.IsStandIn(r.Dst):
		to = learn.Place(r.Dst, r.Name, r.Service())
		if r.Action == learn.Refused {
			to += " (not looked up)"
		}
		return to
	case r.Name != "":
		return to + " " + r.Name + " (" + r.Evidence.String() + ")"
	}
	return to
}

// addresses are those of an answer, or the first of many.
func addresses(all []netip.Addr) string {
	switch len(all) {
	case 0:
		return "nowhere"
	case 1:
		return all[0].String()
	}
	return fmt.Sprintf("%s and %d more", all[0], len(all)-1)
}

// endpoint is an address with its port. What a log of names does not know is a
// dash.
func endpoint(r *source.Record, a netip.Addr, port uint16) string {
	switch {
	case !a.IsValid():
		return "-"
	case !r.Proto.HasPorts() || r.Fragment || !r.Dst.IsValid():
		return a.String()
	}
	return netip.AddrPortFrom(a, port).String()
}

// A spot is what connections are counted by.
type spot struct {
	src, dst [16]byte
	port     uint16
	proto    learn.Proto
}

// A spot4 is a spot of IPv4: most of them, and much quicker to hash.
type spot4 struct {
	src, dst [4]byte
	port     uint16
	proto    learn.Proto
}

// A countOf is how often a spot was met.
type countOf struct {
	spot
	n uint64
}

// countFlows counts connections by source, destination and service, and prints
// them when all is read, the most frequent first: tab separated, for other
// programs.
func countFlows(w *bufio.Writer) (shower, func()) {
	v4, v6 := map[spot4]uint64{}, map[spot]uint64{}
	show := func(_ string, r *source.Record, _ *source.RecordError) {
		switch {
		case r == nil || !r.Counted:
		case r.Src.Is4() && r.Dst.Is4():
			v4[spot4{r.Src.As4(), r.Dst.As4(), r.DstPort, r.Proto}]++
		default:
			v6[spot{r.Src.As16(), r.Dst.As16(), r.DstPort, r.Proto}]++
		}
	}
	return show, func() {
		all := make([]countOf, 0, len(v4)+len(v6))
		for k, n := range v4 {
			all = append(all, countOf{spot{netip.AddrFrom4(k.src).As16(), netip.AddrFrom4(k.dst).As16(), k.port, k.proto}, n})
		}
		for k, n := range v6 {
			all = append(all, countOf{k, n})
		}
		slices.SortFunc(all, countOf.compare)
		for _, c := range all {
			c.line(w)
		}
	}
}

func (c countOf) compare(d countOf) int {
	return cmp.Or(cmp.Compare(d.n, c.n), bytes.Compare(c.src[:], d.src[:]), bytes.Compare(c.dst[:], d.dst[:]),
		cmp.Compare(c.proto, d.proto), cmp.Compare(c.port, d.port))
}

func (c countOf) line(w *bufio.Writer) {
	s := learn.Service{Proto: c.proto, Port: c.port}
	w.WriteString(strconv.FormatUint(c.n, 10) + "\t" + netip.AddrFrom16(c.src).Unmap().String() + "\t" +
		netip.AddrFrom16(c.dst).Unmap().String() + "\t" + s.String() + "\n")
}
