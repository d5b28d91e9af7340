package learn_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tripline/learn"
)

func TestPrintableJSONIsPrintableAndReadsBack(t *testing.T) {
	for _, text := range []string{
		"plain", "\u00dcn\u00efcode \u65e5\u672c", "a\x1b[2J\x00\n\x7f", "c1 \u009b31m", "x\u202eabc", "tag \U000e0041", "no\u00a0break \ufffd",
	} {
		var b strings.Builder
		if err := json.NewEncoder(learn.PrintableJSON(&b)).Encode(text); err != nil {
			t.Fatal(err)
		}
		line := strings.TrimSuffix(b.String(), "\n")
		if line != learn.Printable(line) {
			t.Errorf("%q is written as %q", text, line)
		}
		var again string
		if err := json.Unmarshal([]byte(line), &again); err != nil || again != text {
			t.Errorf("%q is written as %s and read as %q: %v", text, line, again, err)
		}
	}
}
