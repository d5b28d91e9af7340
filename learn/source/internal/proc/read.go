package proc

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mostText bounds what is read of a process's own texts.
const mostText = 64 << 10

func (t *Table) file(pid int, name string) string {
	return filepath.Join(t.root, strconv.Itoa(pid), name)
}

func (t *Table) text(pid int, name string) (string, bool) {
	f, err := os.Open(t.file(pid, name))
	if err != nil {
		return "", false
	}
	defer f.Close() //nolint:errcheck // it was only read
	b, err := io.ReadAll(io.LimitReader(f, mostText))
	return string(b), err == nil
}

// stat reads what a process is.
func (t *Table) stat(pid int) (*entry, bool) {
	status, ok := t.text(pid, "status")
	if !ok {
		return nil, false
	}
	e := &entry{pid: pid, parent: number(status, "PPid:"), uid: number(status, "Uid:"), exe: t.executable(pid, "")}
	if text, _ := t.text(pid, "cmdline"); text != "" {
		e.args = Redact(strings.Split(strings.TrimSuffix(text, "\x00"), "\x00"))
	}
	return e, true
}

// number is the first one behind a key of /proc/PID/status; -1 if there is none.
func number(status, key string) int {
	_, rest, ok := strings.Cut("\n"+status, "\n"+key)
	fields := strings.Fields(rest)
	if !ok || len(fields) == 0 {
		return -1
	}
	n, err := strconv.Atoi(fields[0])
	if err != nil {
		return -1
	}
	return n
}

// deleted is what the kernel writes behind a path that is no more.
const deleted = " (deleted)"

// executable returns what a process executes: what the kernel says while it lives,
// else what was executed.
func (t *Table) executable(pid int, path string) string {
	if exe, err := os.Readlink(t.file(pid, "exe")); err == nil {
		return strings.TrimSuffix(exe, deleted)
	}
	if !filepath.IsAbs(path) {
		return path
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// ask reads, while a process lives, what is not told of it.
func (t *Table) ask(e *entry) {
	if e.asked {
		return
	}
	e.asked = true
	if text, ok := t.text(e.pid, "cgroup"); ok {
		e.where = CgroupOf(text)
	} else if path, ok := t.paths.Path(e.cgroup); ok && path != "/" {
		e.where = path
	} else if p := t.entries[e.parent]; p != nil && e.where == "" {
		t.ask(p)
		e.where = p.where
	}
	if env, ok := t.text(e.pid, "environ"); ok {
		e.trace = variable(env, "TRACEPARENT=")
	} else if p := t.entries[e.parent]; p != nil && e.trace == "" {
		t.ask(p)
		e.trace = p.trace
	}
}

// mostTrace is how long a trace may be: those of the standard have 55 bytes.
const mostTrace = 128

func variable(environ, name string) string {
	for part := range bytes.SplitSeq([]byte(environ), []byte{0}) {
		if v, ok := strings.CutPrefix(string(part), name); ok && len(v) <= mostTrace {
			return v
		}
	}
	return ""
}
