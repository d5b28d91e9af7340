package store

import (
	"encoding/binary"

	"tripline/learn"
)

// maxArgs bounds the arguments of a process, and its ancestors.
const maxArgs = 1 << 12

// processes numbers who opened the connections of a batch. A source tells of one
// process with the same pointer again and again, which is cheaper to compare than
// what it points to.
type processes struct {
	texts *dict[string]
	ids   map[*learn.Process]uint32
	last  *learn.Process
	id    uint32
}

// mostPointers bounds what is remembered of them: each keeps a process alive.
const mostPointers = 1 << 14

func newProcesses(texts *dict[string]) processes {
	return processes{texts: texts, ids: map[*learn.Process]uint32{}}
}

// of returns one more than the number of the text that says who p is, 0 for nobody.
func (d *processes) of(p *learn.Process) uint32 {
	if p == d.last {
		return d.id
	}
	if p == nil {
		return 0
	}
	id, ok := d.ids[p]
	if !ok {
		if len(d.ids) >= mostPointers {
			clear(d.ids)
		}
		id = d.texts.id(string(appendProcess(nil, p))) + 1
		d.ids[p] = id
	}
	d.last, d.id = p, id
	return id
}

// appendProcess writes a process as a text of a block.
func appendProcess(b []byte, p *learn.Process) []byte {
	b = binary.AppendVarint(binary.AppendVarint(b, int64(p.PID)), int64(p.UID))
	for _, s := range []string{p.Exe, p.Cgroup, p.Container, p.Trace} {
		b = appendText(b, s)
	}
	return appendTexts(appendTexts(b, p.Args), p.Parents)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

// processOf reads what appendProcess wrote.
func processOf(text string) (*learn.Process, error) {
	r := reader{b: []byte(text)}
	p := &learn.Process{PID: int(r.varint()), UID: int(r.varint())}
	for _, s := range []*string{&p.Exe, &p.Cgroup, &p.Container, &p.Trace} {
		*s = r.text()
	}
	p.Args, p.Parents = r.texts(), r.texts()
	return p, r.err()
}

// texts reads what appendTexts wrote; none is nil.
func (r *reader) texts() (list []string) {
	for range r.upTo(maxArgs) {
		list = append(list, r.text())
	}
	return list
}

// tooMuch says whether a process could not be read again.
func tooMuch(p *learn.Process) bool {
	n := len(p.Exe) + len(p.Cgroup) + len(p.Container) + len(p.Trace)
	for _, s := range p.Args {
		n += len(s)
	}
	for _, s := range p.Parents {
		n += len(s)
	}
	return n > maxText || len(p.Args) > maxArgs || len(p.Parents) > maxArgs
}

// process reads who opened a flow; flows of one process in a block share it.
func (u *unpacker) process() *learn.Process {
	i := u.cols[colProcess].uvarint()
	if i == 0 || i > uint64(len(u.texts)) {
		u.bad = u.bad || i > 0
		return nil
	}
	if p := u.known[i]; p != nil {
		return p
	}
	p, err := processOf(u.texts[i-1])
	if err != nil {
		u.bad = true
		return nil
	}
	if u.known == nil {
		u.known = map[uint64]*learn.Process{}
	}
	u.known[i] = p
	return p
}
