package container_test

import (
	"net/netip"
	"testing"

	"tripline/learn"
)

func mustAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

func selector(t *testing.T, text string) learn.Selector {
	t.Helper()
	s, err := learn.ParseSelector(text)
	if err != nil || s.String() != text {
		t.Fatalf("%q: got %q, %v", text, s, err)
	}
	return s
}
