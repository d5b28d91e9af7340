package source_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"tripline/learn/source"
)

// In logs of real firewalls, nothing public is behind an interface that nobody
// called inside.
func TestNoPublicDestinationOfTheSamplesIsOnTheInside(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/filterlog/*.log")
	if err != nil || len(files) == 0 {
		t.Skip("the sample logs are not here")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := parser(t, source.Options{})
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			var r source.Record
			if p.Parse(line, written, &r) == nil && r.Why == source.TowardsLocal && !r.Dst.IsPrivate() {
				t.Errorf("%s: %q of\n%s", filepath.Base(file), r.Why, line)
			}
		}
	}
}
