package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"
)

// A Part is one of the streams that [Join] reads together.
type Part struct {
	Name string // of it in cursors: the same whenever it is opened
	// Ahead is how much earlier its records are read than those of the others of
	// the same time: what explains them may be written later.
	Ahead time.Duration
	Open  func(cursor []byte) (Stream, error)
}

// A Memory is what the parsers of several parts share. Its state is kept in the
// cursor, beside those of the parts.
type Memory interface {
	State() []byte
	Restore(state []byte) error
}

// repoll is after how many records a part that had nothing more is asked again.
const repoll = 1 << 12

// settle is how long is waited for the other parts when one has something new:
// they are written by programs that do not wait for each other.
const settle = 150 * time.Millisecond

// A joined reads several streams together, in the order of time: the record that
// is next in each is known, and the earliest of them is returned. While the
// streams are followed, what there is goes by time, and nothing waits long for
// what may come.
type joined struct {
	branches []*branch
	memory   Memory
	file     string
	part     string // the last record is of
	count    int
}

// A branch is one part, and what was read of it ahead.
type branch struct {
	Stream
	name  string
	ahead time.Duration
	held  bool // head, or bad in its place, was not returned yet
	dry   bool // it had nothing more
	head  Record
	bad   *RecordError
	file  string
	due   int64 // microseconds since 1970
}

// A jointCursor is a place in all parts.
type jointCursor struct {
	Parts  map[string]partCursor `json:"join"`
	Memory []byte                `json:"memory,omitempty"`
}

// A partCursor is a place in one part, and what is before it but was not
// returned.
type partCursor struct {
	Cursor []byte       `json:"cursor,omitempty"`
	Head   *Record      `json:"head,omitempty"`
	Bad    *RecordError `json:"bad,omitempty"`
	File   string       `json:"file,omitempty"`
}

// Join opens parts, or goes on behind a cursor of the stream it returned. Memory
// may be nil.
func Join(parts []Part, cursor []byte, memory Memory) (Stream, error) {
	var at jointCursor
	if cursor != nil {
		if err := json.Unmarshal(cursor, &at); err != nil {
			return nil, fmt.Errorf("stored cursor: %w", err)
		}
	}
	j := &joined{memory: memory}
	if memory != nil && at.Memory != nil {
		if err := memory.Restore(at.Memory); err != nil {
			return nil, fmt.Errorf("stored cursor: %w", err)
		}
	}
	for _, p := range parts {
		b := &branch{name: p.Name, ahead: p.Ahead}
		b.take(at.Parts[p.Name])
		var err error
		if b.Stream, err = p.Open(at.Parts[p.Name].Cursor); err != nil {
			return nil, errors.Join(err, j.Close())
		}
		j.branches = append(j.branches, b)
	}
	return j, nil
}

// take goes back to what was read ahead.
func (b *branch) take(at partCursor) {
	b.bad, b.file, b.held = at.Bad, at.File, at.Head != nil || at.Bad != nil
	if at.Head != nil {
		b.head = *at.Head
		b.time()
	}
}

// time says when the head is due.
func (b *branch) time() { b.due = b.head.Time.UnixMicro() - b.ahead.Microseconds() }

// Next implements [Stream].
func (j *joined) Next(r *Record) error {
	if j.count++; j.count%repoll == 0 {
		j.wake()
	}
	var first *branch
	for _, b := range j.branches {
		if err := b.read(); err != nil {
			return err
		}
		if b.held && (first == nil || b.due < first.due) {
			first = b
		}
	}
	if first == nil {
		j.wake()
		return io.EOF
	}
	j.file, j.part, first.held = first.file, first.name, false
	if bad := first.bad; bad != nil {
		*r, first.bad = Record{}, nil
		return bad
	}
	*r = first.head
	return nil
}

// wake asks all parts again.
func (j *joined) wake() {
	for _, b := range j.branches {
		b.dry = false
	}
}

// read reads ahead by one record. One that could not be read is due at once.
func (b *branch) read() error {
	if b.held || b.dry {
		return nil
	}
	err := b.Stream.Next(&b.head)
	if errors.Is(err, io.EOF) {
		b.dry = true
		return nil
	}
	var ok bool
	if b.bad, ok = errors.AsType[*RecordError](err); err != nil && !ok {
		return err
	}
	b.held, b.file = true, b.File()
	if err == nil {
		b.time()
	}
	return nil
}

// Wait implements [Stream]. It returns when any part may have more.
func (j *joined) Wait(ctx context.Context, d time.Duration) error {
	start, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(j.branches))
	for _, b := range j.branches {
		go func() { ended <- b.Wait(waiting, d) }()
	}
	over, err := 0, error(nil)
	for range j.branches {
		switch e := <-ended; {
		case errors.Is(e, io.EOF):
			over++ // nothing will come from there; the others go on
		case e == nil:
			stop()
		case waiting.Err() == nil:
			err = e
			stop()
		}
	}
	switch {
	case err != nil:
		return err
	case over == len(j.branches):
		return io.EOF
	case start.Err() == nil:
		return rest(ctx, settle)
	}
	return ctx.Err()
}

// rest waits until d has passed or ctx ends, whose error it returns.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// Cursor implements [Stream].
func (j *joined) Cursor() ([]byte, error) {
	at := jointCursor{Parts: map[string]partCursor{}}
	for _, b := range j.branches {
		cursor, err := b.Stream.Cursor()
		if err != nil {
			return nil, err
		}
		p := partCursor{Cursor: cursor}
		if b.held {
			p.Bad, p.File = b.bad, b.file
			if b.bad == nil {
				p.Head = &b.head
			}
		}
		at.Parts[b.name] = p
	}
	if j.memory != nil {
		at.Memory = j.memory.State()
	}
	text, err := json.Marshal(at)
	if err != nil {
		return nil, fmt.Errorf("cursor of %s: %w", j.file, err)
	}
	return text, nil
}

// Finished implements [Stream].
func (j *joined) Finished() (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, b := range j.branches {
		left, err := b.Stream.Finished()
		if err != nil {
			return nil, err
		}
		maps.Copy(all, left)
	}
	return all, nil
}

// Stats implements [Stream].
func (j *joined) Stats() (s Stats) {
	for _, b := range j.branches {
		s = sum(s, b.Stream.Stats())
	}
	return s
}

// Progress implements [Stream].
func (j *joined) Progress() (done, total int64) {
	for _, b := range j.branches {
		d, t := b.Stream.Progress()
		done, total = done+d, total+t
	}
	return done, total
}

// File implements [Stream].
func (j *joined) File() string { return j.file }

// Part returns the input that the last record came from, as it is called in
// cursors: where [Together] reads it by its source and its absolute path.
func (j *joined) Part() string { return j.part }

// Close implements [Stream].
func (j *joined) Close() (err error) {
	for _, b := range j.branches {
		err = errors.Join(err, b.Stream.Close())
	}
	return err
}

func sum(a, b Stats) Stats {
	return Stats{
		Lines: a.Lines + b.Lines, Bytes: a.Bytes + b.Bytes, TooLong: a.TooLong + b.TooLong, Known: a.Known + b.Known,
		Rotations: a.Rotations + b.Rotations, Truncations: a.Truncations + b.Truncations, Damaged: a.Damaged + b.Damaged,
		Lost: a.Lost + b.Lost, LostBytes: a.LostBytes + b.LostBytes, Torn: a.Torn + b.Torn,
		Dropped: a.Dropped + b.Dropped, Missing: a.Missing + b.Missing, Sampled: max(a.Sampled, b.Sampled),
	}
}
