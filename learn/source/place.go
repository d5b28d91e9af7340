package source

import (
	"encoding/json"
	"fmt"
	"strconv"

	"tripline/learn/source/internal/lines"
)

// maxLeftState is how much of what a parser remembers is kept for a content
// that reading has left. Only lines added to it after that would want it.
const maxLeftState = 4 << 10

// position is what a place is on disk.
type position struct {
	Lines lines.Cursor `json:"lines"`
	State []byte       `json:"state,omitempty"`
}

func decode(text []byte) (p position, err error) {
	if text == nil {
		return p, nil
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return position{}, fmt.Errorf("stored cursor: %w", err)
	}
	return p, nil
}

// decodeAll splits known places into what reading and what parsing wants.
func decodeAll(texts [][]byte) (cursors []lines.Cursor, states [][]byte, err error) {
	for _, text := range texts {
		p, err := decode(text)
		if err != nil {
			return nil, nil, err
		}
		cursors, states = append(cursors, p.Lines), append(states, p.State)
	}
	return cursors, states, nil
}

// Place returns what two cursors have in common that are at the same place of
// the same text, whatever their parsers remember.
func Place(cursor []byte) string {
	p, err := decode(cursor)
	if err != nil || p.Lines.IsZero() {
		return string(cursor)
	}
	return p.Lines.Head + p.Lines.Tail + strconv.FormatInt(p.Lines.Offset, 10)
}

// Relevant returns which of these places may be in a file of the log that is
// there now.
func Relevant(path string, places [][]byte) (list [][]byte, err error) {
	if IsAddress(path) {
		return nil, nil
	}
	known, _, err := decodeAll(places)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	has := readAgain(path, places)
	for _, file := range filesOf(path) {
		is, err := lines.Relevant(file, known)
		if err != nil {
			return nil, err
		}
		for _, i := range is {
			has[i] = true
		}
	}
	for i, p := range places {
		if has[i] {
			list = append(list, p)
		}
	}
	return list, nil
}

// leave remembers the contents that the reader has left, with what the parser
// remembered there.
func (s *logStream) leave() {
	left := s.reader.Finished()
	if left == nil || !s.keep {
		return
	}
	state := s.parser.State()
	if len(state) > maxLeftState {
		state = nil
	}
	for _, c := range left {
		s.left[fmt.Sprintf("%s-%012x", c.ID, c.Offset)] = position{c, state}
	}
}

// Finished implements [Stream].
func (s *logStream) Finished() (map[string][]byte, error) {
	if len(s.left) == 0 {
		return nil, nil //nolint:nilnil // an empty map by another name
	}
	texts := make(map[string][]byte, len(s.left))
	for id, p := range s.left {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("cursor in %s: %w", p.Lines.File, err)
		}
		texts[id] = text
	}
	clear(s.left)
	return texts, nil
}
