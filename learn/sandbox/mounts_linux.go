package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// mounts covers what leads around the link: other processes, sockets of programs
// outside, and the resolver of this host.
func (p *plan) mounts(r *report) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	// Programs with rights of their own run without them, and run: their files ask
	// for rights that nobody has here. Before Linux 5.12 they do not.
	unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID}) //nolint:errcheck // as above
	if err := p.replacements(); err != nil {
		return fmt.Errorf("cover the resolver: %w", err)
	}
	for _, path := range p.Hide {
		if err := p.cover(path); err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("%s is not covered: %v", path, err))
		}
	}
	for _, path := range p.Private {
		if err := p.cover(path); err != nil {
			return fmt.Errorf("cover %s: %w", learn.Printable(path), err)
		}
	}
	if err := reenter(); err != nil {
		return err
	}
	if p.PID {
		if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			return fmt.Errorf("%s: %w", failProc, err)
		}
	}
	if p.UID == 0 {
		if err := settings(); err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("settings of this system are not held: root inside may change them: %v", err))
		}
	}
	return nil
}

// reenter leaves a directory that was covered: who is in it goes on to see what was there.
func reenter() error {
	var here, there unix.Stat_t
	path, err := unix.Getwd()
	if err != nil || unix.Stat(".", &here) != nil || !filepath.IsAbs(path) { // it was removed
		return nil //nolint:nilerr // as above
	}
	err = unix.Stat(path, &there)
	if err == nil && (here.Dev != there.Dev || here.Ino != there.Ino) || errors.Is(err, unix.ENOENT) {
		if err := unix.Chdir(path); err != nil {
			return fmt.Errorf("the directory %s is covered in the sandbox, start in another one: %w", learn.Printable(path), err)
		}
	}
	return nil
}

// settings has root inside read the settings of the kernel and change none: they are
// its by name alone, and some name programs that the kernel runs outside (core(5),
// cgroups(7)).
func settings() error {
	still := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	for _, dir := range []string{"/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/sys"} {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		if err := unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("cover %s: %w", dir, err)
		}
		if err := unix.MountSetattr(unix.AT_FDCWD, dir, unix.AT_RECURSIVE, still); err != nil {
			return fmt.Errorf("%s read-only: %w", dir, err)
		}
	}
	if _, err := os.Stat("/proc/sysrq-trigger"); err == nil {
		return unix.Mount("/dev/null", "/proc/sysrq-trigger", "", unix.MS_BIND, "")
	}
	return nil
}

// failProc begins the report of a child that may not have a view of its own on
// processes, as in a container.
const failProc = "mount /proc"

// cover puts something empty in the place of a directory or a socket.
func (p *plan) cover(path string) error {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		mode := "0" + strconv.FormatUint(uint64(info.Mode().Perm()), 8)
		return unix.Mount("tmpfs", path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=16m,mode="+mode)
	}
	return unix.Mount("/dev/null", path, "", unix.MS_BIND, "")
}

// replacements puts our own resolv.conf in the place of the host's, and copies in
// the place of files whose owner matters. Files have to be on a mount, so they are
// made on one that is gone again.
func (p *plan) replacements() error {
	const stage = "/tmp"
	if err := unix.Mount("tmpfs", stage, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, stageSize+",mode=0755"); err != nil {
		return err
	}
	err := p.resolver(stage)
	for i, path := range p.Own {
		if text, e := os.ReadFile(path); e == nil && err == nil {
			err = replace(path, filepath.Join(stage, strconv.Itoa(i)), text)
		}
	}
	if e := unix.Unmount(stage, unix.MNT_DETACH); err == nil {
		err = e
	}
	return err
}

// stageSize holds as many files of ssh as are copied, each as large as it may be.
const stageSize = "size=8m"

func (p *plan) resolver(stage string) error {
	target, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		return nil //nolint:nilerr // without one, programs ask the loopback, where nobody answers
	}
	return replace(target, filepath.Join(stage, "resolv.conf"), []byte(p.Resolve))
}

// replace puts a file in the place of another one.
func replace(target, file string, text []byte) error {
	if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // G306: as everybody's resolv.conf
		return err
	}
	return unix.Mount(file, target, "", unix.MS_BIND, "")
}
