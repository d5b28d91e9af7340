package learn_test

import (
	"strings"
	"testing"

	"tripline/learn"
)

func TestSumIsReadAsWritten(t *testing.T) {
	want := learn.Sum{0, 1, 31: 255}
	text, err := want.MarshalText()
	var got learn.Sum
	if err != nil || got.UnmarshalText(text) != nil || got != want {
		t.Errorf("got %s of %s, %v", got, text, err)
	}
	for _, bad := range []string{"", "00", strings.Repeat("g", 64), strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("0", 66)} {
		if got.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
