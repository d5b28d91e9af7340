package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// recorded prints what is kept, rather than what a log says.
func (o *flowsOptions) recorded(a *app) error {
	var names []string
	err := a.read(func(s *store.Store) (err error) {
		names, err = agentNames(s, o.agents)
		return err
	})
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.stdout, 1<<16)
	show, finish, err := o.recordedPrinter(out)
	if err != nil {
		return err
	}
	var reading store.Reading
	for more := true; more && err == nil; {
		var page []store.Recorded
		// Who reads what is printed may take his time, and nobody could write meanwhile.
		err = a.read(func(s *store.Store) error {
			page, more, err = nextPage(s, &reading)
			return err
		})
		for i := range page {
			if slices.Contains(names, page[i].Agent) {
				show(&page[i])
			}
		}
	}
	finish()
	return errors.Join(err, out.Flush())
}

// nextPage gathers small blocks: opening the database costs more than one of them.
func nextPage(s *store.Store, reading *store.Reading) (all []store.Recorded, more bool, err error) {
	for more = true; more && err == nil && len(all) < 1<<14; {
		var page []store.Recorded
		page, more, err = s.Page(reading)
		all = append(all, page...)
	}
	return all, more, err
}

func (o *flowsOptions) recordedPrinter(w *bufio.Writer) (show func(*store.Recorded), finish func(), err error) {
	switch o.format {
	case "json":
		enc := json.NewEncoder(learn.PrintableJSON(w))
		enc.SetEscapeHTML(false)
		return func(r *store.Recorded) { _ = enc.Encode(newRecordedJSON(r)) }, func() {}, nil
	case "table":
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf(recordedRow, "time", "action", "agent", "proto", "up", "down", "to", ""), " "))
		return func(r *store.Recorded) { showRecorded(w, r) }, func() {}, nil
	case "count":
		c := recordedCounts{}
		return c.add, func() { c.print(w) }, nil
	}
	return nil, nil, o.wrongFormat()
}

// A recordedCounts is how often something was recorded, by a line without the number.
type recordedCounts map[string]uint64

// add counts a flow: where its address says nothing, as that of a sandbox or one that
// only stands for a name, by what does.
func (c recordedCounts) add(r *store.Recorded) {
	src, dst := r.Src.String(), r.Dst.String()
	if strings.HasPrefix(r.Interface, learn.Sandboxed) {
		src = r.Interface
	}
	if learn.IsStandIn(r.Dst) && r.Name != "" {
		dst = learn.Printable(r.Name)
	}
	c[src+"\t"+dst+"\t"+r.Service().String()]++
}

func (c recordedCounts) print(w io.Writer) {
	for _, line := range byCount(c, func(n uint64) uint64 { return n }) {
		fmt.Fprintf(w, "%d\t%s\n", c[line], line)
	}
}

// recordOf is what was recorded as a log would have told it.
func recordOf(r *store.Recorded) *source.Record {
	why := source.Outbound
	if r.Action == learn.Refused {
		why = source.Blocked
	}
	return &source.Record{Flow: r.Flow, Act: r.Action.String(), Direction: "out", Counted: true, Why: why}
}

// A recordedJSON is a flow of the database in JSON.
type recordedJSON struct {
	flowJSON
	Run     string `json:"run,omitempty"`
	Checked bool   `json:"checked,omitempty"` // nothing is learned from it
	Open    bool   `json:"open,omitempty"`    // its end is not known
}

func newRecordedJSON(r *store.Recorded) recordedJSON {
	return recordedJSON{newFlowJSON(recordOf(r)), r.Run, r.Checked, r.Lasting}
}

const recordedRow = "%-19s %-6s %-8s %-6s %12s %12s  %s%s"

// showRecorded prints a row, and below it what was hashed.
func showRecorded(w io.Writer, r *store.Recorded) {
	row := fmt.Sprintf(recordedRow, r.Time.Format(time.DateTime), r.Action, r.Agent, r.Proto,
		ipranges.Thousands(r.Up), ipranges.Thousands(r.Down), destination(recordOf(r)), opener(r.Process))
	fmt.Fprintln(w, learn.Printable(strings.Join(append([]string{row}, recordedNotes(r)...), "; ")))
	showPayload(w, r.Payload)
}

func recordedNotes(r *store.Recorded) (list []string) {
	if r.Checked {
		list = append(list, "held to the baseline")
	}
	if words := learn.Around(r.Interface, r.Rule); words != "" {
		list = append(list, words)
	}
	if r.Lasting {
		list = append(list, "end not known")
	}
	return list
}

// showPayload prints the hashes of what was said.
func showPayload(w io.Writer, p *learn.Payload) {
	if p == nil {
		return
	}
	for i, x := range p.Exchanges {
		for _, one := range []struct {
			way  string
			body *learn.Body
		}{{"up", x.Up}, {"down", x.Down}} {
			if one.body != nil {
				fmt.Fprintf(w, "%12d %-4s %s\n", i+1, one.way, bodyText(one.body, p.First))
			}
		}
	}
	if p.More > 0 {
		fmt.Fprintf(w, "%12s %s after these\n", "", count(p.More, "request", "requests"))
	}
	if p.Stopped != "" {
		fmt.Fprintf(w, "%12s the rest was not looked at: %s\n", "", learn.Printable(p.Stopped))
	}
}

// bodyText is "sha256:... of 300,000 bytes, the first 65,536".
func bodyText(b *learn.Body, first uint64) string {
	text := fmt.Sprintf("sha256:%s %s", b.SHA256, count(b.Bytes, "byte", "bytes"))
	if b.Bytes > first {
		text += ", hash of the first " + ipranges.Thousands(first)
	}
	if b.Cut {
		text += ", cut off"
	}
	return text
}
