package alert

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// text writes an alert as a person reads it: what happened on one line, then
// whose address it is, which rule is near, and what to paste.
//
//	unexpected  bot  203.0.113.77:443  AS64500 Example Hosting
//	    2026-11-10 03:12:44 pass on igb1, 4 times; no rule of this agent explains it
//	    nearest rule: none for tcp/443
//	    to admit exactly this: tripline allow bot 203.0.113.77:443 (opens 1)
var text = Format{Name: "text", Short: "lines for a person", Media: "text/plain; charset=utf-8", Write: writeText}

func writeText(w io.Writer, a *enforce.Alert) error {
	var b strings.Builder
	if isVerdict(a) {
		verdict(&b, a)
	} else {
		finding(&b, a)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return nil
}

// finding writes what is no verdict on one flow.
//
//	sensor_silent  medium  /var/log/filter.log
//	    2026-11-10 03:12:44; no record for 10 minutes
func finding(b *strings.Builder, a *enforce.Alert) {
	var about []string
	for _, s := range []string{a.Agent, a.Subject} {
		if s != "" {
			about = append(about, learn.Printable(s))
		}
	}
	fmt.Fprintf(b, "%s  %s  %s\n", learn.Printable(string(a.Kind)), a.Severity, strings.Join(about, "  "))
	fmt.Fprintf(b, "    %s%s; %s\n", a.Time.Format(time.DateTime), times(a.Count), learn.Printable(a.Why))
}

func verdict(b *strings.Builder, a *enforce.Alert) {
	fmt.Fprintf(b, "%-10s  %s  %s%s\n", a.Verdict, learn.Printable(a.Agent), endpoint(a), owner(a.Owner))
	fmt.Fprintf(b, "    %s %s%s%s; %s\n", a.Time.Format(time.DateTime), learn.Printable(a.Action), on(a.Interface), times(a.Count), learn.Printable(a.Why))
	if a.Process != nil {
		fmt.Fprintf(b, "    by %s\n", process(a.Process))
	}
	if a.Nearest != nil && a.Nearest.Why != a.Why {
		fmt.Fprintf(b, "    nearest rule: %s (%s)\n", learn.Printable(a.Nearest.Rule), learn.Printable(a.Nearest.Why))
	} else if a.Nearest != nil {
		fmt.Fprintf(b, "    nearest rule: %s\n", learn.Printable(a.Nearest.Rule))
	} else {
		fmt.Fprintf(b, "    nearest rule: none\n")
	}
	admit(b, "to admit exactly this", a.Admit)
	admit(b, "or its published set", a.Wider)
}

func admit(b *strings.Builder, what string, a *enforce.Admit) {
	if a != nil {
		fmt.Fprintf(b, "    %s: %s (opens %s)\n", what, learn.Printable(a.Command), ipranges.Exposure{V4: a.V4, V6: a.V6})
	}
}

// process says who opened a connection: "/usr/bin/python3 (pid 4242, container 3f1c)".
func process(p *learn.Process) string {
	where := fmt.Sprintf("pid %d", p.PID)
	if p.Container != "" {
		where += ", container " + learn.Printable(p.Container[:min(12, len(p.Container))])
	}
	if len(p.Parents) > 0 {
		where += ", of " + learn.Printable(p.Parents[0])
	}
	return fmt.Sprintf("%s (%s)", learn.Printable(cmp.Or(p.Exe, "a process")), where)
}

func endpoint(a *enforce.Alert) string {
	s, err := learn.ParseService(fmt.Sprintf("%s/%d", a.Proto, a.Port))
	if err != nil {
		return learn.Printable(a.Dst + " " + a.Proto)
	}
	to := learn.Endpoint(a.Dst, s)
	if a.Name != "" {
		to += " " + a.Name + " (" + a.Evidence + ")"
	}
	return learn.Printable(to)
}

func owner(o enforce.Owner) string {
	var parts []string
	if len(o.Labels) > 0 {
		parts = append(parts, learn.Printable(o.Labels[0]))
	}
	if o.ASN != 0 {
		parts = append(parts, fmt.Sprintf("AS%d %s", o.ASN, learn.Printable(o.Org)))
	}
	if o.Shared {
		parts = append(parts, "shared")
	}
	if len(parts) == 0 {
		return ""
	}
	return "  " + strings.Join(parts, ", ")
}

func on(iface string) string {
	if iface == "" {
		return ""
	}
	return " on " + learn.Printable(iface)
}

func times(n uint64) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(", %s times", ipranges.Thousands(n))
}
