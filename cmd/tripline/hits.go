package main

import (
	"tripline/enforce"
	"tripline/store"
)

// note keeps when rules were last hit, and what a report found. Where that cannot be
// written, what was found holds nonetheless.
func (w *watching) note() {
	b := store.Batch{At: w.a.now(), Hits: w.watch.Hits()}
	kept, err := w.watch.Ledger().Changed(enforce.MaxFindings)
	if err == nil && len(kept) > 0 {
		b.Watch, err = watchOf("", w.watch.Ledger(), kept)
	}
	if err == nil && (len(b.Hits) > 0 || b.Watch != nil) {
		err = w.a.write("enforce", func(s *store.Store) error { return s.Commit(b) })
	}
	if err != nil {
		w.a.say("What was found, and when rules were last hit, is not kept: %v", err)
		return
	}
	w.watch.Noted()
}
