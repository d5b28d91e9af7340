package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// A row is what was measured of one contender, a value for each round.
type row struct {
	contender
	down, up, latency, rate, start []float64
	once                           []float64 // connections open at once
	served, told, owned            uint64    // of those that are counted, in all rounds
	peak, unread                   int       // KiB, the most, and with connections that nobody reads from
	ready                          []float64
	failure                        error    // of ours
	without                        []string // figures of others that could not be had
	again                          int      // segments that were sent again, in all rounds
}

// Together is how many connections are open at once.
const together = 1000

// round measures a contender once.
func (b *bench) round(r *row) {
	measured := func(what string, n int, into *[]float64) run {
		if r.failure != nil || b.figure != "" && b.figure != what {
			return run{}
		}
		got, err := b.run(&r.contender, what, n)
		r.again += got.again
		switch {
		case err == nil:
		case r.ours || r.name == direct:
			r.failure = err
			return run{}
		default:
			r.without = append(r.without, what+" ("+cause(err)+")")
			return run{}
		}
		if into != nil {
			*into = append(*into, got.figure)
		}
		if what == "unread" {
			r.unread = max(r.unread, got.seen.Peak)
		} else {
			r.peak = max(r.peak, got.seen.Peak)
		}
		return got
	}
	for range 3 {
		got := measured("nothing", 0, nil)
		if got.took > 0 {
			r.start = append(r.start, float64(got.took)/float64(time.Millisecond))
			r.ready = append(r.ready, got.seen.Ready)
		}
	}
	measured("down", int(b.span), &r.down)
	measured("up", int(b.span), &r.up)
	measured("latency", 500, &r.latency)
	measured("at-once", together, &r.once)
	if r.ours {
		measured("unread", together, nil)
	}
	before := b.server.count.Load()
	got := measured("many", b.connections, &r.rate)
	r.served += uint64(b.server.count.Load() - before)
	r.told += got.seen.Flows
	r.owned += got.seen.Owned
}

func show(out io.Writer, rows []row, connections int) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\tGbit/s down\tup\tconnect us\tadded\tconn/s\t1,000 at once\tin the record\tstart ms\tready\tpeak MiB\tunread\t\n")
	for i := range rows {
		r, base := &rows[i], &rows[0]
		if r.failure != nil {
			fmt.Fprintf(w, "%s\tfailed\t\t\t\t\t\t\t\t\t\t\t\n", r.name)
			continue
		}
		took := median(r.latency)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.0f\t%s\t%.0f\t%s\t%s\t%s\t%s\t%s\t\n", r.name,
			ratio(r.down, base.down), ratio(r.up, base.up), ratio(r.latency, base.latency), took-median(base.latency),
			ratio(r.rate, base.rate), median(r.once), r.record(), ratio(r.start, base.start), r.begun(), r.memory(r.peak), r.memory(r.unread))
	}
	_ = w.Flush()
	for i := range rows {
		rows[i].note(out, &rows[0])
	}
	fmt.Fprintf(out, "in brackets: times what direct is; in the record: of the connections that the server had (%d a round), those with their process behind the +; unread: MiB with %d connections that nobody reads from\n", connections, together)
}

// note says what a figure of another one does not.
func (r *row) note(out io.Writer, base *row) {
	if len(r.without) > 0 {
		fmt.Fprintf(out, "%s: no figure for %s\n", r.name, strings.Join(r.without, ", "))
	}
	const much = 5 // times what is sent again directly
	if !r.ours && r.again > much*max(1, base.again) {
		fmt.Fprintf(out, "%s: up: its sender had to send %d segments again (directly: %d), after pauses: that is what the figure is of\n", r.name, r.again, base.again)
	}
}

// cause is the last thing that an error says.
func cause(err error) string {
	if strings.Contains(err.Error(), "signal: killed") {
		return "it took too long"
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimSpace(text[strings.LastIndex(text, ":")+1:])
}

func ratio(values, base []float64) string {
	if len(values) == 0 || len(base) == 0 {
		return "-"
	}
	v, b := median(values), median(base)
	digits := 0
	if v < 100 {
		digits = 1
	}
	return fmt.Sprintf("%.*f (%.2f)", digits, v, v/b)
}

// record says how many of the connections that the server had are known.
func (r *row) record() string {
	if !r.ours {
		return "-"
	}
	return fmt.Sprintf("%d/%d +%d", r.told, r.served, r.owned)
}

// begun is after how many milliseconds the command was let go.
func (r *row) begun() string {
	if !r.ours {
		return "-"
	}
	return fmt.Sprintf("%.0f", median(r.ready))
}

func (r *row) memory(kib int) string {
	if !r.ours {
		return "-"
	}
	return strconv.Itoa(kib >> 10)
}

// failures returns what failed, and what is missing from a record.
func failures(rows []row) error {
	var all []error
	for i := range rows {
		r := &rows[i]
		all = append(all, r.failure)
		if r.failure != nil {
			continue
		}
		if r.ours && r.told != r.served {
			all = append(all, fmt.Errorf("%s: the server had %d connections, %d are in the record", r.name, r.served, r.told))
		}
		if r.ours && len(r.once) > 0 && slices.Min(r.once) < together {
			all = append(all, fmt.Errorf("%s: of %d connections at once %.0f answered", r.name, together, slices.Min(r.once)))
		}
	}
	return errors.Join(all...)
}
