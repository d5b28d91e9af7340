package proc

import (
	"os"
	"slices"
	"strconv"
	"time"

	"tripline/learn"
)

// A Table is what is known of processes. It is not for concurrent use.
type Table struct {
	root    string // /proc
	entries map[int]*entry
	gone    []departure // that are forgotten later
	paths   *Cgroups
}

// An entry is a process between two executions.
type entry struct {
	pid, parent, uid int
	exe              string
	args, parents    []string
	cgroup           uint64
	asked            bool // /proc was, for what follows
	where, trace     string
	is               *learn.Process // as it was told of
}

type departure struct {
	e  *entry
	at time.Time
}

// lingers is how long a process is known after its end, and mostGone how many.
const (
	lingers  = 30 * time.Second
	mostGone = 1 << 15
)

// mostParents is how many ancestors are told of.
const mostParents = 16

// NewTable reads /proc, which is at root. Paths knows cgroups by their IDs; nil
// knows none.
func NewTable(root string, paths *Cgroups) *Table {
	t := &Table{root: root, entries: map[int]*entry{}, paths: paths}
	dir, err := os.ReadDir(root)
	if err != nil {
		return t
	}
	for _, d := range dir {
		if pid, err := strconv.Atoi(d.Name()); err == nil {
			t.read(pid, 0)
		}
	}
	return t
}

// read takes a process, and those above it, from /proc.
func (t *Table) read(pid, depth int) *entry {
	if e := t.entries[pid]; e != nil || pid <= 0 {
		return e
	}
	e, ok := t.stat(pid)
	if !ok {
		return nil
	}
	t.entries[pid] = e
	if depth < mostParents {
		if p := t.read(e.parent, depth+1); p != nil {
			e.parents = lineage(p)
		}
	}
	return e
}

// lineage is what the ancestors of a child of p are.
func lineage(p *entry) []string {
	list := make([]string, 0, min(mostParents, 1+len(p.parents)))
	list = append(list, p.exe)
	return append(list, p.parents[:min(len(p.parents), mostParents-1)]...)
}

// Forked notes a child: it is what its parent is, until it executes something.
func (t *Table) Forked(parent, child, uid int, cgroup uint64) {
	e := &entry{pid: child, parent: parent, uid: uid, cgroup: cgroup}
	if p := t.read(parent, 0); p != nil {
		e.exe, e.args, e.parents = p.exe, p.args, lineage(p)
		e.where, e.trace = p.where, p.trace
	}
	t.entries[child] = e
}

// Executed notes what a process is from now on.
func (t *Table) Executed(pid, parent, uid int, cgroup uint64, path string, args []string) {
	was := t.entries[pid]
	e := &entry{pid: pid, parent: parent, uid: uid, cgroup: cgroup, args: Redact(args)}
	if was != nil {
		e.parents, e.where, e.trace = was.parents, was.where, was.trace
	} else if p := t.read(parent, 0); p != nil {
		e.parents, e.where, e.trace = lineage(p), p.where, p.trace
	}
	e.exe = t.executable(pid, path)
	t.entries[pid] = e
}

// Exited notes that a process has ended. What it did may be told of later.
func (t *Table) Exited(pid int, now time.Time) {
	if e := t.entries[pid]; e != nil {
		t.gone = append(t.gone, departure{e, now})
	}
	n := 0
	for n < len(t.gone) && (now.Sub(t.gone[n].at) > lingers || len(t.gone)-n > mostGone) {
		if e := t.gone[n].e; t.entries[e.pid] == e {
			delete(t.entries, e.pid)
		}
		n++
	}
	t.gone = slices.Delete(t.gone, 0, n)
}

// Of returns who a process is now. It is never nil.
func (t *Table) Of(pid int) *learn.Process {
	e := t.read(pid, 0)
	if e == nil {
		return &learn.Process{PID: pid, UID: -1}
	}
	if e.is == nil {
		t.ask(e)
		e.is = &learn.Process{
			PID: e.pid, Exe: e.exe, Args: e.args, Parents: e.parents, UID: e.uid,
			Cgroup: e.where, Container: Container(e.where), Trace: e.trace,
		}
	}
	return e.is
}

// Len is how many processes are known.
func (t *Table) Len() int { return len(t.entries) }

// Renew reads again what a process is, where nobody tells of what it executes: its
// number may be another's now.
func (t *Table) Renew(pid int) {
	e, ok := t.stat(pid)
	if was := t.entries[pid]; !ok || was != nil && was.exe == e.exe && was.parent == e.parent && slices.Equal(was.args, e.args) {
		return
	}
	delete(t.entries, pid)
	t.read(pid, 0)
}
