package learn_test

import (
	"strings"
	"testing"
	"time"

	"tripline/learn"
)

func TestConfigFindings(t *testing.T) {
	c, err := learn.DecodeConfig("t.yaml", []byte("findings: {active_after: 90s, persistent_after: 2h, resolved_after: 3d, keep: 30d}\n"))
	want := learn.Finding{Active: 90 * time.Second, Persistent: 2 * time.Hour, Resolved: 72 * time.Hour, Keep: 720 * time.Hour}
	if err != nil || c.Findings != want {
		t.Errorf("got %+v, %v; want %+v", c.Findings, err, want)
	}
	for _, text := range []string{"keep: 0d", "keep: -1h", "keep: soon", "keep: 99999d", "resolved_after: d", "colour: red"} {
		if _, err := learn.DecodeConfig("t.yaml", []byte("\nfindings:\n  "+text+"\n")); err == nil || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%s: got %v, want an error with its line", text, err)
		}
	}
}
