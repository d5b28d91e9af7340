package source

import (
	"cmp"
	"slices"
	"time"
)

// A Sender is who sends records over the network, and what came of it.
type Sender struct {
	Name        string // where we listen, and its address
	Records     int64
	Missing     int64 // by its sequence numbers, where it has them
	First, Last time.Time
}

// Senders returns who sends to a stream; nobody does to one that reads files.
func Senders(s Stream) []Sender {
	if l, ok := s.(interface{ Senders() []Sender }); ok {
		return l.Senders()
	}
	return nil
}

// Senders returns those that are known, by name.
func (s *listenStream) Senders() (list []Sender) {
	for _, from := range s.senders {
		list = append(list, from.told())
	}
	if s.rest != nil {
		list = append(list, s.rest.told())
	}
	slices.SortFunc(list, func(a, b Sender) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func (f *sender) told() Sender {
	return Sender{Name: f.name, Records: int64(f.lines), Missing: f.missing, First: f.began, Last: f.heard}
}

// Senders returns those of all parts.
func (j *joined) Senders() (list []Sender) {
	for _, b := range j.branches {
		list = append(list, Senders(b.Stream)...)
	}
	return list
}
