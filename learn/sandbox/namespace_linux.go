package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// attributes ask for namespaces. Users stay who they are: the command sees its
// own identity. Root keeps all of them, so that files have their owners.
func attributes(pid bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if pid {
		a.Cloneflags |= syscall.CLONE_NEWPID
	}
	if os.Getuid() != 0 {
		a.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SYS_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_SETPCAP}
		return a
	}
	if !holds(unix.CAP_SETUID, unix.CAP_SETGID) { // in a container
		return a
	}
	if uids, gids := everybody("/proc/self/uid_map"), everybody("/proc/self/gid_map"); uids != nil && gids != nil {
		a.UidMappings, a.GidMappings, a.GidMappingsEnableSetgroups = uids, gids, mayGroup()
	}
	return a
}

// mayGroup says whether groups may be set here, which a namespace inside of one that
// may not cannot allow (user_namespaces(7)).
func mayGroup() bool {
	text, err := os.ReadFile("/proc/self/setgroups")
	return err == nil && strings.TrimSpace(string(text)) == "allow"
}

// everybody maps all users that there are to themselves.
func everybody(path string) (all []syscall.SysProcIDMap) {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // it was only read
	for s := bufio.NewScanner(f); s.Scan(); {
		var from, to, n int
		if _, err := fmt.Sscan(s.Text(), &from, &to, &n); err != nil {
			return nil
		}
		all = append(all, syscall.SysProcIDMap{ContainerID: from, HostID: from, Size: n})
	}
	return all
}

// forbidden says what forbids namespaces, and how to allow them.
func forbidden(err error) error {
	d := Diagnose(err)
	return learn.WithHint(fmt.Errorf("make namespaces: %w: %s", &noNamespaces{plainCause(err)}, d.Cause), "%s", d.Fix)
}

// A noNamespaces says that the kernel makes none here: there is another way then.
type noNamespaces struct{ err error } //nolint:errname // it is a fact about this host

func (e *noNamespaces) Error() string { return e.err.Error() }
func (e *noNamespaces) Unwrap() error { return e.err }

// plainCause leaves out which file was to be started: it is this program.
func plainCause(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// places are where programs outside listen that would act for the command.
func places() []string {
	return []string{
		fmt.Sprintf("/run/user/%d", os.Getuid()), "/run/dbus", "/run/systemd/resolve", "/run/systemd/userdb", "/run/nscd",
		"/run/avahi-daemon", "/tmp/.X11-unix",
	}
}

// hidden are the places and sockets to cover, but for those that are to stay
// reachable.
func hidden(stay []string) (list []string) {
	keep := func(path string) bool {
		return slices.ContainsFunc(stay, func(s string) bool {
			return path == s || strings.HasPrefix(path, strings.TrimSuffix(s, "/")+"/") || strings.HasPrefix(s, strings.TrimSuffix(path, "/")+"/")
		})
	}
	for _, dir := range places() {
		if target, err := filepath.EvalSymlinks(dir); err == nil && !keep(dir) && !keep(target) {
			list = append(list, target)
		}
	}
	covered := len(list)
	size := 0
	for _, path := range listening() {
		target, err := filepath.EvalSymlinks(path)
		if err != nil || keep(path) || keep(target) || slices.Contains(list, target) || under(list[:covered], target) {
			continue
		}
		if info, err := os.Stat(target); err != nil || info.Mode().Type() != os.ModeSocket {
			continue
		}
		if size += len(target) + 8; size > mostMessage/2 {
			break
		}
		list = append(list, target)
	}
	return list
}

// targets are what paths lead to, where there is something.
func targets(paths []string) (list []string) {
	for _, path := range paths {
		target, err := filepath.EvalSymlinks(path)
		if err == nil {
			target, err = filepath.Abs(target)
		}
		if err == nil {
			list = append(list, target)
		}
	}
	return list
}

func under(dirs []string, path string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(path, d+"/") })
}

// listening returns the sockets in the file system that somebody listens on.
func listening() (paths []string) {
	for _, name := range unixSockets() {
		if strings.HasPrefix(name, "/") {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// unixSockets are the inodes and names of the sockets of this machine that have one
// (proc(5), /proc/net/unix). "@" stands for a zero byte in it.
func unixSockets() iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		text, err := os.ReadFile("/proc/self/net/unix")
		if err != nil {
			return
		}
		for line := range strings.Lines(string(text)) {
			// Num RefCount Protocol Flags Type St Inode Path: the last may hold anything
			const before = 7
			var last string
			rest, named := strings.TrimSuffix(line, "\n"), true
			for range before {
				last, rest, named = strings.Cut(strings.TrimLeft(rest, " "), " ")
			}
			if inode, err := strconv.ParseUint(last, 10, 32); err == nil && named && !yield(uint32(inode), rest) {
				return
			}
		}
	}
}
