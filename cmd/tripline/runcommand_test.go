package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCommandWords(t *testing.T) {
	for line, want := range map[string][]string{
		`pfctl -t {table} -T show`:        {"pfctl", "-t", "{table}", "-T", "show"},
		`ssh root@fw "pfctl -t x"  'a b'`: {"ssh", "root@fw", "pfctl -t x", "a b"},
		`a ""`:                            {"a", ""},
		`a;b $(c) | d`:                    {"a;b", "$(c)", "|", "d"},
		"\ta\t b ":                        {"a", "b"},
	} {
		if got, err := commandWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v; want %q", line, got, err, want)
		}
	}
	for _, bad := range []string{"", "  ", `a "b`, `'`} {
		if got, err := commandWords(bad); err == nil {
			t.Errorf("%q: got %q", bad, got)
		}
	}
}

// TestCommandIsBounded: a command that hangs, floods or does not exist ends, and
// says so.
func TestCommandIsBounded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := output(ctx, []string{"sleep", "60"}); err == nil || !strings.Contains(err.Error(), "did not end") {
		t.Errorf("a command that hangs: %v", err)
	}
	if _, err := output(t.Context(), []string{"/nonexistent/program"}); err == nil {
		t.Error("a command that does not exist")
	}
	b := &bounded{most: 10}
	if _, err := b.Write([]byte("0123456789")); err != nil || b.over {
		t.Errorf("what fits: %v", err)
	}
	if _, err := b.Write([]byte("x")); err == nil || !b.over {
		t.Error("what does not fit")
	}
	if testing.Short() {
		return
	}
	if _, err := output(t.Context(), []string{"head", "-c", "80000000", "/dev/zero"}); err == nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("a command that floods: %v", err)
	}
}
