package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/learn/source"
)

type flowsOptions struct {
	input
	all    bool
	format string
}

func newFlowsCommand(a *app) *cobra.Command {
	var o flowsOptions
	c := &cobra.Command{
		Use:   "flows --from SOURCE FILE...",
		Short: "Show what tripline understood of a log",
		Long: `flows reads logs and prints the outbound connections it found, without keeping
anything. With --all it prints every record in order, counted or not, and why;
what could not be read is "null" in JSON and "unreadable" in the table.

Exit status:
  0  every record of the firewall could be read
  1  some could not be read
  2  nothing could be read; standard error says why`,
		Example: `  tripline flows --from filterlog filter.log
  tripline flows --from filterlog --all --format json filter.log`,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), a, args) },
	}
	o.flags(c, false)
	c.Flags().BoolVar(&o.all, "all", false, "every record, counted or not, and why")
	c.Flags().StringVar(&o.format, "format", "table", "table, json (one object a line) or count (connections by destination)")
	return c
}

func (o *flowsOptions) run(_ context.Context, a *app, args []string) error {
	if err := paths(args); err != nil {
		return err
	}
	src, err := source.Find(o.from)
	if err != nil {
		return err
	}
	agents, err := o.onlyGiven(a)
	if err != nil {
		return err
	}
	opts, err := o.options(a, agents)
	if err != nil {
		return err
	}
	opts.Whole = true
	out := bufio.NewWriterSize(a.stdout, 1<<16)
	show, finish, err := o.printer(out)
	if err != nil {
		return err
	}
	t := newTally()
	for _, path := range args {
		if err := o.read(src, path, opts, agents, t, show); err != nil {
			return err
		}
	}
	finish()
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return o.close(a, t, args)
}

// onlyGiven returns the agents of the flags, nil if there are none: then all
// flows are shown.
func (o *flowsOptions) onlyGiven(a *app) (*learn.Agents, error) {
	if len(o.agents) == 0 {
		return nil, nil
	}
	list, err := o.selected(a, nil)
	if err != nil {
		return nil, err
	}
	return learn.NewAgents(list)
}

// A shower prints one record; rec is nil for what could not be read.
type shower func(rec *source.Record, bad *source.RecordError)

func (o *flowsOptions) read(src source.Source, path string, opts source.StreamOptions, agents *learn.Agents, t *tally, show shower) error {
	s, err := source.Open(src, path, nil, opts)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	var r source.Record
	for {
		err := s.Next(&r)
		if exhausted(err) {
			return nil
		}
		if bad, ok := recordError(err); ok {
			t.error(s.File(), bad)
			show(nil, bad)
			continue
		}
		if err != nil {
			return err
		}
		if agents != nil {
			if r.Agent, err = agents.Of(&r.Flow); err != nil {
				return err
			}
			if r.Agent == "" && r.Counted {
				r.Counted, r.Why = false, "of no agent that was asked for"
			}
		}
		t.record(&r)
		show(&r, nil)
	}
}

func (o *flowsOptions) close(a *app, t *tally, args []string) error {
	t.report(a)
	if !o.all {
		t.whys(a)
	}
	t.stamps(a, &o.input)
	switch {
	case t.readable() == 0:
		return t.errUnread(strings.Join(args, " "))
	case t.unread() > 0:
		return errFound
	}
	return nil
}

func (o *flowsOptions) printer(w *bufio.Writer) (show shower, finish func(), err error) {
	switch o.format {
	case "json":
		return o.json(w), func() {}, nil
	case "table":
		show, finish := o.table(w)
		return show, finish, nil
	case "count":
		show, finish := countFlows(w)
		return show, finish, nil
	}
	return nil, nil, fmt.Errorf("--format %q: want table, json or count", learn.Printable(o.format))
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
	TCPFlags  string     `json:"tcpflags"`
	Reason    string     `json:"reason"`
	Agent     string     `json:"agent,omitempty"`
	Counted   bool       `json:"counted"`
	Why       source.Why `json:"why"`
}

func newFlowJSON(r *source.Record) flowJSON {
	j := flowJSON{
		Time: r.Time, Action: r.Act, Direction: r.Direction, Interface: r.Interface, Rule: r.Rule,
		Proto: r.Proto.String(), Src: r.Src, Dst: r.Dst, TCPFlags: r.Flags, Reason: r.Reason,
		Agent: r.Agent, Counted: r.Counted, Why: r.Why,
	}
	if r.Proto.HasPorts() && !r.Fragment {
		j.SPort, j.DPort = &r.SrcPort, &r.DstPort
	}
	return j
}

func (o *flowsOptions) json(w io.Writer) shower {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(r *source.Record, _ *source.RecordError) {
		switch {
		case r == nil && o.all:
			fmt.Fprintln(w, "null")
		case r != nil && (o.all || r.Counted):
			_ = enc.Encode(newFlowJSON(r)) // the writer keeps the error for Flush
		}
	}
}

// table prints fixed columns as it goes: a log has no end one should wait for.
func (o *flowsOptions) table(w io.Writer) (shower, func()) {
	const row = "%-20s %-6s %-3s %-8s %-6s %-22s %-26s %-3s %s\n"
	header := func() {
		fmt.Fprintf(w, row, "time", "action", "dir", "on", "proto", "from", "to", "tcp", "why")
	}
	first := true
	return func(r *source.Record, bad *source.RecordError) {
		if !o.all && (r == nil || !r.Counted) {
			return
		}
		if first {
			header()
			first = false
		}
		if r == nil {
			fmt.Fprintf(w, "%-20s %s\n", "unreadable", learn.Printable(bad.Error()))
			return
		}
		fmt.Fprintf(w, row, r.Time.Format("2006-01-02T15:04:05Z"), learn.Printable(r.Act), learn.Printable(r.Direction), learn.Printable(r.Interface),
			r.Proto, endpoint(r, r.Src, r.SrcPort), endpoint(r, r.Dst, r.DstPort), learn.Printable(r.Flags), r.Why)
	}, func() {}
}

func endpoint(r *source.Record, a netip.Addr, port uint16) string {
	if !r.Proto.HasPorts() || r.Fragment {
		return a.String()
	}
	return netip.AddrPortFrom(a, port).String()
}

// countFlows counts connections by source, destination and service, and prints
// them when all is read: tab separated, for other programs.
func countFlows(w *bufio.Writer) (shower, func()) {
	type key struct {
		src, dst [16]byte
		port     uint16
		proto    learn.Proto
	}
	index := map[key]int32{}
	var order []key
	var n []uint64
	show := func(r *source.Record, _ *source.RecordError) {
		if r == nil || !r.Counted {
			return
		}
		k := key{r.Src.As16(), r.Dst.As16(), r.DstPort, r.Proto}
		i, ok := index[k]
		if !ok {
			i = int32(len(order)) //nolint:gosec // bounded by memory long before
			index[k] = i
			order, n = append(order, k), append(n, 0)
		}
		n[i]++
	}
	return show, func() {
		for i, k := range order {
			s := learn.Service{Proto: k.proto, Port: k.port}
			w.WriteString(strconv.FormatUint(n[i], 10) + "\t" + netip.AddrFrom16(k.src).Unmap().String() + "\t" +
				netip.AddrFrom16(k.dst).Unmap().String() + "\t" + s.String() + "\n")
		}
	}
}
