package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// mostContents is how many contents that were read are remembered for each
// selector: of files rotated daily, some years.
const mostContents = 1000

// content stands in the key of a cursor where others have a path.
const content = "content"

// A reached is how far a selector was read, in the file by its name and in any
// content.
type reached struct {
	agent    string
	selector learn.Selector
	cursor   []byte
	known    map[string][]byte // by [source.Place]
}

// key is where the place of a selector in the file is kept. It is not the
// agent's: one whose address is corrected, or gets another, has not been read.
func (l *learning) key(agent string, s learn.Selector) string {
	path := l.path
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return l.under(path, agent, s)
}

func (l *learning) under(where, agent string, s learn.Selector) string {
	return l.src.Name + "\x00" + where + "\x00" + agent + "\x00" + s.String()
}

// reached returns how far each selector was read. All cursors of a selector are
// known places: those of files, and those of contents that were left.
func (l *learning) reached(agents *learn.Agents) (list []reached, err error) {
	var all map[string][]byte
	err = l.a.read(func(s *store.Store) (err error) {
		all, err = s.Cursors(l.src.Name + "\x00")
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, agent := range agents.List() {
		for _, selector := range agent.Selectors {
			r := reached{agent.Name, selector, all[l.key(agent.Name, selector)], map[string][]byte{}}
			contents := 0
			for key, place := range all {
				if is, left := isOf(key, agent.Name, selector); is {
					r.known[source.Place(place)] = place
					contents += left
				}
			}
			if err := l.forget(r, contents); err != nil {
				return nil, err
			}
			list = append(list, r)
		}
	}
	return list, nil
}

// isOf says whether a cursor is one of a selector; contents is 1 if it is that
// of a content, by no path.
func isOf(key, agent string, s learn.Selector) (is bool, contents int) {
	part := strings.SplitN(key, "\x00", 5)
	if len(part) < 4 || part[2] != agent || part[3] != s.String() {
		return false, 0
	}
	if part[1] == content {
		contents = 1
	}
	return true, contents
}

// forget drops the oldest contents of a selector if there are too many.
func (l *learning) forget(r reached, contents int) error {
	if contents <= mostContents {
		return nil
	}
	return l.a.write("learn", func(s *store.Store) error {
		return s.ForgetCursors(l.under(content, r.agent, r.selector)+"\x00", mostContents)
	})
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
	places, err := source.Relevant(l.path, slices.Collect(maps.Values(all)))
	is := map[string]bool{}
	for _, p := range places {
		is[source.Place(p)] = true
	}
	return is, err
}

// where names the place at which reading would begin: equal for selectors that
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
