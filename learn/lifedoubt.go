package learn

import (
	"fmt"
	"time"
)

// longest is how far apart two flows of one agent are at most, if the clocks
// behind them were right.
const longest = 10 * 365 * 24 * time.Hour

// Doubts says why what was learned of an agent is less than it seems; nothing,
// if nothing speaks for that.
func Doubts(ds []Destination) []string {
	if len(ds) == 0 {
		return []string{"no flow of this agent was learned: approving this admits nothing"}
	}
	first, last := ds[0].First, ds[0].Last
	for i := range ds {
		if ds[i].First.Before(first) {
			first = ds[i].First
		}
		if ds[i].Last.After(last) {
			last = ds[i].Last
		}
	}
	var out []string
	switch {
	case len(ds) == 1:
		out = append(out, "one destination alone was learned")
	case last.Sub(first) < 2*time.Second:
		out = append(out, fmt.Sprintf("all %d destinations were seen within one second: what the agent does later is not known", len(ds)))
	}
	if last.Sub(first) > longest {
		out = append(out, fmt.Sprintf("its flows are dated %s to %s: a clock has jumped, and what goes by time means little",
			first.UTC().Format(time.DateOnly), last.UTC().Format(time.DateOnly)))
	}
	return out
}
