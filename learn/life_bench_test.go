package learn_test

import (
	"testing"

	"tripline/learn"
)

// BenchmarkProposeOnTop is a review of what is approved already: folding, and
// what holding it against the baseline adds.
func BenchmarkProposeOnTop(b *testing.B) {
	ds := busy()
	first, _ := learn.Propose("bot", nil, ds, anywhere, learn.FoldOptions{})
	for name, approved := range map[string]*learn.Baseline{"nothing approved": nil, "the same approved": approve(first)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				learn.Propose("bot", approved, ds, anywhere, learn.FoldOptions{})
			}
		})
	}
}
