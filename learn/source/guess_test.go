package source_test

import (
	"path/filepath"
	"testing"

	"tripline/learn/source"
)

// TestSamplesAreGuessed holds all of them against all sources: each is taken for what
// it is.
func TestSamplesAreGuessed(t *testing.T) {
	for _, s := range source.All {
		files, err := filepath.Glob("../../testdata/source/" + s.Name + "/*ok.*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if filepath.Ext(file) == ".jsonl" {
				continue
			}
			if got, ok := source.Guess(file); got != s.Name {
				t.Errorf("%s: got %q, %v", file, got, ok)
			}
		}
	}
	for _, file := range []string{"guess.go", "../../testdata", "no-such-file"} {
		if got, ok := source.Guess(file); ok {
			t.Errorf("%s: got %q, want nothing", file, got)
		}
	}
}
