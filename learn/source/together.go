package source

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tripline/learn/source/internal/live"
)

// An Input is a place that a source reads.
type Input struct {
	Source Source
	Path   string
}

// key names the input in cursors.
func (in Input) key() string { return in.Source.Name + " " + absolute(in.Path) }

// Is says whether two inputs are the same one.
func (in Input) Is(other Input) bool { return in.key() == other.key() }

// plus stands between the paths of several inputs.
const plus = " + "

// Together returns a source that reads several places as one, in the order of
// time, and what the path of all of them is called. A connection that several
// sources saw is one record; what resolvers tell names the connections of all.
func Together(list []Input) (s Source, path string) {
	list = slices.Clone(list) // in one order, so that the same inputs are one place
	slices.SortStableFunc(list, func(a, b Input) int { return strings.Compare(a.key(), b.key()) })
	var names []string
	for _, in := range list {
		if !slices.Contains(names, in.Source.Name) {
			names = append(names, in.Source.Name)
		}
	}
	s = Source{Name: strings.Join(names, "+"), Short: "Several sources at once", Parts: list, Sees: union(list)}
	for _, in := range list {
		if !in.Source.Sees.Evidence && s.Speaks.How == "" {
			s.Speaks = in.Source.Speaks
		}
	}
	s.Open = func(_ string, cursor []byte, o StreamOptions) (Stream, error) { return openTogether(list, cursor, o) }
	return s, strings.Join(s.Paths(""), plus)
}

// union is what several sources see together. Where one sees a connection before
// its address is translated, that is enough.
func union(list []Input) Sees {
	u := Sees{Evidence: true, AfterNAT: true}
	for _, in := range list {
		see := in.Source.Sees
		u.Names, u.Bytes, u.Process = u.Names || see.Names, u.Bytes || see.Bytes, u.Process || see.Process
		if !see.Evidence {
			u.Evidence, u.AfterNAT = false, u.AfterNAT && see.AfterNAT
		}
	}
	return u
}

// stampStep is how exact the stamps of resolvers' logs are: an answer may look as
// late as that.
const stampStep = 2 * time.Second

// A placeTogether is a place in several inputs, and what waits for a second
// witness.
type placeTogether struct {
	Join json.RawMessage `json:"together"`
	Held []*witnessed    `json:"held,omitempty"`
	Seen []beheld        `json:"seen,omitempty"`

	Clocks map[string]time.Duration `json:"clocks,omitempty"`
}

func openTogether(list []Input, cursor []byte, o StreamOptions) (Stream, error) {
	var at placeTogether
	if cursor != nil {
		if err := json.Unmarshal(cursor, &at); err != nil {
			return nil, fmt.Errorf("stored cursor: %w", err)
		}
	}
	parts := make([]Part, 0, len(list))
	for _, in := range inOrder(list, &o) {
		parts = append(parts, in.part(o))
	}
	s, err := Join(parts, at.Join, nil)
	if err != nil {
		return nil, err
	}
	return newWitnesses(s.(*joined), list, &at, o), nil
}

// inOrder returns inputs as they are to be opened: captures come last, because they
// give up rights, but for those that the kernel asks for when it is listened to.
func inOrder(list []Input, o *StreamOptions) []Input {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Input) int {
		if a, b := a.Source.Name == captureName, b.Source.Name == captureName; a != b && b {
			return -1
		} else if a != b {
			return 1
		}
		return 0
	})
	if slices.ContainsFunc(list, func(in Input) bool { return in.Path == Kernel && in.Source.Live != nil }) {
		o.rights = live.Watching
	}
	return list
}

// part is an input as a part of a join. What a resolver told is needed again
// after a restart: it is read from the beginning each time.
func (in Input) part(o StreamOptions) Part {
	p := Part{Name: in.key()}
	if !in.Source.Sees.Evidence {
		p.Open = func(cursor []byte) (Stream, error) { return Open(in.Source, in.Path, cursor, o) }
		return p
	}
	o.Known, o.Keep, p.Ahead = nil, false, stampStep
	p.Open = func([]byte) (Stream, error) { return Open(in.Source, in.Path, nil, o) }
	return p
}

// CursorOf returns the place of one input in the cursor of several, nil if it is
// not known alone: what was read of it may not have been returned yet.
func CursorOf(in Input, cursor []byte) []byte {
	var at placeTogether
	var join jointCursor
	if json.Unmarshal(cursor, &at) != nil || json.Unmarshal(at.Join, &join) != nil || len(at.Held) > 0 {
		return nil
	}
	p := join.Parts[in.key()]
	if p.Head != nil || p.Bad != nil || in.Source.Sees.Evidence {
		return nil
	}
	return p.Cursor
}

// Absolute returns path as it is called from any directory, or those of what
// [Together] called by it.
func (s Source) Absolute(path string) string {
	paths := s.Paths(path)
	for i, p := range paths {
		paths[i] = absolute(p)
	}
	return strings.Join(paths, plus)
}

func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil || IsAddress(path) {
		return path
	}
	return abs
}

// Paths returns the single paths of what a source reads: path itself, or those of
// the inputs that [Together] called by it.
func (s Source) Paths(path string) []string {
	if len(s.Parts) == 0 {
		return []string{path}
	}
	paths := make([]string, len(s.Parts))
	for i, in := range s.Parts {
		paths[i] = in.Path
	}
	return paths
}

// Waiting returns the inputs of a cursor of several, each as SOURCE=PATH, if in
// is one of them of which more was read than has been returned: where it goes on
// alone is not known before that is. Else it returns nil.
func Waiting(in Input, cursor []byte) (inputs []string) {
	var at placeTogether
	var join jointCursor
	if json.Unmarshal(cursor, &at) != nil || json.Unmarshal(at.Join, &join) != nil {
		return nil
	}
	p, ok := join.Parts[in.key()]
	if !ok || p.Cursor == nil || in.Source.Sees.Evidence || CursorOf(in, cursor) != nil {
		return nil
	}
	if is, err := Relevant(in.Path, [][]byte{p.Cursor}); err != nil || len(is) == 0 {
		return nil // another file is called that now
	}
	for _, key := range slices.Sorted(maps.Keys(join.Parts)) {
		inputs = append(inputs, strings.Replace(key, " ", "=", 1))
	}
	return inputs
}
