package main

import (
	"tripline/store"
)

// note keeps when rules were last hit. Where that cannot be written, what was
// found holds nonetheless.
func (w *watching) note() {
	noted := w.watch.Hits()
	if len(noted) == 0 {
		return
	}
	err := w.a.write("enforce", func(s *store.Store) error {
		return s.Commit(store.Batch{At: w.a.now(), Hits: noted})
	})
	if err != nil {
		w.a.say("When rules were last hit is not kept: %v", err)
		return
	}
	w.watch.Noted()
}
