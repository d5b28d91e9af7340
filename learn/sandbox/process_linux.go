package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"tripline/learn"
)

// Bounds of what is kept of a process.
const (
	mostParents = 16
	mostArgs    = 64
	mostArg     = 256
	mostLooked  = 1 << 10 // of an argument, for secrets
)

// processOf says what the process of a thread is. It is nil if it is gone. What is known
// of a process is known by any of its threads: the first one may have ended. The first
// process inside is no parent of interest: it is this program.
func processOf(pid, first int) *learn.Process {
	exe, err := os.Readlink(procPath(pid, "exe"))
	if err != nil {
		return nil
	}
	p := &learn.Process{PID: groupOf(pid), Exe: strings.TrimSuffix(exe, " (deleted)"), UID: uidOf(pid)}
	if line, err := os.ReadFile(procPath(pid, "cmdline")); err == nil {
		p.Args = shortened(redacted(split(line)))
	}
	p.Trace = traceOf(environment(pid, "TRACEPARENT"))
	for parent := parentOf(pid); parent > 0 && parent != first && len(p.Parents) < mostParents; parent = parentOf(parent) {
		exe, err := os.Readlink(procPath(parent, "exe"))
		if err != nil {
			break
		}
		p.Parents = append(p.Parents, exe)
	}
	return p
}

// traceparent is the form of it that all versions have (W3C Trace Context, 3.2).
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}`)

// traceOf returns a TRACEPARENT without what later versions add, "" for what is none.
func traceOf(text string) string {
	const zeroTrace, zeroSpan = "-00000000000000000000000000000000-", "-0000000000000000-"
	form := traceparent.FindString(text)
	rest := text[len(form):]
	switch version, _, _ := strings.Cut(form, "-"); {
	case version == "ff", strings.Contains(form, zeroTrace), strings.Contains(form, zeroSpan):
		return ""
	case rest != "" && (version == "00" || rest[0] != '-'):
		return ""
	}
	return form
}

func procPath(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }

// split takes a list of strings that end in a zero byte apart.
func split(line []byte) (args []string) {
	for part := range bytes.SplitSeq(bytes.TrimSuffix(line, []byte{0}), []byte{0}) {
		if len(args) == mostArgs {
			return append(args, "...")
		}
		args = append(args, cutOff(string(part), mostLooked))
	}
	return args
}

// shortened comes after secrets were taken out: of one that is cut off it may not be seen
// that it is one.
func shortened(args []string) []string {
	for i, a := range args {
		args[i] = cutOff(a, mostArg)
	}
	return args
}

func cutOff(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

func environment(pid int, name string) string {
	text, err := os.ReadFile(procPath(pid, "environ"))
	if err != nil {
		return ""
	}
	for part := range bytes.SplitSeq(text, []byte{0}) {
		if value, ok := bytes.CutPrefix(part, []byte(name+"=")); ok && len(value) <= mostArg {
			return string(value)
		}
	}
	return ""
}

// stat returns the fields of a process behind its name, which may hold anything
// (proc_pid_stat(5)).
func stat(pid int) []string {
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return nil
	}
	i := bytes.LastIndexByte(text, ')')
	return strings.Fields(string(text[i+1:]))
}

func parentOf(pid int) int {
	fields := stat(pid)
	if len(fields) < 2 {
		return 0
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return parent
}

func uidOf(pid int) int {
	text, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		return 0
	}
	uid, err := strconv.Atoi(field(text, "Uid:"))
	if err != nil {
		return 0
	}
	return uid
}

// field is the first value of a line of /proc/PID/status.
func field(status []byte, name string) string {
	for value := range strings.FieldsSeq(line(status, name)) {
		return value
	}
	return ""
}

func line(status []byte, name string) string {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(line)
}

// descendants returns the processes that come from one, the nearest first.
func descendants(pid int) (all []int) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
				all = append(all, descendants(child)...)
			}
		}
	}
	return all
}

// holder returns the process that has a socket, 0 if there is none. One that has
// it first is its owner, and children that got it from it come later.
func holder(pids []int, inode uint32) int {
	want := fmt.Sprintf("socket:[%d]", inode)
	for _, pid := range pids {
		dir := procPath(pid, "fd")
		d, err := os.Open(dir)
		if err != nil {
			continue
		}
		names, err := d.Readdirnames(-1)
		d.Close() //nolint:errcheck // it was only read
		if err != nil {
			continue
		}
		for _, name := range names {
			if link, err := os.Readlink(filepath.Join(dir, name)); err == nil && link == want {
				return pid
			}
		}
	}
	return 0
}
