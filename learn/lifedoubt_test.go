package learn_test

import (
	"fmt"
	"testing"
	"time"

	"tripline/learn"
)

func TestDoubtsOfEvidence(t *testing.T) {
	jumped := visited(https, "203.0.113.8", "", 3)
	jumped.First, jumped.Last = time.Unix(5, 0), time.Date(2106, 2, 7, 7, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		ds   []learn.Destination
		want string
	}{
		{"no flows", nil, "[no flow of this agent was learned: approving this admits nothing]"},
		{"one destination", []learn.Destination{visited(https, "203.0.113.7", "", 1, 9)}, "[one destination alone was learned]"},
		{
			"all in one second",
			[]learn.Destination{visited(https, "203.0.113.7", "", 1), visited(https, "203.0.113.8", "", 1)},
			"[all 2 destinations were seen within one second: what the agent does later is not known]",
		},
		{
			"a clock that jumps",
			[]learn.Destination{visited(https, "203.0.113.7", "", 1), jumped},
			"[its flows are dated 1970-01-01 to 2106-02-07: a clock has jumped, and what goes by time means little]",
		},
		{"a day", []learn.Destination{visited(https, "203.0.113.7", "", 1), visited(https, "203.0.113.8", "", 20)}, "[]"},
	} {
		if got := fmt.Sprint(learn.Doubts(tt.ds)); got != tt.want {
			t.Errorf("%s: got %s\nwant %s", tt.name, got, tt.want)
		}
		p, _ := learn.Propose("bot", nil, tt.ds, anywhere, within)
		for _, d := range tt.ds {
			if len(p.Rules) == 0 || !lets(&p.Rules[0], &d) && !lets(&p.Rules[len(p.Rules)-1], &d) {
				t.Errorf("%s: %s is not admitted by %v", tt.name, d.Addr, p.Rules)
			}
		}
	}
}
