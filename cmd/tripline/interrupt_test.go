package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// A script cannot interrupt a command at once: it does not know when it began.
func TestInterruptedLearnKeepsWhatItRead(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	db := filepath.Join(t.TempDir(), "tripline.db")
	var out, talk strings.Builder
	log := filepath.Join("..", "..", "testdata", "script", "log", "week.log")
	code := run(ctx, []string{"learn", "--db", db, "--agent", "bot=192.0.2.50", log}, strings.NewReader(""), &out, &talk)
	if code != exitTrouble || !strings.Contains(talk.String(), "hint: what was read is kept") {
		t.Errorf("got %d, %q; want %d and that what was read is kept", code, talk.String(), exitTrouble)
	}
}
