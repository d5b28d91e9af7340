package learn

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// An Opportunity is something that makes an agent do what it does at no other
// time: a restart, a Sunday, a tool. What was never seen is not in the baseline
// because it had no chance to be, and no figure foretells it.
type Opportunity struct {
	Kind   string // hour, weekday, date, run, mark, tool or family
	Name   string // "03:00", "Sunday", "restart", "browser", "IPv6"
	Seen   int    // in how many hours; how often, for runs, marks and tools
	Likely int    // how often it may have been, found from silences
}

// Observed is what the observation of an agent was, beside its destinations.
type Observed struct {
	Zone  *time.Location // of hours and days; nil is UTC
	Runs  int
	Marks []string // as they were set, repeats included
	Tools []string // that the agent is declared to have
}

// Silence is after how many silent hours a beginning is likely a restart.
const Silence = 6

// toolMark is how a mark says that a tool was called.
const toolMark = "tool:"

// Opportunities returns what was there to be observed, seen or not: hours of the
// day, days of the week, the first of a month, runs, marks (restart and update
// always), tools and IPv6.
func Opportunities(ds []Destination, o Observed) []Opportunity {
	hours, _ := split(active(ds))
	out := calendar(hours, o.Zone)
	out = append(out, Opportunity{Kind: "run", Name: "a second run", Seen: max(0, o.Runs-1)})
	out = append(out, marks(o.Marks, silences(hours))...)
	for _, tool := range o.Tools {
		out = append(out, Opportunity{Kind: "tool", Name: tool, Seen: times(o.Marks, toolMark+tool)})
	}
	return append(out, Opportunity{Kind: "family", Name: "IPv6", Seen: len(active(slices.DeleteFunc(slices.Clone(ds), func(d Destination) bool {
		return !d.Addr.Is6()
	})))})
}

func calendar(hours []Block, zone *time.Location) (out []Opportunity) {
	if zone == nil {
		zone = time.UTC
	}
	var day [24]int
	var weekday [7]int
	first := 0
	for _, b := range hours {
		t := b.Time().In(zone)
		day[t.Hour()]++
		weekday[t.Weekday()]++
		if t.Day() == 1 {
			first++
		}
	}
	for h, n := range day {
		out = append(out, Opportunity{Kind: "hour", Name: fmt.Sprintf("%02d:00", h), Seen: n})
	}
	for i := range weekday {
		d := (i + 1) % 7 // weeks begin on Monday
		out = append(out, Opportunity{Kind: "weekday", Name: time.Weekday(d).String(), Seen: weekday[d]})
	}
	return append(out, Opportunity{Kind: "date", Name: "first of a month", Seen: first})
}

func silences(hours []Block) (n int) {
	for i := 1; i < len(hours); i++ {
		if hours[i]-hours[i-1] > Silence {
			n++
		}
	}
	return n
}

func marks(set []string, silent int) []Opportunity {
	out := []Opportunity{
		{Kind: "mark", Name: "restart", Seen: times(set, "restart"), Likely: silent},
		{Kind: "mark", Name: "update", Seen: times(set, "update")},
	}
	others := slices.Clone(set)
	slices.Sort(others)
	for _, name := range slices.Compact(others) {
		if name != "restart" && name != "update" && !strings.HasPrefix(name, toolMark) {
			out = append(out, Opportunity{Kind: "mark", Name: name, Seen: times(set, name)})
		}
	}
	return out
}

func times(set []string, name string) (n int) {
	for _, s := range set {
		if s == name {
			n++
		}
	}
	return n
}

// NotYet names what was never seen, in words; hours in a row come together. The
// name of the zone is said with hours.
func NotYet(list []Opportunity, zone string) (out []string) {
	var hours []int
	for _, o := range list {
		switch {
		case o.Kind == "hour":
			hours = append(hours, o.Seen)
		case o.Seen > 0:
		case o.Likely > 0:
			out = append(out, fmt.Sprintf("%s (%d likely, after silences)", o.Name, o.Likely))
		case o.Kind == "tool":
			out = append(out, "tool "+Printable(o.Name))
		default:
			out = append(out, o.Name)
		}
	}
	if gaps := unseen(hours); len(gaps) > 0 {
		out = append(out, strings.Join(gaps, " ")+" "+zone)
	}
	return out
}

// unseen returns the stretches of hours that were never seen, each as the clock
// has its beginning and end.
func unseen(hours []int) (out []string) {
	for h := 0; h < len(hours); h++ {
		end := h
		for end < len(hours) && hours[end] == 0 {
			end++
		}
		if end > h {
			out = append(out, fmt.Sprintf("%02d-%02d h", h, end))
			h = end
		}
	}
	return out
}

// CheckMark holds the names of marks to what can be typed, read and searched.
func CheckMark(name string) error {
	ok := name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._:-", r))
	})
	if !ok {
		return WithHint(fmt.Errorf("invalid mark %q, want 1 to 64 letters, digits, dots, dashes, colons and underscores", name),
			"--mark restart, --mark update or --mark tool:browser")
	}
	return nil
}

// tools reads which tools agents are declared to have.
func (d *configDoc) tools(c *Config, node *yaml.Node) error {
	for agent, tools := range d.Tools {
		if err := checkName(agent); err != nil {
			return at(node, "tools", agent).wrap(err)
		}
		for i, tool := range tools {
			if err := CheckMark(toolMark + tool); err != nil {
				return at(node, "tools", agent, i).errorf("invalid tool %q, want letters, digits, dots, dashes, colons and underscores", tool)
			}
		}
	}
	c.Tools = d.Tools
	return nil
}
