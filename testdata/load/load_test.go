package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestTrials runs the short form of the trials whose outcome does not depend on how
// fast the machine is.
func TestTrials(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	path := filepath.Join(t.TempDir(), "tripline")
	if text, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../../cmd/tripline").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	for _, trial := range trials {
		if slices.Contains([]string{"alert", "flows"}, trial.name) {
			continue
		}
		t.Run(trial.name, func(t *testing.T) {
			l := lab{tripline: path, span: 2 * time.Second}
			if err := l.try(trial, t.Output()); err != nil {
				t.Error(err)
			}
		})
	}
}
