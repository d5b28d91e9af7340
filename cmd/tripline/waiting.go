package main

import (
	"fmt"
	"strings"

	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// waiting refuses to read a file of which a part was recorded together with
// others, in a run that did not come to its end: what of it was recorded cannot
// be told, and would be counted again.
func (l *learning) waiting(agents *learn.Agents) error {
	var all map[string][]byte
	err := l.a.read(func(s *store.Store) (err error) {
		all, err = s.Cursors("")
		return err
	})
	if err != nil {
		return err
	}
	inputs := l.src.Parts
	if len(inputs) == 0 {
		inputs = []source.Input{{Source: l.src, Path: l.path}}
	}
	for _, agent := range agents.List() {
		own := l.key(agent.Name)
		for key, cursor := range all {
			if _, is := isOf(key, agent.Name); is && key != own {
				if err := waitingFor(inputs, cursor); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func waitingFor(inputs []source.Input, cursor []byte) error {
	for _, in := range inputs {
		if with := source.Waiting(in, cursor); with != nil {
			return learn.WithHint(fmt.Errorf("read %s: it was read together with others, and that was interrupted: reading it now would count twice what is recorded", in.Path),
				"finish that first: tripline learn --from %s", learn.Printable(strings.Join(with, " --from ")))
		}
	}
	return nil
}
