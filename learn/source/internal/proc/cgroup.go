package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// CgroupOf returns where /proc/PID/cgroup says that a process is: in the tree of
// version 2, or where that has only its root, in one of version 1.
//
//	1:name=systemd:/docker/3f1c...
//	0::/system.slice/bot.service
func CgroupOf(text string) (where string) {
	for line := range strings.Lines(text) {
		id, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), ":")
		_, path, ok := strings.Cut(rest, ":")
		if !ok || path == "/" && where != "" {
			continue
		}
		if where == "" || where == "/" || id == "0" {
			where = path
		}
	}
	return where
}

// containerID is what engines call a container: 64 hexadecimal digits, as a
// directory of their own or within the name of a scope.
//
//	/system.slice/docker-3f1c....scope   /docker/3f1c...   /kubepods/pod1/3f1c...
//	/machine.slice/libpod-3f1c....scope  /system.slice/cri-containerd-3f1c....scope
var containerID = regexp.MustCompile(`(?:^|/)(?:(?:[a-z]+-)*)([0-9a-f]{64})(?:\.scope)?(?:/|$)`)

// Container returns the ID of the container whose cgroup this is, "" if it is of
// none. That of what Podman watches a container with is not the container.
func Container(cgroup string) (id string) {
	for part := range strings.SplitSeq(cgroup, "/") {
		if m := containerID.FindStringSubmatch(part); m != nil && !strings.HasPrefix(part, "libpod-conmon-") {
			id = m[1]
		}
	}
	return id
}

// Cgroups knows the tree of version 2 by the IDs that the kernel tells. Nil knows
// nothing. It is not for concurrent use.
type Cgroups struct {
	mount string
	paths map[uint64]string
	last  time.Time
}

// errNoTree says that there is no tree of version 2.
var errNoTree = errors.New("cgroup2 is not mounted")

// FindCgroups finds the tree of version 2 in /proc/self/mountinfo: it is not always
// at /sys/fs/cgroup.
func FindCgroups(mountinfo string) (*Cgroups, error) {
	text, err := os.ReadFile(mountinfo)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if ok && strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 {
			return &Cgroups{mount: unescape(fields[4]), paths: map[uint64]string{}}, nil
		}
	}
	return nil, errNoTree
}

// unescape undoes what the kernel does to spaces in paths.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// Mount is where the tree is.
func (c *Cgroups) Mount() string { return c.mount }

// again is how often the tree is walked for an ID that is not known.
const again = time.Second

// Path returns the path of a cgroup within the tree.
func (c *Cgroups) Path(id uint64) (string, bool) {
	if c == nil || id == 0 {
		return "", false
	}
	path, ok := c.paths[id]
	if now := time.Now(); !ok && now.Sub(c.last) > again {
		c.last = now
		c.walk()
		path, ok = c.paths[id]
	}
	return path, ok
}

// mostCgroups bounds what is remembered.
const mostCgroups = 1 << 15

func (c *Cgroups) walk() {
	if len(c.paths) > mostCgroups {
		clear(c.paths)
	}
	_ = filepath.WalkDir(c.mount, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil //nolint:nilerr // it is gone; the others are not
		}
		if id, ok := inode(d); ok {
			rest := strings.TrimPrefix(path, c.mount)
			c.paths[id] = "/" + strings.TrimPrefix(rest, "/")
		}
		return nil
	})
}
