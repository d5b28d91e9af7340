package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// mostContents is how many contents that were read are remembered for each
// agent: of files rotated daily, some years.
const mostContents = 1000

// content stands in the key of a cursor where others have a path.
const content = "content"

// A reached is how far an agent was read, in the file by its name and in any
// content.
type reached struct {
	agent  learn.Agent
	cursor []byte
	known  map[string][]byte // by [source.Place]
}

// key is where the place of an agent in the file is kept. Its selectors have no
// part in it: where they change, what was read is not counted again.
func (l *learning) key(agent string) string {
	return l.under(l.src.Absolute(l.path), agent)
}

// under ends in a separator: no key begins with that of another agent.
func (l *learning) under(where, agent string) string {
	return l.src.Name + "\x00" + where + "\x00" + agent + "\x00"
}

// reached returns how far each agent was read. All cursors of an agent are known
// places: those of files, and those of contents that were left.
func (l *learning) reached(agents *learn.Agents) (list []reached, err error) {
	var all map[string][]byte
	err = l.a.read(func(s *store.Store) (err error) {
		all, err = l.cursors(s)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, agent := range agents.List() {
		r := reached{agent, all[l.key(agent.Name)], map[string][]byte{}}
		contents := 0
		for key, place := range all {
			if where, is := isOf(key, agent.Name); is {
				r.known[source.Place(place)] = place
				if where == content {
					contents++
				}
			}
		}
		if err := l.forget(r, contents); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// cursors returns all places of the source, and of those it is made of: what was
// read alone is not read again together with others.
func (l *learning) cursors(s *store.Store) (map[string][]byte, error) {
	all, err := s.Cursors(l.src.Name + "\x00")
	for _, part := range l.src.Parts {
		more, e := s.Cursors(part.Source.Name + "\x00")
		maps.Copy(all, more)
		err = errors.Join(err, e)
	}
	return all, err
}

// isOf says whether a cursor is one of an agent, and where it is.
func isOf(key, agent string) (where string, is bool) {
	part := strings.SplitN(key, "\x00", 4)
	if len(part) < 4 || part[2] != agent {
		return "", false
	}
	return part[1], true
}

// forget drops the oldest contents of an agent if there are too many.
func (l *learning) forget(r reached, contents int) error {
	if contents <= mostContents {
		return nil
	}
	return l.a.write("learn", func(s *store.Store) error {
		return s.ForgetCursors(l.under(content, r.agent.Name), mostContents)
	})
}

// forgetAgent drops all places of an agent in a source and those it is made of:
// what was read never held anything of it.
func forgetAgent(s *store.Store, src source.Source, agent string) error {
	l := learning{src: src}
	all, err := l.cursors(s)
	if err != nil {
		return err
	}
	for key := range all {
		if _, is := isOf(key, agent); !is {
			continue
		}
		if err := s.ForgetCursors(key, 0); err != nil {
			return err
		}
	}
	return nil
}

// relevant returns, of the places known to some, those in files of the log.
func (l *learning) relevant(list []reached) (map[string]bool, error) {
	all := map[string][]byte{}
	for _, r := range list {
		maps.Copy(all, r.known)
	}
	if len(list) == 1 || len(all) == 0 {
		return nil, nil //nolint:nilnil // an empty map by another name
	}
	is := map[string]bool{}
	for _, path := range l.src.Paths(l.path) {
		places, err := source.Relevant(path, slices.Collect(maps.Values(all)))
		if err != nil {
			return nil, err
		}
		for _, p := range places {
			is[source.Place(p)] = true
		}
	}
	return is, nil
}

// where names the place at which reading would begin: equal for agents that
// can be read together, empty if nothing of the file is known.
func (r *reached) where(relevant map[string]bool) string {
	var places []string
	for place := range r.known {
		if relevant[place] {
			places = append(places, place)
		}
	}
	if r.cursor == nil && len(places) == 0 {
		return ""
	}
	slices.Sort(places)
	return source.Place(r.cursor) + "\n" + strings.Join(places, "\n")
}

// common returns the places that are known to all.
func common(list []reached) (places [][]byte) {
	for place, cursor := range list[0].known {
		if !slices.ContainsFunc(list, func(r reached) bool { return r.known[place] == nil }) {
			places = append(places, cursor)
		}
	}
	return places
}
