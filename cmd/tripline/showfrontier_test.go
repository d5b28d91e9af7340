package main

import "testing"

func TestParseCount(t *testing.T) {
	for text, want := range map[string]uint64{"1": 1, "65536": 65536, "400k": 400_000, "1.5M": 1_500_000, "2G": 2_000_000_000} {
		if got, err := parseCount(text); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "k", "0", "-1", "1.5", "NaN", "Inf", "1e99", "1kk", "0x10k "} {
		if got, err := parseCount(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}
