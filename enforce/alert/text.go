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
// whose address it is, which rule is near, and what to paste. What is known from
// its beginning is said again in two lines only.
//
//	unexpected  bot  203.0.113.77:443  AS64500 Example Hosting
//	    2026-11-10 03:12:44 pass on igb1, 4 times; no rule of this agent explains it
//	    nearest rule: none for tcp/443
//	    to admit exactly this: tripline allow bot 203.0.113.77:443 (opens 1)
//	    3f9a2c17d04be5aa: tripline alerts ack 3f9a2c17d04be5aa --reason TEXT
//
//	unexpected  bot  203.0.113.77:443  AS64500 Example Hosting
//	    persistent: 212 times since 2026-11-10 03:12:44, last 2026-11-10 04:40:02; 3f9a2c17d04be5aa
var text = Format{Name: "text", Short: "lines for a person", Media: "text/plain; charset=utf-8", Write: writeText}

func writeText(w io.Writer, a *enforce.Alert) error {
	head, body := words(a)
	if _, err := io.WriteString(w, head+"\n"+body); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return nil
}

// Colored writes what the text format does, for a terminal: the colour says how much
// it matters.
func Colored(w io.Writer, a *enforce.Alert) error {
	head, body := words(a)
	color := map[enforce.Severity]string{
		enforce.Info: "\033[2m", enforce.Low: "\033[36m", enforce.Medium: "\033[33m", enforce.High: "\033[31m", enforce.Critical: "\033[1;31m",
	}[a.Severity]
	if a.Status == enforce.StatusResolved {
		color = "\033[32m"
	}
	if _, err := io.WriteString(w, color+head+"\033[0m\n"+body); err != nil {
		return fmt.Errorf("write alert: %w", err)
	}
	return nil
}

// words are the first line and the others.
func words(a *enforce.Alert) (head, body string) {
	head = about(a)
	if isVerdict(a) {
		head = fmt.Sprintf("%-10s  %s  %s%s", a.Verdict, learn.Printable(a.Agent), endpoint(a), owner(a.Owner))
	}
	if a.Group {
		head += "  and others"
	}
	var b strings.Builder
	switch {
	case toldBefore(a):
		goesOn(&b, a)
	case isVerdict(a):
		verdict(&b, a)
	default:
		fmt.Fprintf(&b, "    %s%s; %s\n", a.Time.Format(time.DateTime), times(a), learn.Printable(a.Why))
	}
	return head, b.String()
}

// toldBefore says whether the alert is about a change of what was told: an alert in a
// report is no event, and says all there is.
func toldBefore(a *enforce.Alert) bool {
	return a.Event != "" && (a.Worse != "" || a.Status != enforce.StatusNew && a.Status != enforce.StatusMore)
}

// about is what a finding is about that is no verdict on one flow.
//
//	sensor_silent  medium  /var/log/filter.log
func about(a *enforce.Alert) string {
	parts := []string{learn.Printable(string(a.Kind)), string(a.Severity)}
	for _, s := range []string{a.Agent, a.Subject} {
		if s != "" {
			parts = append(parts, learn.Printable(s))
		}
	}
	return strings.Join(parts, "  ")
}

// goesOn says what has changed of what was told before.
func goesOn(b *strings.Builder, a *enforce.Alert) {
	what := a.Status
	switch {
	case a.Worse == learn.Pass.String():
		what = "it was refused before, and is let through now"
	case a.Worse != "":
		what = "it matters more now: " + learn.Printable(a.Worse)
	}
	fmt.Fprintf(b, "    %s: %s since %s, last %s", what, often(a.Count), a.Time.Format(time.DateTime), a.Last.Format(time.DateTime))
	if a.ID != "" {
		fmt.Fprintf(b, "; %s", a.ID)
	}
	b.WriteByte('\n')
	if !isVerdict(a) && a.Status != enforce.StatusResolved {
		fmt.Fprintf(b, "    %s\n", learn.Printable(a.Why))
	}
}

func often(n uint64) string {
	if n == 1 {
		return "once"
	}
	return ipranges.Thousands(n) + " times"
}

func verdict(b *strings.Builder, a *enforce.Alert) {
	fmt.Fprintf(b, "    %s %s%s%s; %s\n", a.Time.Format(time.DateTime), learn.Printable(a.Action), on(a.Interface), times(a), learn.Printable(a.Why))
	if a.Process != nil {
		fmt.Fprintf(b, "    by %s\n", process(a.Process))
	}
	if words := learn.Around(a.Interface, a.Tracker); words != "" {
		fmt.Fprintf(b, "    %s\n", words)
	}
	switch {
	case a.Group:
	case a.Nearest == nil:
		b.WriteString("    nearest rule: none\n")
	case a.Nearest.Why != a.Why:
		fmt.Fprintf(b, "    nearest rule: %s (%s)\n", learn.Printable(a.Nearest.Rule), learn.Printable(a.Nearest.Why))
	default:
		fmt.Fprintf(b, "    nearest rule: %s\n", learn.Printable(a.Nearest.Rule))
	}
	admit(b, "to admit exactly this", a.Admit)
	admit(b, "or its published set", a.Wider)
	if a.ID != "" {
		fmt.Fprintf(b, "    %s: tripline alerts ack %s --reason TEXT\n", a.ID, a.ID)
	}
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
	to := learn.Endpoint(a.To(), s)
	switch alone := a.To() != a.Dst; {
	case alone && a.Action == learn.Refused.String():
		to += " (not looked up)"
	case !alone && a.Name != "":
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

// times says how often it was seen, and for how long where that is long.
func times(a *enforce.Alert) string {
	if a.Count < 2 {
		return ""
	}
	text := fmt.Sprintf(", %s times", ipranges.Thousands(a.Count))
	if a.Last.Sub(a.Time) >= time.Minute {
		text += " until " + a.Last.Format(time.DateTime)
	}
	return text
}
